/*
 * splice(2), tee(2), sendfile(2): data from one open file to another without a detour through the
 * program.
 *
 * Between two pipes references on pages move. From a file with a page cache to a pipe its cached
 * pages are lent; any other file is read into pages of the pipe's. Out of a pipe or page, files are
 * written with the kernel's own address of the page. As on Linux, data that are lent change when
 * the file does.
 *
 * Locking: a pipe's lock is held while its pages are filled from or written to a file, as on Linux,
 * which is why RANK_PIPE is outside all locks of files.
 *
 * All may sleep, return what was moved or -errno, and leave io->position behind what was moved. The
 * caller raises SIGPIPE: for EPIPE of a pipe, and when IO_BROKEN is set in the flags of another
 * file that was written to, whatever was moved before.
 */
#pragma once

#include "lib/types.h"

struct file;
struct io;

/* io: the file and where; its uio is not used. nowait: EAGAIN instead of sleeping on the pipe. */
ssize_t splice_to_pipe(struct io *in, struct file *pipe, size_t len, bool nowait);
ssize_t splice_from_pipe(struct file *pipe, struct io *out, size_t len, bool nowait);

ssize_t splice_pipe_to_pipe(struct file *in, struct file *out, size_t len, bool nowait);
/* tee(2): the same, but the data stay in `in` too. */
ssize_t tee_pipe_to_pipe(struct file *in, struct file *out, size_t len, bool nowait);

/* sendfile(2) to what is no pipe. */
ssize_t splice_file_to_file(struct io *in, struct io *out, size_t len);

/* Until the pipe has room, or no reader. -ERESTARTSYS. */
int splice_wait_writable(struct file *pipe);

/* Can data come out of this file other than by read(2)? */
bool file_can_splice(const struct file *file);

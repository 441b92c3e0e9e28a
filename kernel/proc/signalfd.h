/*
 * signalfd(2): reads take signals that pend for the reader, out of the file's mask, as records of
 * 128 bytes. Which task reads or polls counts, not which made the file.
 */
#pragma once

#include "lib/types.h"

struct file;
struct task;

/* flags: SFD_NONBLOCK. ENFILE, ENOMEM. May sleep. */
int __must_check signalfd_create(uint64_t mask, unsigned int flags, struct file **out);
bool file_is_signalfd(const struct file *file);
void signalfd_set_mask(struct file *file, uint64_t mask);

/* A signal pends for `task` or its process: readers look. proc->lock held. */
void signalfd_notify_locked(struct task *task);

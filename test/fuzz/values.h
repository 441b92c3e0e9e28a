/*
 * values.h - arguments for system calls: random ones, those at the edges, and plausible ones.
 *
 * Each argument of a call has a kind, a letter that the harness derives from its type and name in
 * kernel/syscall/syscalls.tbl. A structure is written into a slot of the arena before the call, so
 * that calls get far enough to be interesting.
 */
#pragma once

#include <stdint.h>

enum {
	ARENA = 0x10000000, /* readable and writable, then a hole */
	ARENA_SIZE = 0x10000,
	READ_ONLY = 0x10100000,
	NO_ACCESS = 0x10200000,
	PAST_END = 0x10300000,   /* maps a file beyond its end */
	PLAYGROUND = 0x30000000, /* where calls may map and unmap */
	PLAYGROUND_SIZE = 0x100000,
	FDS_MAX = 64,
};

/* Maps the places above. Once, before the first child. */
void values_init(void);

/* A child keeps what calls returned, so that later ones use it. */
void value_remember(long result);

/*
 * An argument of a kind: f descriptor, l length, g flags, n process, s signal, a address, o offset,
 * c command, u small number; p path, P any pointer, v iovecs, t times, A socket address, M message,
 * q pollfds, e epoll event, x vector of strings. Others give anything.
 */
uint64_t value_of(char kind);

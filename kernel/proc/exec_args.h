/*
 * The argument and environment strings of an exec on their way from the old address space to the
 * new.
 *
 * Strings are kept end to end in pages of the kernel, arguments first. Interpreters of `#!` scripts
 * put theirs in front; argv[0] may be dropped for it. exec_args_fini() frees all, whatever was
 * done.
 *
 * Limits are Linux's (execve(2), "Limits on size of arguments and environment"): a string at most
 * 128 KiB, all with their pointers at most a quarter of RLIMIT_STACK, capped at 6 MiB and never
 * below 128 KiB.
 */
#pragma once

#include "lib/types.h"

struct exec_front {
	struct exec_front *next;
	size_t             len; /* with its NUL */
	char               text[];
};

struct exec_args {
	char            **pages;
	uint32_t          nr_pages;
	size_t            size;         /* bytes of strings in the pages */
	size_t            args_size;    /* of them arguments; the rest is environment */
	size_t            dropped;      /* bytes at the start that belong to a dropped argv[0] */
	size_t            limit;        /* bytes of strings and pointers together */
	uint32_t          argc, envc;   /* argc counts the front, not a dropped argv[0] */
	struct exec_front *front;       /* first argument first */
	size_t            front_size;
};

/* `stack_limit` is RLIMIT_STACK. -ENOMEM. */
int __must_check exec_args_init(struct exec_args *args, uint64_t stack_limit);
void exec_args_fini(struct exec_args *args);

/*
 * Takes in the arrays of strings, arguments then environment (0 is an empty array). -EFAULT,
 * -E2BIG, -ENOMEM. An empty argument list becomes one empty string, as on Linux.
 */
int __must_check exec_args_from_user(struct exec_args *args, uaddr_t argv, uaddr_t envp);
int __must_check exec_args_from_kernel(struct exec_args *args, const char *const argv[],
				       const char *const envp[]);

/* Puts a string before all others. -ENOMEM, -E2BIG. */
int __must_check exec_args_push(struct exec_args *args, const char *text);

/* Drops the first argument, whichever it is now. */
void exec_args_drop_first(struct exec_args *args);

/* Bytes of all strings that go to the new stack. */
size_t exec_args_total(const struct exec_args *args);

/*
 * Hands out the bytes in order, front, arguments, environment: `sink` gets each run and a nonzero
 * answer of it ends the walk and is returned.
 */
int exec_args_for_each_run(const struct exec_args *args,
			   int (*sink)(void *context, const char *bytes, size_t n), void *context);

/*
 * A set of pending signals with their queued details, as a task and a process each have one.
 *
 * Standard signals pend once; real-time signals queue, each with its siginfo, up to
 * RLIMIT_SIGPENDING of the sending user (signal(7)). The owner's proc->lock guards every field.
 *
 * The queue owns one element, `own`, so that a signal that finds nothing queued allocates nothing.
 */
#pragma once

#include "abi/siginfo.h"
#include "lib/list.h"
#include "lib/types.h"

struct user;

/*
 * One queued signal. An element that its sender owns (a POSIX timer's) has `taken`, which is
 * called, with the target's proc->lock held, when the element leaves the queue; any other is freed
 * then.
 */
struct sigqueue {
	struct list  link; /* self-linked while it is on no queue */
	struct siginfo_core info;
	struct user *user; /* whose RLIMIT_SIGPENDING it counts for; a reference */
	void       (*taken)(struct sigqueue *queued);
};

struct sigpending {
	struct list     queue; /* struct sigqueue, oldest first */
	uint64_t        set;   /* bit sig-1: at least one pends, with or without details */
	uint64_t        by_kernel; /* those that the kernel sent without details: SI_KERNEL */
	struct sigqueue own; /* keeps its user while it is on no queue, for the next signal */
};

void sigpending_init(struct sigpending *pending);

/* The owner exits: forgets everything; nothing is queued any more. */
void sigpending_fini(struct sigpending *pending);

/*
 * Queues an element for `user`, up to `limit` of that user: the details, which the caller fills in
 * before it lets the lock go. NULL when there is no room or no memory: then only the bit tells of
 * the signal. Never sleeps.
 */
struct siginfo_core *sigpending_queue(struct sigpending *pending, struct user *user,
				      uint64_t limit);

/* Queues an element of the sender's own. It must not be queued already. */
void sigpending_queue_own(struct sigpending *pending, struct sigqueue *queued);

/* Takes such an element, which is queued, off again; nobody sees its signal. */
void sigpending_remove_own(struct sigpending *pending, struct sigqueue *queued);

/*
 * Takes the signal `sig` off: its oldest element, copied to *info (or an empty one if it had none),
 * and the bit if it was the last.
 */
void sigpending_take(struct sigpending *pending, int sig, struct siginfo_core *info);

/* Forgets the signals of `mask` (all: ~0ull); their queue elements are freed. */
void sigpending_discard(struct sigpending *pending, uint64_t mask);

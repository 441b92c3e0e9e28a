/*
 * A set of pending signals with their queued details, as a task and a process each have one.
 *
 * Standard signals pend once; real-time signals queue, each with its siginfo, up to
 * RLIMIT_SIGPENDING of the sending user (signal(7)). The owner's proc->lock guards every field.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct sigpending {
	struct list queue; /* struct sigqueue, oldest first */
	uint64_t    set;   /* bit sig-1: at least one pends, with or without details */
};

void sigpending_init(struct sigpending *pending);

/* Forgets the signals of `mask` (all: ~0ull); their queue elements are freed. */
void sigpending_discard(struct sigpending *pending, uint64_t mask);

/*
 * Committed memory: how much memory of their own programs have been promised: private writable
 * mappings, shared anonymous ones, and pages of tmpfs. What a promise may be refused for is
 * /proc/sys/vm/overcommit_memory (Linux's Documentation/mm/overcommit-accounting.rst): by default
 * only a single request that is larger than all of memory; nothing; or whatever exceeds a limit.
 * Atomic counters, no lock.
 */
#pragma once

#include "lib/types.h"

struct space;

enum commit_mode { COMMIT_GUESS, COMMIT_ALWAYS, COMMIT_NEVER };

/* /proc/sys/vm/overcommit_* and *_reserve_kbytes. */
struct commit_settings {
	int      mode __atomic;
	unsigned ratio __atomic;  /* percent of memory that COMMIT_NEVER allows */
	uint64_t kbytes __atomic; /* the same as a number; 0: the ratio counts */
	uint64_t admin_reserve_kbytes __atomic; /* left for who has CAP_SYS_ADMIN */
	uint64_t user_reserve_kbytes __atomic;  /* left by a space so that it can be ended */
};
extern struct commit_settings commit_settings;

/* Start-up: the reserves. */
void commit_init(void);
/* proc/ says whether the current thread has CAP_SYS_ADMIN. */
void commit_privilege_register(bool (*is_privileged)(void));

/* Promises nr_pages more, to `space` (NULL: to nobody special). -ENOMEM if the mode refuses. */
int __must_check commit_charge(const struct space *space, size_t nr_pages);
void commit_uncharge(size_t nr_pages);

/* COMMIT_NEVER: then MAP_NORESERVE counts as well. */
bool commit_is_strict(void);

/* Pages promised now, and the limit of COMMIT_NEVER: /proc/meminfo Committed_AS and CommitLimit. */
size_t commit_total(void);
size_t commit_limit(void);

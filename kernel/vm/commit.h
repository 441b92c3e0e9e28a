/*
 * Committed memory: how much private writable memory programs have been promised. Mode 0 of
 * /proc/sys/vm/overcommit_memory, as Linux by default: only obvious overcommits are refused (a
 * single request that is larger than all of memory); mode 1 refuses nothing; mode 2 keeps to a
 * limit. Atomic counters, no lock.
 */
#pragma once

#include "lib/types.h"

/* Promises nr_pages more. -ENOMEM if the mode refuses. */
int __must_check commit_charge(size_t nr_pages);
void commit_uncharge(size_t nr_pages);

/* Pages promised now, and the limit of mode 2: /proc/meminfo Committed_AS and CommitLimit. */
size_t commit_total(void);
size_t commit_limit(void);

/* /proc/sys/vm/overcommit_memory (0, 1, 2: else -EINVAL) and overcommit_ratio. */
int commit_mode(void);
int __must_check commit_set_mode(int mode);
unsigned commit_ratio(void);
int __must_check commit_set_ratio(unsigned percent);

/*
 * What the rest of the folder needs of work.c.
 */
#pragma once

#include "lib/types.h"

struct work;

/* Empties the lists of a CPU; nothing can be queued before. */
void work_init_cpu(uint32_t cpu);
/* The boot CPU's overflow thread and the first sleeping worker; panics without memory. */
void work_start_threads(void);
/* The overflow thread of a further CPU: made on another one, started there. -ENOMEM. */
__must_check int work_create_thread(uint32_t cpu);
void work_start_thread(void);
/* Another CPU may have queued something here. Interrupts off. */
void work_look(void);
/* Calls ops->dead for the threads that died on a CPU (thread.c). */
void thread_dead_work(struct work *work);

/*
 * Semaphore sets: semget(2), semop(2), semctl(2).
 *
 * Operations of one call are done together or not at all. Who must wait lies in the set's queue
 * with its operations; whoever changes a value does the waiting operations that have become
 * possible, in the order of their coming, and wakes whose they were. Adjustments for the end of a
 * process (SEM_UNDO) are kept per list of tasks that share them (CLONE_SYSVSEM) and set.
 *
 * All functions may sleep. User memory is the syscall floor's.
 */
#pragma once

#include <linux/sem.h>

#include "lib/types.h"

struct seminfo;

/* kernel.sem */
struct sem_limits {
	int max_in_set __atomic; /* SEMMSL */
	int max_in_all __atomic; /* SEMMNS */
	int max_ops    __atomic; /* SEMOPM */
	int max_sets   __atomic; /* SEMMNI; ids.max follows */
};
extern struct sem_limits sem_limits;
int sem_limits_set(const struct sem_limits *limits); /* EINVAL */

/* Once, before the first program. */
void sem_init(void);

/* semget(2). */
int sem_get(int key, int nr, int flags);
/*
 * semtimedop(2): nr in 1 .. max_ops, deadline on the monotonic clock. EFBIG EACCES ERANGE EAGAIN
 * EIDRM EINVAL ENOMEM EINTR.
 */
int sem_operate(int id, const struct sembuf *ops, uint32_t nr, ns_t deadline);

/* ---- semctl(2) ------------------------------------------------------------------------------- */

/* GETVAL GETPID GETNCNT GETZCNT: the answer, or an error. */
int sem_ask(int id, uint32_t index, int command);
int sem_set_value(int id, uint32_t index, int value);
/* SETALL and GETALL: nr as sem_count() told; EINVAL if it has changed. */
int sem_count(int id, int mode);
int sem_set_all(int id, const unsigned short *values, uint32_t nr);
int sem_get_all(int id, unsigned short *values, uint32_t nr);
/* IPC_STAT, SEM_STAT, SEM_STAT_ANY: 0, or for the last two the number of the set. */
int sem_stat(int id, int command, struct semid64_ds *out);
int sem_change(int id, const struct semid64_ds *wanted);
int sem_remove(int id);
/* IPC_INFO, SEM_INFO: the highest place in use. */
int sem_info(int command, struct seminfo *out);

/* The next set at or behind *slot, for /proc/sysvipc/sem; false at the end. *id: its number. */
bool sem_next(uint32_t *slot, int *id, struct semid64_ds *out);

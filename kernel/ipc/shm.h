/*
 * Shared memory segments: shmget(2), shmop(2), shmctl(2).
 *
 * A segment is an unnamed file of tmpfs. Attaching maps it through an open file of its own, which
 * says whose segment it is; areas that come and go are told to the segment (file_ops.mapped), which
 * counts them. A segment that was removed lives on, without a key, until nothing is attached any
 * more.
 *
 * All functions may sleep.
 */
#pragma once

#include <linux/shm.h>

#include "lib/types.h"

/*
 * Bits of a segment's mode that programs see, and the measure of addresses: not in <linux/shm.h>.
 */
#define SHM_DEST   01000 /* goes when nothing is attached any more */
#define SHM_LOCKED 02000
#define SHMLBA     4096

/* kernel.shmmax (bytes) and kernel.shmall (pages); kernel.shmmni is the table's. */
struct shm_limits {
	uint64_t max_size __atomic;
	uint64_t max_pages __atomic;
};
extern struct shm_limits shm_limits;
int  shm_max_segments(void);
int  shm_set_max_segments(int max); /* EINVAL */

/* shmget(2). */
int shm_get(int key, size_t size, int flags);
/* shmat(2): where it is, in *out. EINVAL EACCES EIDRM ENOMEM. */
int __must_check shm_attach(int id, uaddr_t addr, int flags, uaddr_t *out);
/* shmdt(2). */
int shm_detach(uaddr_t addr);

/* IPC_STAT, SHM_STAT, SHM_STAT_ANY: 0, or for the last two the number of the segment. */
int shm_stat(int id, int command, struct shmid64_ds *out);
int shm_change(int id, const struct shmid64_ds *wanted);
int shm_remove(int id);
/* SHM_LOCK and SHM_UNLOCK; there is no swap, so that it is a flag only. EPERM. */
int shm_set_locked(int id, bool is_locked);
/* The highest place in use. */
int shm_info(struct shminfo64 *out);
int shm_usage(struct shm_info *out);

/* The next segment at or behind *slot, for /proc/sysvipc/shm; false at the end. */
struct shm_line {
	int               id;
	struct shmid64_ds ds;
	uint64_t          resident; /* pages */
};
bool shm_next(uint32_t *slot, struct shm_line *out);

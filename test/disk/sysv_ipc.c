/*
 * System V shared memory and semaphores for programs that share them only with what they fork: fio,
 * dbench. The kernel has none; preloaded, this gives them anonymous shared mappings instead, and
 * sets of one semaphore each in such a mapping. Nothing is ever given back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { SEGMENTS = 64 };

static struct {
	void  *memory;
	size_t size;
} segments[SEGMENTS];
static int count;

int shmget(key_t key, size_t size, int flags)
{
	(void)key;
	(void)flags;
	if (count == SEGMENTS) {
		errno = ENOSPC;
		return -1;
	}
	segments[count].memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (segments[count].memory == MAP_FAILED)
		return -1;
	segments[count].size = size;
	return count++;
}

void *shmat(int id, const void *address, int flags)
{
	(void)address;
	(void)flags;
	if (id < 0 || id >= count) {
		errno = EINVAL;
		return (void *)-1;
	}
	return segments[id].memory;
}

int shmdt(const void *address)
{
	(void)address;
	return 0;
}

int shmctl(int id, int command, struct shmid_ds *status)
{
	if (id < 0 || id >= count) {
		errno = EINVAL;
		return -1;
	}
	if (command == IPC_STAT) {
		memset(status, 0, sizeof(*status));
		status->shm_segsz = segments[id].size;
	}
	return 0;
}

int semget(key_t key, int count_of_set, int flags)
{
	if (count_of_set != 1) {
		errno = EINVAL;
		return -1;
	}
	return shmget(key, sizeof(int), flags);
}

int semctl(int id, int number, int command, ...)
{
	int *value = shmat(id, NULL, 0);
	va_list arguments;

	if (value == (void *)-1 || number)
		return -1;
	if (command == GETVAL)
		return __atomic_load_n(value, __ATOMIC_SEQ_CST);
	if (command == SETVAL) {
		va_start(arguments, command);
		__atomic_store_n(value, va_arg(arguments, int), __ATOMIC_SEQ_CST);
		va_end(arguments);
	}
	return 0;
}

static int step(int *value, int change)
{
	int old = __atomic_load_n(value, __ATOMIC_SEQ_CST);

	if (change ? old + change < 0 : old)
		return 0;
	return __atomic_compare_exchange_n(value, &old, old + change, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

int semop(int id, struct sembuf *operations, size_t nr)
{
	int *value = shmat(id, NULL, 0);

	if (value == (void *)-1)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		while (!step(value, operations[i].sem_op)) {
			if (operations[i].sem_flg & IPC_NOWAIT) {
				errno = EAGAIN;
				return -1;
			}
			sched_yield();
		}
	}
	return 0;
}

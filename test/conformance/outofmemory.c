/*
 * Out of memory: who takes too much is killed, whether its first thread still lives or not, and
 * everybody else goes on.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PIECE = 4 << 20, PIECES = 512 };

static void *take_all(void *data)
{
	for (int i = 0; i < PIECES; i++) {
		char *at = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

		if (at != MAP_FAILED)
			memset(at, 1, PIECE);
	}
	_exit(77);
	return data;
}

static void be_preferred(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	write(fd, "500", 3);
	close(fd);
}

static int take(void *data)
{
	be_preferred();
	take_all(data);
	return 0;
}

static int take_without_leader(void *data)
{
	pthread_t thread;

	be_preferred();
	pthread_create(&thread, NULL, take_all, data);
	syscall(SYS_exit, 0);
	return 0;
}

int main(void)
{
	CHECK_EQ(who_takes_all_memory_is_killed, check_in_child(take, NULL), SIGKILL);
	CHECK_EQ(and_so_is_a_thread_whose_leader_is_gone, check_in_child(take_without_leader, NULL),
		 SIGKILL);
	CHECK(there_is_memory_again,
	      mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		   -1, 0) != MAP_FAILED);
	return 0;
}

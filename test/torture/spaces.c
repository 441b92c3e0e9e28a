/*
 * spaces.c - threads of one process map, unmap, protect and touch pages side by side, so that the
 * areas of one address space split and merge all the time, while another thread looks at all pages.
 *
 * A new page is zero, keeps what its owner writes, cannot be written when protected nor read when
 * unmapped. Whoever reads finds nothing, a fault, or the owner's stamp: another stamp would be a
 * page that was given away while some CPU still translated to it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "torture.h"

enum { SLICE = 16, PAGES = WORKERS * SLICE };

static struct torture torture;
static volatile uint64_t *arena;
static volatile bool ended;
static __thread sigjmp_buf back;

static volatile uint64_t *page_at(uint64_t number)
{
	return arena + number * (PAGE / sizeof(*arena));
}

static void fault_end(int sig)
{
	siglongjmp(back, sig);
}

static bool can_read(uint64_t page, uint64_t *value)
{
	if (sigsetjmp(back, 0))
		return false;
	*value = *page_at(page);
	return true;
}

static bool can_write(uint64_t page, uint64_t value)
{
	if (sigsetjmp(back, 0))
		return false;
	*page_at(page) = value;
	return true;
}

static void change(uint64_t page, uint64_t *state)
{
	void *address = (void *)page_at(page);
	uint64_t stamp = page << 32 | random_below(state, UINT32_MAX), value = 0;

	HOLDS(mmap(address, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) == address);
	HOLDS(can_read(page, &value) && value == 0);
	HOLDS(can_write(page, stamp));
	if (random_below(state, 2)) {
		HOLDS(mprotect(address, PAGE, PROT_READ) == 0);
		HOLDS(!can_write(page, 0));
	}
	HOLDS(can_read(page, &value) && value == stamp);
	if (random_below(state, 2)) {
		HOLDS(munmap(address, PAGE) == 0);
		HOLDS(!can_read(page, &value));
	}
}

static void *own(void *arg)
{
	uint64_t number = (uintptr_t)arg, state = random_begin(torture, number);

	for (long round = 0; round < torture.rounds; round++)
		change(number * SLICE + random_below(&state, SLICE), &state);
	return NULL;
}

static void *look(void *arg)
{
	for (uint64_t page = 0; !ended; page = (page + 1) % PAGES) {
		uint64_t value = 0;

		if (can_read(page, &value))
			HOLDS(value == 0 || value >> 32 == page);
	}
	return arg;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = fault_end, .sa_flags = SA_NODEFER };
	pthread_t threads[WORKERS], looker;

	torture = torture_begin(argc, argv);
	sigaction(SIGSEGV, &action, NULL);
	arena = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(arena != MAP_FAILED);
	HOLDS(pthread_create(&looker, NULL, look, NULL) == 0);
	for (uintptr_t i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, own, (void *)i) == 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	ended = true;
	pthread_join(looker, NULL);
	return 0;
}

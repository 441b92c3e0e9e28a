/*
 * sharing.c - memory of several megabytes, partly private, partly shared, is inherited over several
 * generations that write, unmap, protect, move and throw away parts of it at the same time, with
 * threads: private memory is as it was at the fork or as one has written it, and what is shared is
 * everybody's.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "torture.h"

enum { PAGES = 1536, CHUNK = 64, GENERATIONS = 2, CHILDREN = 2, TURNS = 12, FAULTERS = 1 };

/* The first word of each page says what it should hold; 0: thrown away, zero again. */
struct ground {
	char          *base;
	unsigned long *expected; /* private */
	atomic_long   *shared;   /* one word a page */
	atomic_bool    is_over;
};

static struct torture torture;

static unsigned long *word_of(const struct ground *ground, int page)
{
	return (unsigned long *)(void *)(ground->base + (size_t)page * PAGE);
}

static void ground_check(const struct ground *ground)
{
	for (int page = 0; page < PAGES; page++)
		HOLDS(*word_of(ground, page) == ground->expected[page]);
}

static void *remap(const struct ground *ground, int page, int count)
{
	char *place = ground->base + (size_t)page * PAGE;
	char *away = mremap(place, (size_t)count * PAGE, (size_t)count * PAGE,
			    MREMAP_MAYMOVE | MREMAP_DONTUNMAP);

	if (away == MAP_FAILED)
		return NULL;
	HOLDS(mremap(away, (size_t)count * PAGE, (size_t)count * PAGE,
		     MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
	return place;
}

static void change(struct ground *ground, uint64_t *random)
{
	int count = (int)random_below(random, CHUNK) + 1;
	int page = (int)random_below(random, (uint64_t)(PAGES - count));
	char *place = ground->base + (size_t)page * PAGE;
	size_t size = (size_t)count * PAGE;

	switch (random_below(random, 6)) {
	case 0:
		HOLDS(madvise(place, size, MADV_DONTNEED) == 0);
		memset(&ground->expected[page], 0, (size_t)count * sizeof(long));
		break;
	case 1:
		HOLDS(mprotect(place, size, PROT_READ) == 0);
		HOLDS(*word_of(ground, page) == ground->expected[page]);
		HOLDS(mprotect(place, size, PROT_READ | PROT_WRITE) == 0);
		break;
	case 2:
		HOLDS(mmap(place, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place);
		memset(&ground->expected[page], 0, (size_t)count * sizeof(long));
		break;
	case 3:
		remap(ground, page, count);
		break;
	default:
		for (int i = page; i < page + count; i++)
			*word_of(ground, i) = ground->expected[i] = random_below(random, 1000);
	}
}

/* Touches the rest of the pages, which nobody changes, and counts in the shared ones. */
static void *fault(void *arg)
{
	struct ground *ground = arg;
	uint64_t random = random_begin(torture, (uint64_t)getpid());

	while (!atomic_load(&ground->is_over)) {
		int page = (int)random_below(&random, PAGES);

		HOLDS(((char *)word_of(ground, page))[PAGE - 1] == 0);
		atomic_fetch_add(&ground->shared[(size_t)page * (PAGE / sizeof(long))], 1);
		atomic_fetch_sub(&ground->shared[(size_t)page * (PAGE / sizeof(long))], 1);
	}
	return NULL;
}

static void generation(struct ground *ground, int depth, uint64_t number)
{
	uint64_t random = random_begin(torture, number);
	pthread_t threads[FAULTERS];
	int children = 0;

	ground_check(ground);
	atomic_store(&ground->is_over, false);
	for (int i = 0; i < FAULTERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, fault, ground) == 0);
	for (int i = 0; i < TURNS; i++) {
		change(ground, &random);
		if (depth == 0 || i % (TURNS / CHILDREN) != 0)
			continue;
		pid_t pid = fork();
		HOLDS(pid >= 0);
		if (pid == 0) {
			generation(ground, depth - 1, number * CHILDREN + (uint64_t)children);
			_exit(0);
		}
		children++;
	}
	atomic_store(&ground->is_over, true);
	for (int i = 0; i < FAULTERS; i++)
		pthread_join(threads[i], NULL);
	ground_check(ground);
	children_join(children);
	ground_check(ground);
}

int main(int argc, char **argv)
{
	struct ground ground = { 0 };

	torture = torture_begin(argc, argv);
	for (long round = 0; round < torture.rounds; round++) {
		ground.base = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ground.expected = calloc(PAGES, sizeof(long));
		ground.shared = shared_alloc((size_t)PAGES * PAGE);
		HOLDS(ground.base != MAP_FAILED && ground.expected);
		generation(&ground, GENERATIONS, (uint64_t)round + 1);
		for (int page = 0; page < PAGES; page++)
			HOLDS(ground.shared[(size_t)page * (PAGE / sizeof(long))] == 0);
		HOLDS(munmap(ground.base, (size_t)PAGES * PAGE) == 0);
		HOLDS(munmap(ground.shared, (size_t)PAGES * PAGE) == 0);
		free(ground.expected);
	}
	return 0;
}

/*
 * ctl.c - controls: no kernel takes part, so both kernels must show the same. They tell whether
 * two runs may be compared, and what the machine gives to user code.
 */
#include "bench.h"

#include <string.h>
#include <sys/mman.h>

#define BLOCK 65536
#define TLB_PAGES 4096

static unsigned char source[BLOCK], target[BLOCK];
static volatile unsigned char *pages;

static int64_t alu_run(uint64_t n, long arg)
{
	uint64_t x = 88172645463325252;
	int64_t took_ns;

	(void)arg;
	took_ns = TIMED(n, {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		__asm__ volatile("" : "+r"(x));
	});
	return took_ns;
}

static int64_t memcpy_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, memcpy(target, source, BLOCK); __asm__ volatile("" ::: "memory"));
}

static int64_t memset_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, memset(target, (int)timed_i, BLOCK); __asm__ volatile("" ::: "memory"));
}

static void tlb_init(long arg)
{
	(void)arg;
	pages = mmap(NULL, TLB_PAGES * 4096UL, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		fail("mmap");
	for (unsigned long i = 0; i < TLB_PAGES; i++)
		pages[i * 4096] = 1;
}

static int64_t tlb_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, (void)pages[(timed_i * 61 & (TLB_PAGES - 1)) << 12]);
}

const struct row ctl_rows[] = {
	{ .name = "ctl.alu", .run = alu_run },
	{ .name = "ctl.memcpy", .kind = ROW_BANDWIDTH, .per = BLOCK, .run = memcpy_run },
	{ .name = "ctl.memset", .kind = ROW_BANDWIDTH, .per = BLOCK, .run = memset_run },
	{ .name = "ctl.tlbmiss", .init = tlb_init, .run = tlb_run },
	{ .name = NULL },
};

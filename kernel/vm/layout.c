/*
 * Where things lie in a new space, and how far chance moves them: as Linux on x86-64, with 28 bits
 * of entropy for the mmap base, 22 for the stack's page and 18 for the heap.
 */
#include "core/random.h"
#include "lib/math.h"
#include "vm/space_impl.h"

#define MMAP_RANDOM_BITS  28
#define STACK_RANDOM_BITS 22
#define STACK_RANDOM_MAX  (PAGE_SIZE << STACK_RANDOM_BITS)
#define BRK_RANDOM_MAX    0x40000000ul

/* The mmap area begins at least so far below the stack's top, and at most. */
#define STACK_GAP_MIN (128ul << 20)
#define STACK_GAP_MAX (USER_MAX / 6 * 5)

int space_randomize = 2;

static uaddr_t random_pages(unsigned bits)
{
	return (random_u64() & ((1ul << bits) - 1)) << PAGE_SHIFT;
}

void layout_init(struct space *space, bool randomize)
{
	size_t pad = AREA_GUARD_GAP + (randomize ? STACK_RANDOM_MAX : 0);
	size_t gap = clamp(space->limits.stack, STACK_GAP_MIN, STACK_GAP_MAX);
	uaddr_t random = randomize ? random_pages(MMAP_RANDOM_BITS) : 0;

	if (gap < STACK_GAP_MAX - pad)
		gap += pad;
	space->mmap_base = align_down(USER_MAX - gap - random, PAGE_SIZE);
}

uaddr_t layout_stack_top(bool randomize)
{
	return USER_MAX - (randomize ? random_pages(STACK_RANDOM_BITS) : 0);
}

uaddr_t layout_brk_start(uaddr_t end_of_data, bool randomize)
{
	uaddr_t start = align_up(end_of_data, PAGE_SIZE);

	return randomize ? start + (random_below(BRK_RANDOM_MAX) & PAGE_MASK) : start;
}

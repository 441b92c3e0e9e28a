/*
 * The tree of areas against a model that is an array of pages: what is mapped, with which flags,
 * and where the gaps are must be the same after every one of many random operations.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "core/ktest.h"
#include "core/random.h"
#include "lib/string.h"
#include "vm/space_impl.h"

#define MODEL_BASE  0x10000000ul
#define MODEL_PAGES 512
#define FREE        0xffffffffu

static const struct space_limits unlimited = { ~0ul, ~0ul, 8ul << 20, ~0ul };

static struct {
	uint32_t flags[MODEL_PAGES]; /* VM_ACCESS of each page, FREE if not mapped */
} model;

static int map_fixed(struct space *space, size_t page, size_t nr, uint32_t access)
{
	struct map_request request = {
		.addr = MODEL_BASE + page * PAGE_SIZE,
		.len = nr * PAGE_SIZE,
		.vm_flags = access | VM_MAYACCESS,
		.map_flags = MAP_FIXED,
	};
	uaddr_t addr;
	int err = space_map(space, &request, &addr);

	return err ? err : addr == request.addr ? 0 : -EINVAL;
}

static int random_operation(struct space *space)
{
	size_t page = random_below(MODEL_PAGES), nr = 1 + random_below(MODEL_PAGES - page);
	uint32_t access = (uint32_t)random_below(8);
	uaddr_t addr = MODEL_BASE + page * PAGE_SIZE;
	bool is_whole = true;
	int err;

	nr = nr > 40 ? 40 : nr;
	switch (random_below(3)) {
	case 0:
		for (size_t i = page; i < page + nr; i++)
			model.flags[i] = access;
		return map_fixed(space, page, nr, access);
	case 1:
		for (size_t i = page; i < page + nr; i++)
			model.flags[i] = FREE;
		return space_unmap(space, addr, nr * PAGE_SIZE);
	default:
		for (size_t i = page; i < page + nr && is_whole; i++) {
			is_whole = model.flags[i] != FREE;
			if (is_whole)
				model.flags[i] = access;
		}
		err = space_protect(space, addr, nr * PAGE_SIZE, access);
		return err == (is_whole ? 0 : -ENOMEM) ? 0 : -EINVAL;
	}
}

/* Areas and pages agree, neighbours are joined, gaps are right. */
static bool agrees(struct space *space)
{
	uaddr_t last_end = 0;

	for (size_t i = 0; i < MODEL_PAGES; i++) {
		struct area *area = space_find_area_locked(space, MODEL_BASE + i * PAGE_SIZE);

		if ((area ? area->flags & VM_ACCESS : FREE) != model.flags[i])
			return false;
	}
	for (struct area *area = space_next_area_locked(space, 0); area; area = area_next(area)) {
		const struct area *next = area_next(area);

		if (area->gap != area->start - last_end || area->max_gap < area->gap)
			return false;
		if (next && area_can_merge(area, next))
			return false;
		last_end = area->end;
	}
	return true;
}

/* The highest free run of nr pages in the model, as an address; 0: none. */
static uaddr_t model_gap(size_t nr)
{
	size_t run = 0;

	for (size_t i = MODEL_PAGES; i-- > 0;) {
		run = model.flags[i] == FREE ? run + 1 : 0;
		if (run == nr)
			return MODEL_BASE + i * PAGE_SIZE;
	}
	return 0;
}

static bool gaps_agree(const struct space *space)
{
	for (size_t nr = 1; nr < MODEL_PAGES; nr += 1 + nr / 8) {
		uaddr_t found = areas_find_gap(space, nr * PAGE_SIZE, MODEL_BASE,
		                               MODEL_BASE + MODEL_PAGES * PAGE_SIZE);

		if (found != model_gap(nr))
			return false;
	}
	return true;
}

KTEST(areas_agree_with_a_model_after_random_maps_unmaps_and_protects)
{
	struct space *space;
	bool is_good = true;

	KTEST_NO_LEAK();
	memset(model.flags, 0xff, sizeof(model.flags));
	KTEST_ASSERT(space_create(&unlimited, false, &space) == 0);
	for (unsigned i = 0; i < 3000 && is_good; i++)
		is_good = random_operation(space) == 0 && agrees(space) && gaps_agree(space);
	space_put(space);
	KTEST_ASSERT(is_good);
}

KTEST(gap_below_a_stack_is_kept_free)
{
	struct map_request stack = {
		.addr = MODEL_BASE + AREA_GUARD_GAP + 16 * PAGE_SIZE,
		.len = PAGE_SIZE,
		.vm_flags = VM_READ | VM_WRITE | VM_MAYACCESS | VM_GROWSDOWN,
		.map_flags = MAP_FIXED,
	};
	struct space *space;
	uaddr_t addr, found;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&unlimited, false, &space) == 0);
	KTEST_ASSERT(space_map(space, &stack, &addr) == 0);
	found = areas_find_gap(space, PAGE_SIZE, MODEL_BASE, stack.addr);
	space_put(space);
	KTEST_ASSERT(found == MODEL_BASE + 15 * PAGE_SIZE);
}

KTEST(mremap_moves_pages_and_leaves_nothing_behind)
{
	struct map_request request = {
		.addr = MODEL_BASE,
		.len = 600 * PAGE_SIZE,
		.vm_flags = VM_READ | VM_WRITE | VM_MAYACCESS,
		.map_flags = MAP_FIXED,
	};
	struct remap_request move = {
		.addr = MODEL_BASE + PAGE_SIZE,
		.old_len = 598 * PAGE_SIZE,
		.new_len = 700 * PAGE_SIZE,
		.flags = MREMAP_MAYMOVE | MREMAP_FIXED,
		.new_addr = 2 * MODEL_BASE + 7 * PAGE_SIZE,
	};
	struct space *space;
	uint32_t written = 0x5eed, read = 0;
	uaddr_t addr;
	uint64_t rss;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&unlimited, false, &space) == 0);
	KTEST_ASSERT(space_map(space, &request, &addr) == 0);
	for (size_t i = 1; i < 599; i++, written++)
		(void)space_access(space, MODEL_BASE + i * PAGE_SIZE, &written, 4,
		                   SPACE_ACCESS_WRITE);
	rss = space->rss_anon;
	KTEST_ASSERT(space_remap(space, &move, &addr) == 0);
	for (size_t i = 598; i > 0; i--) {
		written--;
		(void)space_access(space, move.new_addr + (i - 1) * PAGE_SIZE, &read, 4, 0);
		KTEST_ASSERT(read == written);
	}
	KTEST_ASSERT(space->rss_anon == rss && space->nr_areas == 3);
	KTEST_ASSERT(space_access(space, MODEL_BASE + PAGE_SIZE, &read, 4, 0) == 0);
	space_put(space);
}

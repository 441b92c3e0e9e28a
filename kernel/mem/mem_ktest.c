/*
 * In-kernel tests of the page allocator, the slab heap, vmalloc and kernel stacks.
 */
#include "core/ktest.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "mem/vmalloc.h"

KTEST(page_struct_and_addresses_agree)
{
	struct page *page = page_alloc(ALLOC_KERNEL);

	KTEST_NO_LEAK();
	KTEST_ASSERT(page);
	bool agree = virt_to_page(page_to_virt(page)) == page && page_refs(page) == 1 &&
		     phys_to_page(page_to_phys(page)) == page;

	page_put(page);
	KTEST_ASSERT(agree);
}

KTEST(page_zero_flag_clears_a_dirty_page)
{
	void *dirty = page_alloc_virt(ALLOC_KERNEL);

	KTEST_NO_LEAK();
	KTEST_ASSERT(dirty);
	memset(dirty, 0xff, PAGE_SIZE);
	pages_free_virt(dirty, 0);

	void *clean = page_alloc_virt(ALLOC_KERNEL | ALLOC_ZERO);

	KTEST_ASSERT(clean);
	bool is_zero = mem_is_zero(clean, PAGE_SIZE);

	pages_free_virt(clean, 0);
	KTEST_ASSERT(is_zero);
}

KTEST(buddy_gives_every_order_aligned_and_merges_it_back)
{
	uint64_t before[PAGE_ORDER_MAX + 1], after;

	KTEST_NO_LEAK();
	pages_drain();
	for (unsigned int order = 0; order <= PAGE_ORDER_MAX; order++)
		before[order] = pages_free_blocks(0, order) + pages_free_blocks(1, order);
	for (unsigned int order = 1; order <= PAGE_ORDER_MAX; order++) {
		struct page *page = pages_alloc(order, ALLOC_KERNEL);

		KTEST_ASSERT(page);
		bool sound = page_to_frame(page) % (1u << order) == 0 &&
			     page_order(page) == order &&
			     page_head(page + (1u << order) - 1) == page;

		pages_free(page, order);
		KTEST_ASSERT(sound);
	}
	for (unsigned int order = 0; order <= PAGE_ORDER_MAX; order++) {
		after = pages_free_blocks(0, order) + pages_free_blocks(1, order);
		KTEST_ASSERT(after == before[order]);
	}
}

KTEST(pages_split_makes_pages_that_are_freed_one_by_one)
{
	struct page *run = pages_alloc(3, ALLOC_KERNEL);

	KTEST_NO_LEAK();
	KTEST_ASSERT(run);
	pages_split(run);
	for (int i = 0; i < 8; i++)
		page_put(run + i);
}

KTEST(page_try_get_refuses_a_page_without_references)
{
	struct page *page = page_alloc(ALLOC_KERNEL);

	KTEST_NO_LEAK();
	KTEST_ASSERT(page);
	bool got = page_try_get(page);
	bool frozen_at_one = page_freeze(page, 1);
	bool frozen = page_freeze(page, 2);
	bool got_frozen = page_try_get(page);

	page_unfreeze(page, 1);
	page_put(page);
	KTEST_ASSERT(got && !frozen_at_one && frozen && !got_frozen);
}

KTEST(alloc_fail_makes_exactly_the_nth_request_fail)
{
	void *objects[4];
	void *warm = kmalloc(64, ALLOC_KERNEL); /* so that no request needs a page as well */

	KTEST_NO_LEAK();
	alloc_fail_set(3, false);
	for (int i = 0; i < 4; i++)
		objects[i] = kmalloc(64, ALLOC_KERNEL | ALLOC_NOWARN);
	alloc_fail_set(0, false);
	bool as_asked = objects[0] && objects[1] && !objects[2] && objects[3];

	for (int i = 0; i < 4; i++)
		kfree(objects[i]);
	kfree(warm);
	KTEST_ASSERT(as_asked);
}

KTEST(kmalloc_objects_of_all_sizes_do_not_overlap)
{
	enum { SIZES = 60 };
	static uint8_t *objects[SIZES];
	bool intact = true, all = true;

	KTEST_NO_LEAK();
	for (uint32_t i = 0; i < SIZES; i++) {
		size_t size = 1 + i * i * 7;

		objects[i] = kmalloc(size, ALLOC_KERNEL);
		all = all && objects[i] && ksize(objects[i]) >= size;
		if (objects[i])
			memset(objects[i], (int)i, size);
	}
	for (uint32_t i = 0; i < SIZES; i++) {
		for (size_t byte = 0; objects[i] && byte < 1 + i * i * 7; byte++)
			intact = intact && objects[i][byte] == (uint8_t)i;
		kfree(objects[i]);
	}
	KTEST_ASSERT(all && intact);
}

KTEST(kmalloc_array_refuses_an_overflow)
{
	void *object = kmalloc_array(SIZE_MAX / 4, 8, ALLOC_KERNEL | ALLOC_NOWARN);
	bool refused = !object;

	kfree(object);
	KTEST_ASSERT(refused);
}

KTEST(krealloc_keeps_the_content)
{
	char *text = kstrdup("moonshot", ALLOC_KERNEL);

	KTEST_NO_LEAK();
	KTEST_ASSERT(text);
	char *larger = krealloc(text, 20000, ALLOC_KERNEL);
	bool same = larger && !strcmp(larger, "moonshot");

	kfree(larger ? larger : text);
	KTEST_ASSERT(same);
}

KTEST(cache_hands_out_a_thousand_objects_and_gets_them_back)
{
	static struct cache *cache;
	void **objects;
	uint32_t got = 0;

	KTEST_NO_LEAK();
	KTEST_ASSERT(cache_create("ktest", 200, 64, &cache) == 0);
	objects = kmalloc(1000 * sizeof(*objects), ALLOC_KERNEL);
	KTEST_ASSERT(objects);
	bool aligned = true;

	for (uint32_t i = 0; i < 1000; i++) {
		objects[i] = cache_alloc(cache, ALLOC_KERNEL | ALLOC_ZERO);
		got += objects[i] != NULL;
		aligned = aligned && (uintptr_t)objects[i] % 64 == 0;
	}
	for (uint32_t i = 0; i < 1000; i++)
		cache_free(cache, objects[(i * 7) % 1000]);
	kfree(objects);
	cache_destroy(cache);
	KTEST_ASSERT(got == 1000 && aligned);
}

KTEST(vmalloc_range_is_writable_and_guarded)
{
	uint8_t *range = vmalloc(5 * PAGE_SIZE, ALLOC_KERNEL | ALLOC_ZERO);

	KTEST_NO_LEAK();
	KTEST_ASSERT(range);
	bool is_zero = mem_is_zero(range, 5 * PAGE_SIZE);

	memset(range, 0xa5, 5 * PAGE_SIZE);
	bool guarded = vmalloc_is_guard((uintptr_t)range + 5 * PAGE_SIZE) &&
		       !vmalloc_is_guard((uintptr_t)range + 5 * PAGE_SIZE - 1);

	vfree(range);
	KTEST_ASSERT(is_zero && guarded && vmalloc_is_guard((uintptr_t)range));
}

KTEST(kernel_stack_has_a_guard_page_below)
{
	enum { STACKS = 20 };
	char *stacks[STACKS];
	bool sound = true;

	KTEST_NO_LEAK();
	for (int i = 0; i < STACKS; i++) {
		stacks[i] = kstack_alloc(ALLOC_KERNEL);
		sound = sound && stacks[i] && vmalloc_is_guard((uintptr_t)stacks[i] - 1);
		if (stacks[i])
			memset(stacks[i], 0, KSTACK_SIZE);
	}
	for (int i = 0; i < STACKS; i++)
		kstack_free(stacks[i]);
	KTEST_ASSERT(sound);
}

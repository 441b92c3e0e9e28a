/*
 * Maps the vDSO: page 0 of its backing is the clock's data page, the image follows. The pages
 * belong to the backing for ever.
 */
#include "vm/vdso.h"

#include <linux/errno.h>
#include <linux/mman.h>

#include "core/panic.h"
#include "core/random.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "sched/clock.h"
#include "vm/space_impl.h"

#define IMAGE_PAGES_MAX 4

static struct {
	struct backing backing;
	size_t nr_pages __const_after_init; /* data page and image */
	struct page *pages[1 + IMAGE_PAGES_MAX] __const_after_init;
} vdso;

static int vdso_fault(struct backing *backing, pgoff_t pgoff, unsigned access, struct page **out)
{
	if (pgoff >= vdso.nr_pages)
		return -EFAULT;
	page_get(vdso.pages[pgoff]);
	*out = vdso.pages[pgoff];
	return 0;
}

static unsigned vdso_lookup(struct backing *backing, pgoff_t first, unsigned nr,
                            struct page **pages)
{
	unsigned found = 0;

	for (unsigned i = 0; i < nr && first + i < vdso.nr_pages; i++, found++) {
		page_get(vdso.pages[first + i]);
		pages[i] = vdso.pages[first + i];
	}
	return found;
}

static const struct backing_ops vdso_ops = {
	.fault = vdso_fault,
	.lookup = vdso_lookup,
};

static void page_adopt(struct page *page)
{
	page->owner = &vdso.backing;
	page->index = vdso.nr_pages;
	vdso.pages[vdso.nr_pages++] = page;
}

void vdso_init(void)
{
	size_t size = (size_t)(vdso_image_end - vdso_image_start);

	assert(size <= IMAGE_PAGES_MAX * PAGE_SIZE);
	backing_init(&vdso.backing, &vdso_ops);
	page_adopt(phys_to_page(image_to_phys(clock_vdso_page())));
	for (size_t done = 0; done < size; done += PAGE_SIZE) {
		struct page *page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);

		assert(page);
		memcpy(page_to_virt(page), vdso_image_start + done, min(size - done, PAGE_SIZE));
		page_adopt(page);
	}
}

/* Behind the stack, in the same leaf table, if there is room; else where mmap would put it. */
static uaddr_t place_hint(const struct space *space)
{
	uaddr_t low = align_up(space->stack_top, PAGE_SIZE);
	size_t room = (min(mmu_leaf_end(low), USER_MAX) - low) >> PAGE_SHIFT;

	if (!low || low >= USER_MAX || room <= vdso.nr_pages)
		return 0;
	return low + (random_below(room - vdso.nr_pages) << PAGE_SHIFT);
}

int space_map_vdso(struct space *space)
{
	struct map_request data = {
		.addr = place_hint(space),
		.len = vdso.nr_pages << PAGE_SHIFT,
		.vm_flags = VM_READ | VM_MAYREAD | VM_KERNEL | VM_DONTDUMP,
		.backing = &vdso.backing,
		.name = "[vvar]",
	};
	struct map_request image = {
		.vm_flags = VM_READ | VM_EXEC | VM_MAYACCESS | VM_KERNEL,
		.map_flags = MAP_FIXED,
		.backing = &vdso.backing,
		.pgoff = 1,
		.name = "[vdso]",
	};
	uaddr_t addr;
	int err = space_map(space, &data, &addr);

	if (err)
		return err;
	image.addr = addr + PAGE_SIZE;
	image.len = (vdso.nr_pages - 1) << PAGE_SHIFT;
	err = space_map(space, &image, &addr);
	if (!err)
		space->vdso = addr;
	return err;
}

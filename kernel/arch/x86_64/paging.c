/*
 * The kernel half of the page tables: built once by paging_init(), added to by vmalloc and device
 * mappings.
 *
 * Nothing is ever both writable and executable: text can be executed, text and rodata cannot be
 * written, neither by their own mapping nor through the direct map. Top-level entries are made for
 * good; those made after spaces exist (device mappings at far addresses) reach them on first use by
 * kernel_half_sync().
 */
#include <arch/mmu.h>

#include <linux/errno.h>

#include <arch/cpu.h>
#include <arch/io.h>

#include "arch/x86_64/image.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/tables.h"
#include "arch/x86_64/tlb.h"
#include "boot/bootinfo.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "core/symbols.h"
#include "mem/buddy.h"
#include "mem/kasan.h"
#include "mem/memmap.h"

paddr_t kernel_root __ro_after_init;

static struct {
	struct spinlock lock;
	bool            early; /* tables come from memmap_early_alloc() */
} paging = { .lock = SPINLOCK(RANK_KERNEL_TABLE), .early = true };

/* ---- tables -------------------------------------------------------------------------------- */

/* Kernel tables stay, save those of the start page. 0: no memory. */
static paddr_t table_alloc(void)
{
	if (paging.early)
		return memmap_early_alloc(PAGE_SIZE);
	struct page *page = page_alloc(ALLOC_ATOMIC | ALLOC_ZERO);

	if (!page)
		return 0;
	page_set(page, PAGE_TABLE);
	page_use_add(PAGE_USE_TABLE, 1);
	return page_to_phys(page);
}

static void table_free(pte_t *table)
{
	struct page *page = virt_to_page(table);

	page_clear(page, PAGE_TABLE);
	page_use_add(PAGE_USE_TABLE, -1);
	page_put(page);
}

pte_t *kernel_slot(kaddr_t addr, unsigned int level, bool make)
{
	pte_t *table = phys_to_virt(kernel_root);

	for (unsigned int at = LEVEL_TOP; at > level; at--) {
		pte_t *entry = &table[entry_index(addr, at)];

		if (*entry & PTE_LARGE)
			return NULL;
		if (!*entry) {
			paddr_t paddr = make ? table_alloc() : 0;

			if (!paddr)
				return NULL;
			pte_write(entry, paddr | TABLE_ENTRY_KERNEL);
		}
		table = table_of(*entry);
	}
	return &table[entry_index(addr, level)];
}

bool kernel_half_sync(kaddr_t addr)
{
	pte_t *mine = (pte_t *)phys_to_virt(cr3_read() & PTE_PADDR_MASK);
	const pte_t *kernel = phys_to_virt(kernel_root);
	unsigned int i = entry_index(addr, LEVEL_TOP);

	if (i < KERNEL_HALF_FIRST || mine[i] == kernel[i])
		return false;
	pte_write(&mine[i], kernel[i]);
	return true;
}

/* ---- building ------------------------------------------------------------------------------ */

static pte_t hardware_bits(uint32_t prot)
{
	pte_t bits = pte_make(0, prot);

	return cpu_has(CPU_NX) ? bits : bits & ~PTE_NX;
}

/* The largest page that addr, paddr and size allow. */
static unsigned int best_level(kaddr_t addr, paddr_t paddr, uint64_t size)
{
	unsigned int level = cpu_has(CPU_PAGE_1G) ? 3 : 2;

	while (level > LEVEL_LEAF &&
	       ((addr | paddr) & (entry_span(level) - 1) || size < entry_span(level)))
		level--;
	return level;
}

void kernel_map_early(kaddr_t addr, paddr_t paddr, uint64_t size, uint32_t prot)
{
	pte_t bits = hardware_bits(prot | PROT_PTE_GLOBAL);

	while (size > 0) {
		unsigned int level = best_level(addr, paddr, size);
		pte_t *slot = kernel_slot(addr, level, true);

		assert(slot && !*slot);
		*slot = paddr | bits | (level > LEVEL_LEAF ? PTE_LARGE : 0);
		addr += entry_span(level);
		paddr += entry_span(level);
		size -= entry_span(level);
	}
}

static void map_image(const char *start, const char *end, uint32_t prot)
{
	kernel_map_early((kaddr_t)start, image_to_phys(start), (uint64_t)(end - start), prot);
}

static void map_image_parts(void)
{
	map_image(text_start, text_end, PROT_PTE_EXEC);
	map_image(rodata_start, rodata_end, 0);
	map_image(ro_after_init_start, bss_end, PROT_PTE_WRITE | PROT_PTE_DIRTY);
	map_image(ktest_start, ktest_text_end, PROT_PTE_EXEC);
	map_image(ktest_text_end, init_start, PROT_PTE_WRITE | PROT_PTE_DIRTY);
	map_image(init_start, init_text_end, PROT_PTE_EXEC);
	map_image(init_text_end, init_end, PROT_PTE_WRITE | PROT_PTE_DIRTY);
	map_image(ksyms_start, (const char *)relocs_start, 0);
	*kernel_slot((kaddr_t)boot_stack_guard, LEVEL_LEAF, false) = 0;
}

static void map_direct(paddr_t start, paddr_t end, uint32_t prot)
{
	if (start < end)
		kernel_map_early(direct_map_base + start, start, end - start, prot);
}

/* RAM from start to end, with what is text and rodata of the image read-only. */
static void map_direct_ram(paddr_t start, paddr_t end)
{
	const uint32_t rw = PROT_PTE_WRITE | PROT_PTE_DIRTY;
	paddr_t from = image_to_phys(text_start), to = image_to_phys(rodata_end);

	if (from < start || from >= end) {
		map_direct(start, end, rw);
		return;
	}
	map_direct(start, from, rw);
	map_direct(from, to, 0);
	map_direct(to, end, rw);
}

void paging_init(void)
{
	kernel_root = memmap_early_alloc(PAGE_SIZE);
	map_image_parts();
	for (uint32_t i = 0; i < bootinfo.nr_memory; i++) {
		const struct bootinfo_memory *m = &bootinfo.memory[i];

		if (m->type == BOOT_MEMORY_RAM)
			map_direct_ram(m->start, m->end);
	}
	if (!kernel_slot(vmalloc_base, 3, true) ||
	    !kernel_slot(vmalloc_base + VMALLOC_SIZE - 1, 3, true))
		panic("no memory for the vmalloc area's table");
	if (KASAN)
		shadow_init();
	cr3_write(kernel_root);
	paging.early = false;
	if (KASAN)
		kasan_start();
}

/* ---- sealing ------------------------------------------------------------------------------- */

static void make_read_only(kaddr_t addr)
{
	pte_t *slot = kernel_slot(addr, LEVEL_LEAF, false);

	if (slot)
		pte_write(slot, pte_without_write(*slot));
}

void paging_seal(const char *from)
{
	kaddr_t direct = (kaddr_t)phys_to_virt(image_to_phys(ro_after_init_start));
	size_t size = (size_t)(ro_after_init_end - ro_after_init_start);

	for (size_t at = 0; at < size; at += PAGE_SIZE) {
		make_read_only((kaddr_t)ro_after_init_start + at);
		make_read_only(direct + at);
	}
	tlb_flush_kernel((kaddr_t)ro_after_init_start, (kaddr_t)ro_after_init_end);
	tlb_flush_kernel(direct, direct + size);
	kunmap_pages((kaddr_t)from, (size_t)(init_end - from) / PAGE_SIZE);
}

/* ---- the page where other CPUs start ------------------------------------------------------- */

int __init paging_map_start_page(paddr_t page)
{
	spin_lock(&paging.lock);
	pte_t *slot = kernel_slot(page, LEVEL_LEAF, true);

	if (slot)
		pte_write(slot, page | PTE_PRESENT | PTE_ACCESSED);
	spin_unlock(&paging.lock);
	return slot ? 0 : -ENOMEM;
}

/* The lower half of these tables is empty otherwise: all the way down there is one entry each. */
void __init paging_unmap_start_page(paddr_t page)
{
	pte_t *tables[LEVEL_TOP], *root = phys_to_virt(kernel_root);
	pte_t entry = root[0];

	root[0] = 0;
	tlb_flush_kernel(page, page + PAGE_SIZE);
	for (unsigned int level = LEVEL_TOP - 1; level >= LEVEL_LEAF; level--) {
		tables[level] = table_of(entry);
		entry = tables[level][entry_index(page, level)];
	}
	for (unsigned int level = LEVEL_LEAF; level < LEVEL_TOP; level++)
		table_free(tables[level]);
}

/* ---- mappings added later ------------------------------------------------------------------ */

int kmap_pages(kaddr_t kaddr, paddr_t paddr, size_t nr_pages, uint32_t prot)
{
	pte_t bits = hardware_bits(prot | PROT_PTE_GLOBAL);
	size_t done = 0;

	spin_lock(&paging.lock);
	while (done < nr_pages) {
		pte_t *slot = kernel_slot(kaddr + done * PAGE_SIZE, LEVEL_LEAF, true);

		if (!slot)
			break;
		pte_write(slot, (paddr + done * PAGE_SIZE) | bits);
		done++;
	}
	spin_unlock(&paging.lock);
	if (done == nr_pages)
		return 0;
	kunmap_pages(kaddr, done);
	return -ENOMEM;
}

void kunmap_pages(kaddr_t kaddr, size_t nr_pages)
{
	if (nr_pages == 0)
		return;
	spin_lock(&paging.lock);
	for (size_t i = 0; i < nr_pages; i++) {
		pte_t *slot = kernel_slot(kaddr + i * PAGE_SIZE, LEVEL_LEAF, false);

		if (slot)
			pte_write(slot, 0);
	}
	spin_unlock(&paging.lock);
	tlb_flush_kernel(kaddr, kaddr + nr_pages * PAGE_SIZE);
}

bool kmap_lookup(kaddr_t kaddr, paddr_t *paddr)
{
	pte_t *table = phys_to_virt(kernel_root);

	for (unsigned int level = LEVEL_TOP; level >= LEVEL_LEAF; level--) {
		pte_t entry = pte_read(&table[entry_index(kaddr, level)]);

		if (!(entry & PTE_PRESENT))
			return false;
		if (level == LEVEL_LEAF || entry & PTE_LARGE) {
			uint64_t offset_mask = entry_span(level) - 1;

			*paddr = (entry & PTE_PADDR_MASK & ~offset_mask) | (kaddr & offset_mask);
			return true;
		}
		table = table_of(entry);
	}
	return false;
}

static uint32_t prot_of(enum mmio_kind kind)
{
	switch (kind) {
	case MMIO_UNCACHED:
		return PROT_PTE_WRITE | PROT_PTE_DIRTY | PROT_PTE_NOCACHE;
	case MMIO_WRITECOMBINE:
		return PROT_PTE_WRITE | PROT_PTE_DIRTY | PROT_PTE_WRITECOMBINE;
	default:
		return PROT_PTE_WRITE | PROT_PTE_DIRTY;
	}
}

/* How far it got: a large page where one fits and nothing smaller is. 0: no memory. */
static uint64_t mmio_map_one(paddr_t at, uint64_t size, pte_t bits)
{
	const unsigned int large = LEVEL_LEAF + 1;
	pte_t *slot = kernel_slot(MMIO_BASE + at, large, true);

	if (!slot)
		return 0;
	if (*slot & PTE_LARGE)
		return entry_span(large) - (at & (entry_span(large) - 1));
	if (!*slot && !(at & (entry_span(large) - 1)) && size >= entry_span(large)) {
		pte_write(slot, at | bits | PTE_LARGE);
		return entry_span(large);
	}
	slot = kernel_slot(MMIO_BASE + at, LEVEL_LEAF, true);
	if (slot && !*slot)
		pte_write(slot, at | bits);
	return slot ? PAGE_SIZE : 0;
}

int mmio_map(paddr_t paddr, size_t size, enum mmio_kind kind, volatile void **base)
{
	pte_t bits = hardware_bits(prot_of(kind) | PROT_PTE_GLOBAL);
	paddr_t end = paddr + size;
	uint64_t step = PAGE_SIZE;

	if (size == 0 || paddr >= MMIO_SIZE || size > MMIO_SIZE - paddr)
		return -ERANGE;
	spin_lock(&paging.lock);
	for (paddr_t at = paddr & PAGE_MASK; at < end && step; at += step)
		step = mmio_map_one(at, end - at, bits);
	spin_unlock(&paging.lock);
	*base = (volatile void *)(MMIO_BASE + paddr);
	return step ? 0 : -ENOMEM;
}

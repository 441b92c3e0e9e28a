/*
 * What the address sanitizer says: Linux's words (mm/kasan/report.c), as far as there is something
 * to say.
 */
#include "core/backtrace.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/symbols.h"
#include "lib/printf.h"
#include "mem/buddy.h"
#include "mem/kasan.h"
#include "mem/slab.h"
#include "mem/slab_debug.h"

enum { ROWS = 5, ROW_BYTES = 16 };

static struct {
	bool        is_expected, is_telling;
	const char *kind;
} report __atomic;

void kasan_expect_begin(void)
{
	report.kind = NULL;
	report.is_expected = true;
}

const char *kasan_expect_end(void)
{
	report.is_expected = false;
	return report.kind;
}

static const char *kind_of(uintptr_t first)
{
	uint8_t shadow = (uint8_t)*kasan_shadow(first);

	if (shadow < KASAN_GRANULE) /* the object's last bytes; what follows says what it is */
		shadow = (uint8_t)*kasan_shadow(first + KASAN_GRANULE);
	switch (shadow) {
	case KASAN_STACK_LEFT:
	case KASAN_STACK_MIDDLE:
	case KASAN_STACK_RIGHT:
		return "stack-out-of-bounds";
	case KASAN_GLOBAL:
		return "global-out-of-bounds";
	case KASAN_SLAB_FREE:
		return "slab-use-after-free";
	case KASAN_PAGE_FREE:
		return "use-after-free";
	default:
		return "slab-out-of-bounds";
	}
}

static void print_site(const char *what, uintptr_t site)
{
	char text[160];

	if (!site)
		return;
	symbol_format(site, true, text, sizeof(text));
	pr_emerg("%s by:\n %s\n", what, text);
}

static void print_object(uintptr_t address)
{
	struct page *page;

	if (address - direct_map_base >= DIRECT_MAP_SIZE)
		return;
	page = page_head(virt_to_page((void *)address));
	if (!page_is(page, PAGE_SLAB))
		return;
	const struct cache *cache = page->cache;
	uintptr_t base = (uintptr_t)page_to_virt(page);
	uintptr_t object = base + (address - base) / cache->stride * cache->stride;
	uintptr_t offset = address - object, allocated, freed;

	slab_debug_sites(cache, (void *)object, &allocated, &freed);
	print_site("Allocated", allocated);
	print_site("Freed", freed);
	pr_emerg("The buggy address belongs to the object at %016lx\n", object);
	pr_emerg(" which belongs to the cache %s of size %u\n", cache->name, cache->size);
	pr_emerg("The buggy address is located %lu bytes %s of it\n",
	         offset < cache->size ? offset : offset - cache->size,
	         offset < cache->size ? "inside" : "to the right");
}

static void print_shadow(uintptr_t address)
{
	const uintptr_t row = ROW_BYTES * KASAN_GRANULE;
	uintptr_t from = (address & ~(row - 1)) - ROWS / 2 * row;

	pr_emerg("Memory state around the buggy address:\n");
	for (int i = 0; i < ROWS; i++, from += row) {
		char text[ROW_BYTES * 3 + 1];
		int used = 0;

		for (int j = 0; j < ROW_BYTES; j++)
			used += scnprintf(text + used, sizeof(text) - (size_t)used, " %02x",
			                  (uint8_t)kasan_shadow(from)[j]);
		pr_emerg("%c%016lx:%s\n", address - from < row ? '>' : ' ', from, text);
	}
}

static void tell(const char *kind, const char *access, uintptr_t address, uintptr_t site)
{
	char where[160];

	if (report.is_expected) {
		report.kind = kind;
		return;
	}
	if (report.is_telling)
		return;
	report.is_telling = true;
	symbol_format(site, true, where, sizeof(where));
	pr_emerg("==================================================================\n");
	pr_emerg("BUG: KASAN: %s in %s\n", kind, where);
	pr_emerg("%s at addr %016lx\n", access, address);
	print_object(address);
	print_shadow(address);
	pr_emerg("==================================================================\n");
	panic("KASAN: %s in %s", kind, where);
}

void kasan_report(uintptr_t address, size_t size, bool is_write, uintptr_t site)
{
	uintptr_t first = address;
	char access[64];

	kasan_is_poisoned(address, size, &first);
	scnprintf(access, sizeof(access), "%s of size %lu", is_write ? "Write" : "Read", size);
	tell(kind_of(first), access, address, site);
}

void kasan_report_free(uintptr_t address, const char *what, uintptr_t site)
{
	tell(what, "Free of object", address, site);
}

/*
 * Memory as a whole: meminfo, vmstat, buddyinfo, slabinfo, swaps (proc(5)).
 *
 * Lines stand where there is something to count. Linux's lines about what does not exist here
 * (active and inactive lists, swap devices, huge pages) are there, with 0, where free, top and
 * their kin want them.
 */
#include <linux/errno.h>

#include "arch/layout.h"
#include "fs/disk_mapping.h"
#include "fs/pagecache.h"
#include "fs/writeback.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "procfs/root.h"
#include "vm/commit.h"
#include "vm/reclaim.h"

static void put_kb(struct text *text, const char *name, uint64_t pages)
{
	text_printf(text, "%-16s%8lu kB\n", name, pages << (PAGE_SHIFT - 10));
}

/* What new programs could get: free pages above the watermark, and what can be dropped. */
static uint64_t pages_available(const struct page_stats *pages)
{
	uint64_t all = pages->free + reclaim_count();

	return all > pages->low ? all - pages->low : 0;
}

int show_meminfo(const struct node *node, struct text *text)
{
	const uint64_t shmem = pagecache_pages(), files = disk_file_pages();
	struct page_stats pages;

	page_stats_read(&pages);
	put_kb(text, "MemTotal:", pages.total);
	put_kb(text, "MemFree:", pages.free);
	put_kb(text, "MemAvailable:", pages_available(&pages));
	put_kb(text, "Buffers:", disk_device_pages());
	put_kb(text, "Cached:", shmem + files);
	put_kb(text, "SwapCached:", 0);
	put_kb(text, "Active:", 0);
	put_kb(text, "Inactive:", 0);
	put_kb(text, "Unevictable:", 0);
	put_kb(text, "Mlocked:", 0);
	put_kb(text, "SwapTotal:", 0);
	put_kb(text, "SwapFree:", 0);
	put_kb(text, "Dirty:", dirty_pages());
	put_kb(text, "Writeback:", writeback_pages());
	put_kb(text, "Shmem:", shmem);
	put_kb(text, "KReclaimable:", 0);
	put_kb(text, "Slab:", pages.slab);
	put_kb(text, "SReclaimable:", 0);
	put_kb(text, "SUnreclaim:", pages.slab);
	put_kb(text, "KernelStack:", pages.kernel_stacks);
	put_kb(text, "PageTables:", pages.page_tables);
	put_kb(text, "CommitLimit:", commit_limit());
	put_kb(text, "Committed_AS:", commit_total());
	text_printf(text, "VmallocTotal:   %8lu kB\n", VMALLOC_SIZE >> 10);
	put_kb(text, "VmallocUsed:", pages.vmalloc);
	put_kb(text, "VmallocChunk:", 0);
	return 0;
}

int show_vmstat(const struct node *node, struct text *text)
{
	const uint64_t shmem = pagecache_pages();
	struct page_stats pages;

	page_stats_read(&pages);
	text_printf(text, "nr_free_pages %lu\nnr_file_pages %lu\nnr_shmem %lu\n", pages.free,
	            shmem + disk_file_pages() + disk_device_pages(), shmem);
	text_printf(text, "nr_dirty %lu\nnr_writeback %lu\nnr_slab_reclaimable 0\n",
	            dirty_pages(), writeback_pages());
	text_printf(text, "nr_slab_unreclaimable %lu\nnr_kernel_stack %lu\n", pages.slab,
	            pages.kernel_stacks << (PAGE_SHIFT - 10));
	text_printf(text, "nr_page_table_pages %lu\n", pages.page_tables);
	text_printf(text, "pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n");
	return 0;
}

int show_buddyinfo(const struct node *node, struct text *text)
{
	static const char *const zones[] = { "DMA32", "Normal" };

	for (unsigned int pool = 0; pool < array_size(zones); pool++) {
		text_printf(text, "Node 0, zone %8s ", zones[pool]);
		for (unsigned int order = 0; order <= PAGE_ORDER_MAX; order++)
			text_printf(text, "%6lu ", pages_free_blocks(pool, order));
		text_puts(text, "\n");
	}
	return 0;
}

/* Called with the list of caches locked: they are copied, and shown afterwards. */
struct cache_copies {
	struct cache_info at[128];
	size_t            count;
};

static void copy_cache(const struct cache_info *info, void *arg)
{
	struct cache_copies *copies = arg;

	if (copies->count < array_size(copies->at))
		copies->at[copies->count++] = *info;
}

int show_slabinfo(const struct node *node, struct text *text)
{
	struct cache_copies *copies = kmalloc(sizeof(*copies), ALLOC_KERNEL);

	if (!copies)
		return -ENOMEM;
	copies->count = 0;
	cache_for_each(copy_cache, copies);
	text_puts(text, "slabinfo - version: 2.1\n"
	                "# name            <active_objs> <num_objs> <objsize> <objperslab> "
	                "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
	                "<active_slabs> <num_slabs> <sharedavail>\n");
	for (size_t i = 0; i < copies->count; i++) {
		const struct cache_info *info = &copies->at[i];

		text_printf(text, "%-17s %6lu %6lu %6u %4u %4d : tunables %4u %4u %4u"
		            " : slabdata %6lu %6lu %6lu\n", info->name, info->nr_used,
		            info->nr_slabs * info->per_slab, info->stride, info->per_slab,
		            (int)info->pages_per_slab, 0, 0, 0, info->nr_slabs, info->nr_slabs,
		            0ul);
	}
	kfree(copies);
	return 0;
}

int show_swaps(const struct node *node, struct text *text)
{
	text_puts(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

/*
 * /sys/devices/system/node: memory and the CPUs near it, as numactl(8), lscpu(1) and libnuma ask.
 * To this kernel memory is one place, node 0, whatever the firmware's tables say.
 */
#include "arch/layout.h"
#include "fs/pagecache.h"
#include "mem/buddy.h"
#include "procfs/cpu_list.h"
#include "procfs/sysfs.h"

static int show_fixed(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", (const char *)node->entry->arg);
	return 0;
}

static int show_cpu_list(const struct node *node, struct text *text)
{
	text_put_cpu_list(text, cpus_online());
	text_puts(text, "\n");
	return 0;
}

static int show_cpu_map(const struct node *node, struct text *text)
{
	text_printf(text, "%lx\n", cpus_online());
	return 0;
}

static void put_kb(struct text *text, const char *name, uint64_t pages)
{
	text_printf(text, "Node 0 %-15s %8lu kB\n", name, pages << (PAGE_SHIFT - 10));
}

static int show_node_meminfo(const struct node *node, struct text *text)
{
	const uint64_t cached = pagecache_pages();
	struct page_stats pages;

	page_stats_read(&pages);
	put_kb(text, "MemTotal:", pages.total);
	put_kb(text, "MemFree:", pages.free);
	put_kb(text, "MemUsed:", pages.total - pages.free);
	put_kb(text, "FilePages:", cached);
	put_kb(text, "Shmem:", cached);
	put_kb(text, "KernelStack:", pages.kernel_stacks);
	put_kb(text, "PageTables:", pages.page_tables);
	put_kb(text, "Slab:", pages.slab);
	return 0;
}

#define FILE_ENTRY(file_name, fn) { file_name, S_IFREG | 0444, .show = fn }
#define FIXED_FILE(file_name, text) \
	{ file_name, S_IFREG | 0444, .show = show_fixed, .arg = (text) }

static const struct entry node_entries[] = {
	FILE_ENTRY("cpulist", show_cpu_list),
	FILE_ENTRY("cpumap", show_cpu_map),
	FIXED_FILE("distance", "10"),
	FILE_ENTRY("meminfo", show_node_meminfo),
};
static const struct directory node_directory = DIRECTORY(node_entries);

static const struct entry entries[] = {
	FIXED_FILE("has_cpu", "0"),
	FIXED_FILE("has_memory", "0"),
	FIXED_FILE("has_normal_memory", "0"),
	{ "node0", S_IFDIR | 0755, .dir = &node_directory },
	FIXED_FILE("online", "0"),
	FIXED_FILE("possible", "0"),
};
const struct directory sysfs_node_directory = DIRECTORY(entries);

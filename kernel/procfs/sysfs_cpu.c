/*
 * /sys/devices/system/cpu: which CPUs there are, as sysconf(3) and nproc(1) ask, and how they are
 * built. Every CPU is a core of one package: nothing says otherwise here.
 */
#include <linux/errno.h>

#include "arch/cpu.h"
#include "arch/percpu.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "procfs/cpu_list.h"
#include "procfs/sysfs.h"

static uint64_t set_online(const struct node *node)
{
	return cpus_online();
}

static uint64_t set_possible(const struct node *node)
{
	return cpus_possible();
}

static uint64_t set_offline(const struct node *node)
{
	return cpus_possible() & ~cpus_online();
}

static uint64_t set_none(const struct node *node)
{
	return 0;
}

static uint64_t set_own(const struct node *node)
{
	return 1ul << node->key;
}

struct cpu_set_file {
	uint64_t (*set)(const struct node *node);
	bool       is_list;
};

static int show_set(const struct node *node, struct text *text)
{
	const struct cpu_set_file *file = node->entry->arg;

	if (file->is_list)
		text_put_cpu_list(text, file->set(node));
	else
		text_put_cpu_mask(text, file->set(node));
	text_puts(text, "\n");
	return 0;
}

static int show_own_number(const struct node *node, struct text *text)
{
	text_printf(text, "%lu\n", node->key);
	return 0;
}

static int show_fixed(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", (const char *)node->entry->arg);
	return 0;
}

static int show_kernel_max(const struct node *node, struct text *text)
{
	text_printf(text, "%d\n", MAX_CPUS - 1);
	return 0;
}

#define SET_FILE(file_name, fn, list) \
	{ file_name, S_IFREG | 0444, .show = show_set, \
	  .arg = &(const struct cpu_set_file){ fn, list } }
#define FIXED_FILE(file_name, text) \
	{ file_name, S_IFREG | 0444, .show = show_fixed, .arg = (text) }

static const struct entry topology_entries[] = {
	SET_FILE("core_cpus", set_own, false),
	SET_FILE("core_cpus_list", set_own, true),
	{ "core_id", S_IFREG | 0444, .show = show_own_number },
	SET_FILE("core_siblings", set_online, false),
	SET_FILE("core_siblings_list", set_online, true),
	FIXED_FILE("die_id", "0"),
	SET_FILE("package_cpus", set_online, false),
	SET_FILE("package_cpus_list", set_online, true),
	FIXED_FILE("physical_package_id", "0"),
	SET_FILE("thread_siblings", set_own, false),
	SET_FILE("thread_siblings_list", set_own, true),
};
static const struct directory topology = DIRECTORY(topology_entries);

/* ---- faults of processors ------------------------------------------------------------------ */

static int show_bug(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", cpu_bug_state(node->entry->name));
	return 0;
}

#define BUG_FILE(file_name) { file_name, S_IFREG | 0444, .show = show_bug }

static const struct entry bug_entries[] = {
	BUG_FILE("gather_data_sampling"),
	BUG_FILE("itlb_multihit"),
	BUG_FILE("l1tf"),
	BUG_FILE("mds"),
	BUG_FILE("meltdown"),
	BUG_FILE("mmio_stale_data"),
	BUG_FILE("reg_file_data_sampling"),
	BUG_FILE("retbleed"),
	BUG_FILE("spec_rstack_overflow"),
	BUG_FILE("spec_store_bypass"),
	BUG_FILE("spectre_v1"),
	BUG_FILE("spectre_v2"),
	BUG_FILE("srbds"),
	BUG_FILE("tsx_async_abort"),
};
static const struct directory bugs = DIRECTORY(bug_entries);

/* ---- the directories ----------------------------------------------------------------------- */

static const struct entry cpu_entries[] = {
	{ "topology", S_IFDIR | 0755, .dir = &topology },
};
static const struct directory cpu_directory = DIRECTORY(cpu_entries);
static const struct entry cpu_entry = { "cpu", S_IFDIR | 0755, .dir = &cpu_directory };

static int cpu_lookup(const struct node *dir, const char *name, struct child *out)
{
	uint64_t cpu;

	if (strncmp(name, "cpu", 3) || !node_name_number(name + 3, &cpu) || cpu >= nr_cpus())
		return -ENOENT;
	*out = (struct child){ .entry = &cpu_entry, .key = cpu };
	return 0;
}

static const struct entry *cpu_next(const struct node *dir, uint64_t *key, char *name)
{
	if (*key >= nr_cpus())
		return NULL;
	snprintf(name, NODE_NAME_MAX, "cpu%lu", *key);
	return &cpu_entry;
}

static const struct entry entries[] = {
	SET_FILE("isolated", set_none, true),
	{ "kernel_max", S_IFREG | 0444, .show = show_kernel_max },
	SET_FILE("offline", set_offline, true),
	SET_FILE("online", set_online, true),
	SET_FILE("possible", set_possible, true),
	SET_FILE("present", set_possible, true),
	{ "vulnerabilities", S_IFDIR | 0755, .dir = &bugs },
};

const struct directory sysfs_cpu_directory = {
	.entries = entries,
	.count = array_size(entries),
	.lookup = cpu_lookup,
	.next = cpu_next,
};

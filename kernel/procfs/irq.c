/*
 * /proc/irq (proc(5)): where interrupts go, and may go.
 */
#include <linux/errno.h>

#include "core/irq.h"
#include "lib/bits.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "procfs/cpu_list.h"
#include "procfs/root.h"

static bool describe(uint64_t number, struct irq_info *info)
{
	return irq_describe_next((uint32_t)number, info) && info->number == number;
}

/* ---- sets of CPUs -------------------------------------------------------------------------- */

static uint64_t set_wanted(const struct irq_info *info)
{
	return info->affinity & cpus_online();
}

static uint64_t set_effective(const struct irq_info *info)
{
	return BIT(info->cpu);
}

struct set_file {
	uint64_t (*set)(const struct irq_info *info);
	bool       is_list;
};

static int show_set(const struct node *node, struct text *text)
{
	const struct set_file *file = node->entry->arg;
	struct irq_info info;

	if (!describe(node->key, &info))
		return -ENOENT;
	if (file->is_list)
		text_put_cpu_list(text, file->set(&info));
	else
		text_put_cpu_mask(text, file->set(&info));
	text_puts(text, "\n");
	return 0;
}

/* "f", "3,00000000": groups of up to 32 bits. */
static int parse_mask(const char *line, uint64_t *cpus)
{
	const char *at = line;
	uint64_t group;

	*cpus = 0;
	for (;;) {
		if (parse_u64_prefix(at, 16, &group, &at) || group >> 32)
			return -EINVAL;
		if (*cpus >> 32)
			return -EOVERFLOW;
		*cpus = *cpus << 32 | group;
		if (*at != ',')
			break;
		at++;
	}
	return *at == '\0' || !strcmp(at, "\n") ? 0 : -EINVAL;
}

/* "0-3,8" */
static int parse_list(const char *line, uint64_t *cpus)
{
	const char *at = line;
	uint64_t first, last;

	*cpus = 0;
	for (;;) {
		if (parse_u64_prefix(at, 10, &first, &at))
			return -EINVAL;
		last = first;
		if (*at == '-' && parse_u64_prefix(at + 1, 10, &last, &at))
			return -EINVAL;
		if (last < first)
			return -EINVAL;
		if (last >= 64)
			return -ERANGE;
		*cpus |= BIT_RANGE(last, first);
		if (*at != ',')
			break;
		at++;
	}
	return *at == '\0' || !strcmp(at, "\n") ? 0 : -EINVAL;
}

static int write_set(const struct node *node, char *line, size_t len)
{
	const struct set_file *file = node->entry->arg;
	uint64_t cpus;
	int err = file->is_list ? parse_list(line, &cpus) : parse_mask(line, &cpus);

	return err ? err : irq_set_affinity((uint32_t)node->key, cpus);
}

static int show_default(const struct node *node, struct text *text)
{
	text_put_cpu_mask(text, cpus_possible());
	text_puts(text, "\n");
	return 0;
}

static int show_hint(const struct node *node, struct text *text)
{
	text_put_cpu_mask(text, 0);
	text_puts(text, "\n");
	return 0;
}

static int show_node(const struct node *node, struct text *text)
{
	text_puts(text, "-1\n");
	return 0;
}

static int show_spurious(const struct node *node, struct text *text)
{
	struct irq_info info;
	uint64_t sum = 0;

	if (!describe(node->key, &info))
		return -ENOENT;
	for_each_cpu(cpu)
		sum += irq_count_on(info.number, cpu);
	text_printf(text, "count %lu\nunhandled %u\nlast_unhandled 0 ms\n", sum, info.nr_unhandled);
	return 0;
}

/* ---- directories --------------------------------------------------------------------------- */

#define SET_FILE(file_name, fn, list) \
	{ file_name, S_IFREG | 0444, .show = show_set, .arg = &(const struct set_file){ fn, list } }
#define SET_FILE_RW(file_name, fn, list) \
	{ file_name, S_IFREG | 0644, .show = show_set, .write = write_set, \
	  .arg = &(const struct set_file){ fn, list } }

static const struct entry irq_entries[] = {
	{ "affinity_hint", S_IFREG | 0444, .show = show_hint },
	SET_FILE("effective_affinity", set_effective, false),
	SET_FILE("effective_affinity_list", set_effective, true),
	{ "node", S_IFREG | 0444, .show = show_node },
	SET_FILE_RW("smp_affinity", set_wanted, false),
	SET_FILE_RW("smp_affinity_list", set_wanted, true),
	{ "spurious", S_IFREG | 0444, .show = show_spurious },
};

static const struct directory handler_directory = { 0 };
static const struct entry handler_entry = { "handler", S_IFDIR | 0555, .dir = &handler_directory };

/* The n-th of the names "a, b". */
static bool name_at(const struct irq_info *info, uint64_t n, char *name)
{
	const char *at = info->names;

	for (; n > 0 && at; n--) {
		at = strstr(at, ", ");
		at = at ? at + 2 : NULL;
	}
	if (!at || !*at)
		return false;
	const char *end = strstr(at, ", ");

	snprintf(name, NODE_NAME_MAX, "%.*s", (int)(end ? (size_t)(end - at) : strlen(at)), at);
	return true;
}

static const struct entry *handler_next(const struct node *dir, uint64_t *key, char *name)
{
	struct irq_info info;

	return describe(dir->key, &info) && name_at(&info, *key, name) ? &handler_entry : NULL;
}

static int handler_lookup(const struct node *dir, const char *name, struct child *out)
{
	char own[NODE_NAME_MAX];

	for (uint64_t key = 0; handler_next(dir, &key, own); key++) {
		if (strcmp(own, name))
			continue;
		*out = (struct child){ .entry = &handler_entry, .key = dir->key | key << 32 };
		return 0;
	}
	return -ENOENT;
}

static const struct directory irq_directory = {
	.entries = irq_entries,
	.count = array_size(irq_entries),
	.lookup = handler_lookup,
	.next = handler_next,
};
static const struct entry irq_entry = { "irq", S_IFDIR | 0555, .dir = &irq_directory };

static int irq_lookup(const struct node *dir, const char *name, struct child *out)
{
	struct irq_info info;
	uint64_t number;

	if (!node_name_number(name, &number) || !describe(number, &info))
		return -ENOENT;
	*out = (struct child){ .entry = &irq_entry, .key = number };
	return 0;
}

static const struct entry *irq_next(const struct node *dir, uint64_t *key, char *name)
{
	struct irq_info info;

	if (!irq_describe_next((uint32_t)*key, &info))
		return NULL;
	*key = info.number;
	snprintf(name, NODE_NAME_MAX, "%u", info.number);
	return &irq_entry;
}

static const struct entry entries[] = {
	{ "default_smp_affinity", S_IFREG | 0444, .show = show_default },
};

const struct directory proc_irq_directory = {
	.entries = entries,
	.count = array_size(entries),
	.lookup = irq_lookup,
	.next = irq_next,
};

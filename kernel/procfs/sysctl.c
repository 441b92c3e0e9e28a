/*
 * Showing and taking the values of /proc/sys. See sysctl.h.
 */
#include "procfs/sysctl.h"

#include <linux/errno.h>

#include "lib/atomic.h"
#include "lib/parse.h"

int sysctl_show_int(const struct node *node, struct text *text)
{
	const struct sysctl_int *value = node->entry->arg;

	text_printf(text, "%ld\n", value->get());
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The first word of what was written is the value, as on Linux. */
static int parse_first_word(char *line, int64_t min, int64_t max, int64_t *number)
{
	char *end;

	while (is_space(*line))
		line++;
	for (end = line; *end && !is_space(*end);)
		end++;
	*end = '\0';
	if (parse_i64(line, number))
		return -EINVAL;
	return *number < min || *number > max ? -EINVAL : 0;
}

int sysctl_write_int(const struct node *node, char *line, size_t len)
{
	const struct sysctl_int *value = node->entry->arg;
	int64_t number;
	int err;

	if (!len)
		return 0;
	err = parse_first_word(line, value->min, value->max, &number);
	return err ? err : value->set(number);
}

int sysctl_show_var(const struct node *node, struct text *text)
{
	const struct sysctl_var *var = node->entry->arg;

	text_printf(text, "%d\n", atomic_load_relaxed(var->value));
	return 0;
}

int sysctl_write_var(const struct node *node, char *line, size_t len)
{
	const struct sysctl_var *var = node->entry->arg;
	int64_t number;
	int err;

	if (!len)
		return 0;
	err = parse_first_word(line, var->min, var->max, &number);
	if (!err)
		atomic_store_relaxed(var->value, (int)number);
	return err;
}

int sysctl_show_text(const struct node *node, struct text *text)
{
	const struct sysctl_text *value = node->entry->arg;

	text_printf(text, "%s\n", value->text);
	return 0;
}

static const struct entry entries[] = {
	{ "fs", S_IFDIR | 0555, .dir = &sysctl_fs_directory },
	{ "kernel", S_IFDIR | 0555, .dir = &sysctl_kernel_directory },
	{ "net", S_IFDIR | 0555, .dir = &sysctl_net_directory },
	{ "vm", S_IFDIR | 0555, .dir = &sysctl_vm_directory },
};

const struct directory sysctl_directory = DIRECTORY(entries);

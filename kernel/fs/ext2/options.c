/*
 * Parsing and showing of mount options. See options.h.
 */
#include "fs/ext2/options.h"

#include <linux/errno.h>

#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"

/* Taken and without effect here: what they ask for is so, or does not exist. */
static const char *const harmless[] = {
	"bsddf", "user_xattr", "acl", "nouid32", "oldalloc", "orlov", "nobh", "debug", "nocheck",
	"noquota", "nogrpid", "sysvgroups", "block_validity", "noblock_validity",
};

/* Of ext3 and ext4, for journals and allocation: they are only read. */
static const char *const harmless_ext4[] = {
	"noload", "norecovery", "barrier", "nobarrier", "discard", "nodiscard", "delalloc",
	"nodelalloc", "data", "commit", "stripe", "journal_checksum", "auto_da_alloc",
	"noauto_da_alloc", "dioread_lock", "dioread_nolock", "i_version", "init_itable",
	"noinit_itable", "inode_readahead_blks", "max_batch_time", "min_batch_time",
};

static bool is_among(const char *const *words, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

static int errors_parse(const char *value, uint32_t *errors)
{
	if (!value)
		return -EINVAL;
	if (strcmp(value, "continue") == 0)
		*errors = EXT2_ERRORS_CONTINUE;
	else if (strcmp(value, "remount-ro") == 0)
		*errors = EXT2_ERRORS_REMOUNT_RO;
	else if (strcmp(value, "panic") == 0)
		*errors = EXT2_ERRORS_PANIC;
	else
		return -EINVAL;
	return 0;
}

static int number_parse(const char *value, uint32_t *out)
{
	return value && parse_u32(value, out) == 0 ? 0 : -EINVAL;
}

static int super_parse(const char *value, struct ext2_mount_words *words)
{
	uint32_t at;

	if (number_parse(value, &at))
		return -EINVAL;
	if (words)
		words->super_at = at;
	return 0;
}

static int option_apply(const struct option *option, bool is_ext2, struct ext2_options *options,
                        struct ext2_mount_words *words)
{
	const char *name = option->name, *value = option->value;

	if (strcmp(name, "errors") == 0)
		return errors_parse(value, &options->errors);
	if (strcmp(name, "resuid") == 0)
		return number_parse(value, &options->resuid);
	if (strcmp(name, "resgid") == 0)
		return number_parse(value, &options->resgid);
	if (strcmp(name, "sb") == 0)
		return super_parse(value, words);
	if (strcmp(name, "check") == 0)
		return value && strcmp(value, "none") == 0 ? 0 : -EINVAL;
	if (strcmp(name, "minixdf") == 0)
		options->minixdf = true;
	else if (strcmp(name, "nouser_xattr") == 0)
		options->no_user_xattr = true;
	else if (!is_among(harmless, array_size(harmless), name) &&
	         (is_ext2 || !is_among(harmless_ext4, array_size(harmless_ext4), name)))
		return -EINVAL;
	if (strcmp(name, "bsddf") == 0)
		options->minixdf = false;
	if (strcmp(name, "user_xattr") == 0)
		options->no_user_xattr = false;
	return 0;
}

int ext2_options_parse(const char *text, bool is_ext2, struct ext2_options *options,
                       struct ext2_mount_words *words)
{
	struct option option;
	char *copy, *cursor;
	int err = 0;

	if (!*text)
		return 0;
	cursor = copy = kstrdup(text, ALLOC_KERNEL);
	if (!copy)
		return -ENOMEM;
	while (!err && option_next(&cursor, &option))
		err = option_apply(&option, is_ext2, options, words);
	kfree(copy);
	return err;
}

static const char *errors_word(uint32_t errors)
{
	return errors == EXT2_ERRORS_PANIC       ? "panic"
	       : errors == EXT2_ERRORS_REMOUNT_RO ? "remount-ro"
	                                          : "continue";
}

int ext2_show_options(struct superblock *super, char *buf, size_t size)
{
	const struct ext2_super *es = super->private;
	const struct ext2_options *o = &es->options;
	int n = snprintf(buf, size, "%s", o->minixdf ? ",minixdf" : "");

	if (o->no_user_xattr)
		n += snprintf(buf + n, size - (size_t)n, ",nouser_xattr");
	if (o->resuid != es->geometry.resuid)
		n += snprintf(buf + n, size - (size_t)n, ",resuid=%u", o->resuid);
	if (o->resgid != es->geometry.resgid)
		n += snprintf(buf + n, size - (size_t)n, ",resgid=%u", o->resgid);
	if (o->errors != es->geometry.errors)
		n += snprintf(buf + n, size - (size_t)n, ",errors=%s", errors_word(o->errors));
	return n;
}

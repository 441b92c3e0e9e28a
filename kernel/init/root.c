/*
 * Finding and mounting the root file system. See init/root.h.
 */
#include "init/root.h"

#include <linux/errno.h>
#include <linux/mount.h>

#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "dev/disk.h"
#include "dev/partition.h"
#include "fs/context.h"
#include "fs/ext2/layout.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/super.h"
#include "lib/devnum.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "sched/wait.h"

static struct {
	const char *device; /* NULL: none is wanted */
	const char *types;  /* with commas; NULL: any */
	const char *options;
	bool        writable;
	bool        waits;
	uint64_t    delay_s;
} wanted;

/* ---- the command line ----------------------------------------------------------------------- */

static int take_word(const char *value, const char **word)
{
	if (!value || !*value)
		return -EINVAL;
	*word = value;
	return 0;
}

static int parse_root(const char *value)
{
	return take_word(value, &wanted.device);
}
CMDLINE_PARAM("root", parse_root);

static int parse_types(const char *value)
{
	return take_word(value, &wanted.types);
}
CMDLINE_PARAM("rootfstype", parse_types);

static int parse_options(const char *value)
{
	return take_word(value, &wanted.options);
}
CMDLINE_PARAM("rootflags", parse_options);

static int parse_readonly(const char *value)
{
	wanted.writable = false;
	return value ? -EINVAL : 0;
}
CMDLINE_PARAM("ro", parse_readonly);

static int parse_writable(const char *value)
{
	wanted.writable = true;
	return value ? -EINVAL : 0;
}
CMDLINE_PARAM("rw", parse_writable);

static int parse_wait(const char *value)
{
	wanted.waits = true;
	return value ? -EINVAL : 0;
}
CMDLINE_PARAM("rootwait", parse_wait);

static int parse_delay(const char *value)
{
	return value ? parse_u64(value, &wanted.delay_s) : -EINVAL;
}
CMDLINE_PARAM("rootdelay", parse_delay);

bool root_is_wanted(void)
{
	return wanted.device;
}

/* ---- the device ----------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether the text is the UUID, written in the usual way. */
static bool uuid_is(const uint8_t *uuid, const char *text)
{
	for (int i = 0; i < 16; i++) {
		int high, low;

		if (*text == '-')
			text++;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0 || uuid[i] != (high << 4 | low))
			return false;
		text += 2;
	}
	return !*text;
}

/* What its file system calls itself. */
static bool content_is(struct block_device *device, const char *uuid, const char *label)
{
	struct ext2_super_block super;

	if (block_device_sectors(device) < (EXT2_SUPER_OFFSET + EXT2_SUPER_SIZE) / SECTOR_SIZE ||
	    block_read(device, EXT2_SUPER_OFFSET, &super, sizeof(super)) ||
	    le16_to_cpu(super.s_magic) != EXT2_MAGIC)
		return false;
	if (uuid)
		return uuid_is(super.s_uuid, uuid);
	return strlen(label) <= sizeof(super.s_volume_name) &&
	       !strncmp(label, (const char *)super.s_volume_name, sizeof(super.s_volume_name));
}

static struct block_device *find_content(const char *uuid, const char *label)
{
	struct block_device *device;

	for (unsigned int i = 0; (device = block_device_at(i)); i++) {
		if (content_is(device, uuid, label))
			return device;
		block_device_put(device);
	}
	return NULL;
}

/* "UUID", or "UUID/PARTNROFF=n": the n-th partition behind it. */
static struct block_device *find_partuuid(const char *text)
{
	const char *slash = strchr(text, '/');
	struct block_device *device, *other = NULL;
	char uuid[PARTITION_UUID_SIZE];
	int offset = 0;

	if (str_copy_n(uuid, sizeof(uuid), text, slash ? (size_t)(slash - text) : strlen(text)) < 0)
		return NULL;
	device = block_device_find_uuid(uuid);
	if (!device || !slash)
		return device;
	if (!str_has_prefix(slash, "/PARTNROFF=") ||
	    cmdline_int(slash + strlen("/PARTNROFF="), &offset))
		pr_err("VFS: PARTUUID= is invalid.\n");
	else
		other = partition_get(device->disk, (int64_t)device->partition + offset);
	block_device_put(device);
	return other;
}

/* "254:2", or "fe02" as in Linux's messages. */
static struct block_device *find_number(const char *text)
{
	uint64_t major, minor;
	const char *end;

	if (!parse_u64_prefix(text, 10, &major, &end) && *end == ':' &&
	    !parse_u64(end + 1, &minor)) {
		if (major > DEV_MAJOR_MAX || minor > DEV_MINOR_MAX)
			return NULL;
		return block_device_find(dev_make(major, minor));
	}
	if (!parse_u64_prefix(text, 16, &major, &end) && !*end && major <= UINT32_MAX)
		return block_device_find(dev_decode((uint32_t)major));
	return NULL;
}

static struct block_device *find_device(const char *text)
{
	if (str_has_prefix(text, "/dev/"))
		return block_device_find_name(text + strlen("/dev/"));
	if (str_has_prefix(text, "PARTUUID="))
		return find_partuuid(text + strlen("PARTUUID="));
	if (str_has_prefix(text, "PARTLABEL="))
		return block_device_find_label(text + strlen("PARTLABEL="));
	if (str_has_prefix(text, "LABEL="))
		return find_content(NULL, text + strlen("LABEL="));
	if (str_has_prefix(text, "UUID="))
		return find_content(text + strlen("UUID="), NULL);
	return find_number(text);
}

static struct block_device *wait_for_device(void)
{
	struct block_device *device;
	uint32_t seen = 0;

	if (wanted.delay_s) {
		pr_info("Waiting %lu sec before mounting root device...\n", wanted.delay_s);
		sleep_until_uninterruptible(clock_monotonic() +
		                            (ns_t)wanted.delay_s * NS_PER_SEC);
	}
	block_wait_for_probe();
	device = find_device(wanted.device);
	if (!device && wanted.waits)
		pr_info("Waiting for root device %s...\n", wanted.device);
	while (!device && wanted.waits) {
		block_wait_for_device(&seen);
		block_wait_for_probe();
		device = find_device(wanted.device);
	}
	return device;
}

/* ---- failure -------------------------------------------------------------------------------- */

static void print_device(const struct block_device *device)
{
	const unsigned int major = dev_major(device->number), minor = dev_minor(device->number);
	char number[16];

	if (major <= 0xff && minor <= 0xff)
		snprintf(number, sizeof(number), "%02x%02x     ", major, minor);
	else
		snprintf(number, sizeof(number), "%03x:%05x", major, minor);
	pr_emerg("%s%s %10lu %s %s\n", device->partition ? "  " : "", number,
	         block_device_sectors(device) / 2, device->name, device->uuid);
}

static void print_all_devices(void)
{
	struct block_device *device;

	for (unsigned int i = 0; (device = block_device_at(i)); i++) {
		if (block_device_sectors(device))
			print_device(device);
		block_device_put(device);
	}
}

static __noreturn void panic_unmounted(const struct block_device *device)
{
	panic("VFS: Unable to mount root fs on unknown-block(%u,%u)",
	      device ? dev_major(device->number) : 0, device ? dev_minor(device->number) : 0);
}

static __noreturn void panic_cannot_open(const struct block_device *device, int err)
{
	const char *name = wanted.device;

	pr_emerg("VFS: Cannot open root device \"%s\" or unknown-block(%u,%u): error %d\n",
	         str_has_prefix(name, "/dev/") ? name + strlen("/dev/") : name,
	         device ? dev_major(device->number) : 0, device ? dev_minor(device->number) : 0,
	         err);
	pr_emerg("Please append a correct \"root=\" boot option; here are the available partitions:\n");
	print_all_devices();
	panic_unmounted(device);
}

/* ---- mounting ------------------------------------------------------------------------------- */

/* Whether a type is one of the words in rootfstype=. */
static bool type_is_wanted(const struct fs_type *type)
{
	const char *word = wanted.types;
	const size_t len = strlen(type->name);

	if (!(type->flags & FS_NEEDS_DEVICE))
		return false;
	while (word && *word) {
		const char *end = strchr(word, ',');
		size_t n = end ? (size_t)(end - word) : strlen(word);

		if (n == len && !strncmp(word, type->name, n))
			return true;
		word += n + (end ? 1 : 0);
	}
	return !wanted.types;
}

struct attempt {
	struct mount_namespace *mounts;
	struct path             at;
	struct mount_options    options;
};

/* 0: mounted; -EACCES, -EINVAL: not by this type or not so; anything else is final. */
static int mount_by_any(struct attempt *attempt)
{
	const struct fs_type *type;
	int err = -EINVAL;

	for (unsigned int i = 0; (type = fs_type_at(i)); i++) {
		if (!type_is_wanted(type))
			continue;
		attempt->options.type = type->name;
		err = mount_new(attempt->mounts, &attempt->at, &attempt->options);
		if (!err || (err != -EINVAL && err != -EACCES))
			return err;
	}
	return err;
}

static void print_tried(void)
{
	const struct fs_type *type;

	pr_emerg("List of all partitions:\n");
	print_all_devices();
	pr_emerg("No filesystem could mount root, tried:\n");
	for (unsigned int i = 0; (type = fs_type_at(i)); i++) {
		if (type_is_wanted(type))
			pr_emerg(" %s\n", type->name);
	}
}

static void mount_device(struct attempt *attempt, struct block_device *device)
{
	int err;

	attempt->options.device = device;
	attempt->options.flags = MS_SILENT | (wanted.writable ? 0 : MS_RDONLY);
	err = mount_by_any(attempt);
	if ((err == -EACCES || err == -EINVAL) && wanted.writable) {
		attempt->options.flags |= MS_RDONLY;
		err = mount_by_any(attempt);
	}
	if (err && err != -EINVAL && err != -EACCES)
		panic_cannot_open(device, err);
	if (err) {
		print_tried();
		panic_unmounted(device);
	}
	pr_info("VFS: Mounted root (%s filesystem)%s on device %u:%u.\n", attempt->options.type,
	        attempt->options.flags & MS_RDONLY ? " readonly" : "", dev_major(device->number),
	        dev_minor(device->number));
}

static void mount_dev(struct mount_namespace *mounts, const struct walk_from *from)
{
	const struct mount_options options = {
		.type = "devtmpfs", .source = "devtmpfs", .options = "", .flags = MS_SILENT,
		.cred = from->cred,
	};
	struct path at;
	int err = path_lookup(from, "/root/dev", LOOKUP_FOLLOW, &at);

	if (!err) {
		err = mount_new(mounts, &at, &options);
		path_put(&at);
	}
	if (err)
		pr_info("devtmpfs: error mounting %d\n", err);
	else
		pr_info("devtmpfs: mounted\n");
}

/* What is mounted on /root becomes the root, over the one that was. */
static int become_root(struct mount_namespace *mounts, struct task *task,
                       const struct walk_from *from)
{
	struct path root, old;
	int err = path_lookup(from, "/root", LOOKUP_FOLLOW, &root);

	if (err)
		return err;
	fs_context_root(task->fs, &old);
	err = mount_move(mounts, &root, &old);
	path_put(&old);
	if (!err) {
		fs_context_set_root(task->fs, &root);
		fs_context_set_cwd(task->fs, &root);
	}
	path_put(&root);
	return err;
}

void root_mount(struct mount_namespace *mounts, struct task *task)
{
	const struct walk_from from = { .fs = task->fs, .cred = task->cred };
	struct block_device *device = wait_for_device();
	struct attempt attempt = {
		.mounts = mounts,
		.options = {
			.source = "/dev/root",
			.options = wanted.options ? wanted.options : "",
			.cred = task->cred,
		},
	};
	int err;

	if (!device)
		panic_cannot_open(NULL, -ENXIO);
	err = path_lookup(&from, "/root", LOOKUP_FOLLOW, &attempt.at);
	if (err)
		panic("VFS: no /root to mount the root on: error %d", err);
	mount_device(&attempt, device);
	path_put(&attempt.at);
	mount_dev(mounts, &from);
	err = become_root(mounts, task, &from);
	if (err)
		panic("VFS: cannot move the root: error %d", err);
	block_device_put(device);
}

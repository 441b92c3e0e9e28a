/*
 * The type "sysfs" and the upper directories of /sys. See sysfs.h.
 */
#include "procfs/sysfs.h"

#include <linux/magic.h>

#include "boot/bootinfo.h"
#include "fs/super.h"

static struct superblock *sysfs_super __ro_after_init;
static bool is_uefi __ro_after_init;

static int sysfs_mount(const struct fs_type *type, const struct mount_request *request,
                       struct superblock **out)
{
	return node_super_mount(sysfs_super, request->options, out);
}

static const struct fs_type sysfs_type = { .name = "sysfs", .mount = sysfs_mount };

static bool booted_by_uefi(void)
{
	return is_uefi;
}

static int show_fixed(const struct node *node, struct text *text)
{
	text_printf(text, "%s\n", (const char *)node->entry->arg);
	return 0;
}

static const struct directory empty = { 0 };

#define DIR(dir_name, table) { dir_name, S_IFDIR | 0755, .dir = (table) }

static const struct entry efi_entries[] = {
	{ "fw_platform_size", S_IFREG | 0444, .show = show_fixed, .arg = "64" },
};
static const struct directory efi = DIRECTORY(efi_entries);

static const struct entry firmware_entries[] = {
	{ "efi", S_IFDIR | 0755, .dir = &efi, .exists = booted_by_uefi },
};
static const struct directory firmware = DIRECTORY(firmware_entries);

static const struct entry system_entries[] = {
	DIR("cpu", &sysfs_cpu_directory),
	DIR("node", &sysfs_node_directory),
};
static const struct directory system_directory = DIRECTORY(system_entries);

static const struct entry virtual_entries[] = {
	SYSFS_BLOCK(sysfs_in_devices),
	DIR("net", &sysfs_net_directory),
};
static const struct directory virtual_directory = DIRECTORY(virtual_entries);

static const struct entry devices_entries[] = {
	DIR("system", &system_directory),
	DIR("virtual", &virtual_directory),
};
static const struct directory devices = {
	.entries = devices_entries,
	.count = array_size(devices_entries),
	.lookup = sysfs_pci_root_lookup,
	.next = sysfs_pci_root_next,
};

static const struct entry bus_entries[] = { DIR("pci", &sysfs_bus_pci_directory) };
static const struct directory bus = DIRECTORY(bus_entries);

static const struct entry root_entries[] = {
	SYSFS_BLOCK(sysfs_in_root),
	DIR("bus", &bus),
	DIR("class", &sysfs_class_directory),
	DIR("dev", &sysfs_dev_directory),
	DIR("devices", &devices),
	DIR("firmware", &firmware),
	DIR("fs", &empty),
	DIR("kernel", &empty),
	DIR("module", &empty),
};
static const struct directory root = DIRECTORY(root_entries);
static const struct entry sysfs_root = { "/", S_IFDIR | 0555, .dir = &root };

int sysfs_init(void)
{
	int err;

	is_uefi = bootinfo.source == BOOT_UEFI;
	err = node_super_create(&sysfs_type, SYSFS_MAGIC, &sysfs_root, &sysfs_super);

	return err ? err : fs_type_register(&sysfs_type);
}

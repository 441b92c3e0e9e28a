/*
 * The PVH entry's structures (Xen's hvm_start_info, version 1) turned into a bootinfo. All of it
 * lies below 4 GiB, where the boot page tables reach; an address beyond is taken as absent.
 */
#include <arch/layout.h>

#include "arch/x86_64/boot.h"
#include "boot/bootinfo.h"
#include "core/printk.h"
#include "lib/string.h"

#define HVM_START_MAGIC 0x336ec578

struct hvm_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp;
	uint64_t memmap; /* from here on: version 1 */
	uint32_t nr_memmap, reserved;
};

struct hvm_module {
	uint64_t start, size, cmdline, reserved;
};

struct hvm_memmap_entry {
	uint64_t start, size;
	uint32_t type, reserved; /* types as in E820 */
};

#define REACHABLE (4ul << 30)

/* The kernel's view of [paddr, paddr + size), NULL if the boot page tables do not show it. */
static const void *low_memory(uint64_t paddr, uint64_t size)
{
	if (paddr == 0 || size > REACHABLE || paddr > REACHABLE - size)
		return NULL;
	return phys_to_virt(paddr);
}

static void take_memory(const struct hvm_start_info *info)
{
	uint32_t n = info->nr_memmap < BOOTINFO_MAX_MEMORY ? info->nr_memmap : BOOTINFO_MAX_MEMORY;
	const struct hvm_memmap_entry *entries = low_memory(info->memmap, n * sizeof(*entries));

	if (info->version < 1 || !entries)
		boot_fail("the PVH loader gave no memory map");
	if (info->nr_memmap > n)
		pr_warn("boot: only the first %u of %u memory map entries are used\n", n,
		        info->nr_memmap);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t type = entries[i].type;

		if (type == 0 || type > BOOT_MEMORY_NVS)
			type = BOOT_MEMORY_RESERVED;
		boot_memory_add(entries[i].start, entries[i].size, type);
	}
}

static void take_cmdline(const struct hvm_start_info *info)
{
	const char *text = low_memory(info->cmdline, BOOTINFO_CMDLINE_SIZE);

	if (text && str_copy(bootinfo.cmdline, text, BOOTINFO_CMDLINE_SIZE) < 0)
		pr_warn("boot: the command line is cut at %d bytes\n", BOOTINFO_CMDLINE_SIZE - 1);
}

static void take_initramfs(const struct hvm_start_info *info)
{
	const struct hvm_module *module = low_memory(info->modules, sizeof(*module));

	if (info->nr_modules == 0 || !module || module->size == 0)
		return;
	if (!low_memory(module->start, module->size)) {
		pr_warn("boot: the initramfs lies above 4 GiB and is not used\n");
		return;
	}
	if (info->nr_modules > 1)
		pr_warn("boot: only the first of %u modules is used\n", info->nr_modules);
	bootinfo.initramfs_start = module->start;
	bootinfo.initramfs_end = module->start + module->size;
}

const char *boot_pvh_cmdline(paddr_t start_info)
{
	const struct hvm_start_info *info = low_memory(start_info, sizeof(*info));

	if (!info || info->magic != HVM_START_MAGIC)
		return NULL;
	return low_memory(info->cmdline, BOOTINFO_CMDLINE_SIZE);
}

void boot_pvh_convert(paddr_t start_info, uint64_t entry_tsc)
{
	const struct hvm_start_info *info = low_memory(start_info, sizeof(*info));

	if (!info || info->magic != HVM_START_MAGIC)
		boot_fail("entered by PVH without a valid start info");
	bootinfo.magic = BOOTINFO_MAGIC;
	bootinfo.source = BOOT_PVH;
	bootinfo.entry_tsc = entry_tsc;
	bootinfo.rsdp = info->rsdp;
	bootinfo.kernel_start = KERNEL_LINK_OFFSET;
	bootinfo.kernel_end = KERNEL_LINK_OFFSET + (uint64_t)(kernel_end - kernel_start);
	take_memory(info);
	take_cmdline(info);
	take_initramfs(info);
}

/*
 * From the entry code to kmain(): finds out who booted us and brings bootinfo into kernel memory.
 * What a loader says is checked here once; everything later believes it.
 */
#include "arch/x86_64/boot.h"

#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/layout.h>

#include "boot/bootinfo.h"
#include "lib/string.h"

struct bootinfo bootinfo __initdata;
paddr_t kernel_phys_base __ro_after_init;

__noreturn void boot_fail(const char *message)
{
	static const char prefix[] = "boot: ";

	early_console_write(prefix, sizeof(prefix) - 1);
	early_console_write(message, strlen(message));
	early_console_write("\n", 1);
	cpu_halt_forever();
}

static void check_memory(void)
{
	if (bootinfo.nr_memory == 0 || bootinfo.nr_memory > BOOTINFO_MAX_MEMORY)
		boot_fail("the loader's memory map is empty or too long");
	for (uint32_t i = 0; i < bootinfo.nr_memory; i++) {
		const struct bootinfo_memory *m = &bootinfo.memory[i];

		if (m->start >= m->end || (m->start | m->end) & ~PAGE_MASK)
			boot_fail("the loader's memory map has an entry that is not whole pages");
		if (i > 0 && m->start < m[-1].end)
			boot_fail("the loader's memory map is not in order");
	}
}

static void check_ranges(void)
{
	uint64_t size = (uint64_t)(kernel_end - kernel_start);

	if (bootinfo.kernel_end - bootinfo.kernel_start != size ||
	    bootinfo.kernel_start & (LARGE_PAGE_SIZE - 1))
		boot_fail("the loader's idea of where the kernel lies is wrong");
	if (bootinfo.initramfs_start > bootinfo.initramfs_end)
		boot_fail("the loader's initramfs ends before it starts");
	if (bootinfo.seed_size > BOOTINFO_SEED_SIZE)
		boot_fail("the loader's seed is too long");
	bootinfo.cmdline[BOOTINFO_CMDLINE_SIZE - 1] = '\0';
}

static void take_uefi(paddr_t paddr)
{
	const struct bootinfo *from = phys_to_virt(paddr);

	if (from->magic != BOOTINFO_MAGIC)
		boot_fail("the loader handed over something that is no bootinfo");
	memcpy(&bootinfo, from, sizeof(bootinfo));
}

__noreturn void boot_start(paddr_t uefi_bootinfo, paddr_t pvh_start_info, uint64_t entry_tsc)
{
	early_console_init();
	if (uefi_bootinfo)
		take_uefi(uefi_bootinfo);
	else
		boot_pvh_convert(pvh_start_info, entry_tsc);
	check_memory();
	check_ranges();
	kernel_phys_base = bootinfo.kernel_start - ((uintptr_t)kernel_start - KERNEL_IMAGE_BASE);
	kmain();
}

/*
 * Bring-up, in order. One call a line, each with what is available from there on. arch/ comes here
 * from the entry code on the boot stack, interrupts off, with a checked bootinfo.
 */
#include <arch/cpu.h>

#include "arch/x86_64/boot.h"
#include "boot/bootinfo.h"
#include "core/printk.h"

__noreturn void kmain(void)
{
	cpu_init(); /* available from here on: CPU features, the control registers that follow */
	pr_notice("Moonshot: %s boot, %lu KiB of kernel, command line: %s\n",
	          bootinfo.source == BOOT_PVH ? "direct" : "UEFI",
	          (bootinfo.kernel_end - bootinfo.kernel_start) / 1024, bootinfo.cmdline);
	pr_notice("Moonshot: ready\n");
	cpu_halt_forever();
}

/*
 * Bring-up, in order. One call a line, each with what is available from there on. arch/ comes here
 * from the entry code on the boot stack, interrupts off, with a checked bootinfo.
 */
#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/irqchip.h>
#include <arch/mmu.h>
#include <arch/timer.h>
#include <arch/usercopy.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/setup.h"
#include "boot/bootinfo.h"
#include "core/cmdline.h"
#include "core/printk.h"
#include "mem/buddy.h"
#include "mem/memmap.h"

static void print_banner(void)
{
	pr_notice("Moonshot: %s boot, %lu KiB of kernel at %#lx\n",
	          bootinfo.source == BOOT_PVH ? "direct" : "UEFI",
	          (bootinfo.kernel_end - bootinfo.kernel_start) / 1024, bootinfo.kernel_start);
	pr_notice("Command line: %s\n", bootinfo.cmdline);
}

__noreturn void kmain(void)
{
	cpu_init();              /* available from here on: CPU features, control registers */
	print_banner();
	traps_init();            /* exceptions are reported, not a silent reset */
	cmdline_init(bootinfo.cmdline); /* quiet, loglevel=, mem= and other early words */
	memmap_init(&bootinfo);  /* memmap_early_alloc() */
	percpu_init();           /* copies of per-CPU data for other CPUs */
	usercopy_init();         /* accesses that may fault */
	paging_init();           /* W^X; all of RAM in the direct map */
	buddy_init();            /* page_alloc(), the slab heap, vmalloc */
	fpu_init();              /* size of FPU states */
	fpu_init_cache();        /* fpu_state_alloc() */
	acpi_init(bootinfo.rsdp); /* CPUs, interrupt controllers, counters, power-off */
	irqchip_init();          /* lines and messages can be routed to vectors */
	arch_clock_init();       /* arch_clock, arch_delay_ns() */
	arch_timer_init_cpu();   /* arch_timer_arm() */
	pr_notice("Moonshot: ready\n");
	cpu_halt_forever();
}

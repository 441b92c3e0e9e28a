/*
 * Bring-up, in order. One call a line, each with what is available from there on. arch/ comes here
 * from the entry code on the boot stack, interrupts off, with a checked bootinfo.
 */
#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/fpu.h>
#include <arch/irqchip.h>
#include <arch/mmu.h>
#include <arch/power.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <arch/usercopy.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/setup.h"
#include "boot/bootinfo.h"
#include "core/cmdline.h"
#include "core/ktest.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/random.h"
#include "core/sysrq.h"
#include "fs/fs.h"
#include "init/drivers.h"
#include "init/user.h"
#include "ipc/sem.h"
#include "mem/buddy.h"
#include "mem/memmap.h"
#include "net/netns.h"
#include "proc/dump.h"
#include "proc/futex.h"
#include "proc/hung.h"
#include "proc/oom.h"
#include "proc/power_button.h"
#include "proc/signal_pid.h"
#include "procfs/procfs.h"
#include "sched/clock.h"
#include "sched/sched.h"
#include "syscall/socket.h"
#include "syscall/trace.h"
#include "tty/tty.h"
#include "sched/thread.h"
#include "vm/space.h"

static void print_banner(void)
{
	pr_notice("Moonshot: %s boot, %lu KiB of kernel at %#lx\n",
	          bootinfo.source == BOOT_PVH ? "direct" : "UEFI",
	          (bootinfo.kernel_end - bootinfo.kernel_start) / 1024, bootinfo.kernel_start);
	pr_notice("Command line: %s\n", bootinfo.cmdline);
	if (bootinfo.initramfs_end > bootinfo.initramfs_start)
		pr_info("Initramfs: %lu KiB\n",
		        (bootinfo.initramfs_end - bootinfo.initramfs_start) / 1024);
}

static void start_cpu_and_memory(void)
{
	cpu_init();                     /* CPU features, control registers */
	traps_init();                   /* exceptions are reported, not a silent reset */
	cmdline_init(bootinfo.cmdline); /* quiet, loglevel=, mem= and other early words */
	print_banner();
	cpu_report();                   /* what protects the kernel */
	memmap_init(&bootinfo);         /* memmap_early_alloc() */
	percpu_init();                  /* copies of per-CPU data for other CPUs */
	usercopy_init();                /* accesses that may fault */
	paging_init();                  /* W^X; all of RAM in the direct map */
	buddy_init();                   /* page_alloc(), the slab heap, vmalloc */
	fpu_init();                     /* size of FPU states */
	fpu_init_cache();               /* fpu_state_alloc() */
}

static void start_platform(void)
{
	acpi_init(bootinfo.rsdp); /* CPUs, interrupt controllers, counters, power-off */
	irqchip_init();           /* lines and messages can be routed to vectors */
	arch_clock_init();        /* arch_clock, arch_delay_ns() */
	arch_timer_init_cpu();    /* arch_timer_arm() */
	random_init(bootinfo.seed, bootinfo.seed_size); /* random_bytes() */
}

/* No __init any more, no tests unless they are wanted; read-only after init. */
static void give_back_init(void)
{
	const char *from = ktest_is_wanted() ? init_start : ktest_start;

	paging_seal(from);
	if (!paging_check() && DEBUG)
		panic("kernel memory has rights that it must not have");
	pages_free_range(image_to_phys(from), image_to_phys(init_end));
	pages_free_range(image_to_phys(relocs_start), image_to_phys(kernel_end));
	pr_notice("Moonshot: ready\n");
}

static void run_ktests(void *unused)
{
	ktest_run_all();
	power_off();
}

/* With `ktest` on the command line the machine tests its kernel and goes off. */
static void start_ktests(void)
{
	struct thread *thread;

	if (kthread_create("ktest", run_ktests, NULL, &thread) < 0)
		panic("no memory for the thread that runs the tests");
	thread_start(thread);
}

/* Another CPU, on its own stack, interrupts off: it has nothing to do yet. */
static void start_secondary_cpu(uintptr_t stack_top)
{
	sched_init_cpu(stack_top);
	irq_enable();
	sched_idle();
}

static void start_secondary_cpus(void)
{
	smp_start(sched_prepare_cpu, start_secondary_cpu);
	if (smp_tsc_is_in_step())
		return;
	if (arch_clock_leave_tsc())
		clock_source_changed();
	pr_warn("clock: the TSC is not steady on all CPUs: time is told by %s\n",
	        arch_clock.name);
}

__noreturn void kmain(void)
{
	start_cpu_and_memory();
	start_platform();
	sched_init((uintptr_t)boot_stack_top); /* current thread, wait queues, kernel threads */
	/* clock_monotonic(), timers; time stamps in the log */
	clock_init();
	irq_enable();
	sysrq_init();                          /* sysrq_register(); the keys of core/ */
	cmdline_parse();                       /* every word of the command line */
	vm_init();                             /* user address spaces, reclaim, the vDSO */
	oom_init();                            /* a victim instead of a panic */
	proc_sysrq_init();                     /* keys that are about processes */
	power_button_init();                   /* off in good order */
	hung_init();                           /* who sleeps too long is told of */
	futex_init();                          /* futex_operate() */
	signal_pid_init();                     /* pid_signal(), for floors that know no processes */
	fs_init();                             /* tmpfs, devfs, anonymous files; no tree yet */
	net_init();                            /* sockets */
	sem_init();                            /* adjustments of semaphores */
	socket_calls_init();                   /* who sends through them */
	syscall_record_init();                 /* a panic tells of system calls */
	drivers_init();                        /* devices, known to their classes */
	tty_start();                           /* terminals, /dev/console; console= */
	early_console_fini();                  /* the log goes on by the consoles' own driver */
	procfs_init();                         /* proc and sysfs can be mounted */
	start_secondary_cpus();                /* the other CPUs; one clock for all */
	drivers_init_buses();                  /* what is on buses; its queues can use all CPUs */
	console_settle();                      /* /dev/console is known */
	if (ktest_is_wanted()) {
		start_ktests();
		give_back_init();
	} else {
		user_start(give_back_init);    /* the root, the console, the first program */
	}
	sched_idle();
}

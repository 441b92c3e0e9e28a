/*
 * Bringing up the application processors.
 *
 * Everything that a CPU will need is made ready first; then all get INIT, then all get the start-up
 * interrupt, and the boot CPU waits once for all of them. A CPU goes through these states:
 *
 *   called    has been sent the interrupts
 *   arrived   runs smp_cpu_main() on some stack and has found its entry in smp.calls
 *   numbered  the boot CPU has seen who is there and has told it its number; it sets itself up
 *   ready     could take interrupts
 *   online    counted in nr_cpus(); it leaves for the scheduler
 *
 * Numbers are given out when it is known who has arrived, so that nr_cpus() has no gaps. Who has
 * not arrived in time is sent INIT once more and so waits for a start-up interrupt that never
 * comes.
 *
 * Locking: none; states go one way, each stored by one side and awaited by the other.
 */
#define pr_fmt(fmt) "smp: " fmt

#include <arch/smp.h>

#include <linux/errno.h>

#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/irqchip.h>
#include <arch/percpu.h>
#include <arch/timer.h>

#include "arch/x86_64/lapic.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/setup.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tables.h"
#include "arch/x86_64/tlb.h"
#include "core/cmdline.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/atomic.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/memmap.h"
#include "mem/vmalloc.h"

#define INIT_PAUSE    (10 * NS_PER_USEC)
#define REPEAT_AFTER  (200 * NS_PER_USEC) /* the second start-up interrupt, for who needs one */
#define ANSWER_WITHIN NS_PER_SEC          /* after the last one that came */
#define WAIT_STEP     (10 * NS_PER_USEC)

enum { TSC_READINGS = 1000, NOT_NUMBERED = 0, NOT_WANTED = MAX_CPUS };

struct call {
	uint32_t apic_id __const_after_init;
	uint32_t cpu __atomic;     /* its number; NOT_NUMBERED, NOT_WANTED */
	bool     arrived __atomic;
};

static struct {
	uint32_t nr_calls;
	struct call calls[MAX_CPUS];
	struct cpu_stacks *entry_stacks[MAX_CPUS]; /* by number */
	void   (*main)(uintptr_t stack_top);
	uint32_t nr_ready __atomic;
	uint32_t nr_wanted;
	struct {
		struct spinlock lock;
		uint64_t last __guarded_by(lock); /* the latest reading of any CPU */
		bool     is_behind __guarded_by(lock);
		bool     begun __atomic;
		bool     is_trusted __const_after_init; /* tsc=reliable */
	} tsc;
} smp = { .nr_wanted = MAX_CPUS, .tsc.lock = SPINLOCK(RANK_LEAF) };

uint64_t smp_stack_tops[MAX_CPUS];
uint32_t smp_nr_stacks, smp_stacks_taken;

uint32_t smp_apic_id(uint32_t cpu)
{
	return irqchip_destination(cpu);
}

/* ---- the TSCs ------------------------------------------------------------------------------ */

static bool must_compare_tsc(void)
{
	return arch_clock.is_tsc && !cpu_has(CPU_EMULATOR) && !smp.tsc.is_trusted;
}

/* All CPUs at a time, interrupts off: each reading comes after the one before, whoever took it. */
static void compare_tsc(void)
{
	while (!atomic_load_acquire(&smp.tsc.begun))
		cpu_relax();
	for (int i = 0; i < TSC_READINGS; i++) {
		spin_lock(&smp.tsc.lock);
		uint64_t now = cpu_cycles_ordered();

		smp.tsc.is_behind |= now < smp.tsc.last;
		smp.tsc.last = now;
		spin_unlock(&smp.tsc.lock);
	}
}

bool smp_tsc_is_in_step(void)
{
	return !READ_ONCE(smp.tsc.is_behind);
}

/* ---- on the CPU that starts ---------------------------------------------------------------- */

static struct call *find_call(uint32_t apic_id)
{
	for (uint32_t i = 0; i < smp.nr_calls; i++) {
		if (smp.calls[i].apic_id == apic_id)
			return &smp.calls[i];
	}
	return NULL;
}

static uint32_t await_number(struct call *call)
{
	uint32_t cpu;

	/* pairs with the acquire in nr_arrived(), the release in number_arrived() */
	atomic_store_release(&call->arrived, true);
	while ((cpu = atomic_load_acquire(&call->cpu)) == NOT_NUMBERED)
		cpu_relax();
	return cpu;
}

/* The canary changes with the base of per-CPU data. */
__no_stack_protector void smp_cpu_main(uintptr_t stack_top)
{
	struct call *call = find_call(lapic_enable());
	uint32_t cpu = call ? await_number(call) : NOT_WANTED;

	if (cpu == NOT_WANTED)
		cpu_halt_forever();
	msr_write(MSR_GS_BASE, percpu_deltas[cpu]);
	cpu_init_registers();
	traps_init_cpu(smp.entry_stacks[cpu]);
	irqchip_init_cpu();
	fpu_init_cpu();
	arch_timer_init_cpu();
	if (must_compare_tsc())
		compare_tsc();
	/* pairs with the acquire in all_ready(); online pairs with the store in smp_start() */
	atomic_add_return(&smp.nr_ready, 1);
	while (atomic_load_acquire(&percpu_nr_cpus) <= cpu)
		cpu_relax();
	tlb_init_cpu();
	smp.main(stack_top);
	cpu_halt_forever();
}

/* ---- on the boot CPU ----------------------------------------------------------------------- */

static void __init list_calls(void)
{
	uint32_t own = lapic_enable();

	for (uint32_t i = 0; i < acpi.nr_cpus && smp.nr_calls + 1 < smp.nr_wanted; i++) {
		if (acpi.apic_ids[i] != own)
			smp.calls[smp.nr_calls++].apic_id = acpi.apic_ids[i];
	}
}

static int __init make_ready(uint32_t cpu, int (*prepare)(uint32_t cpu))
{
	struct cpu_stacks *entry = vmalloc(sizeof(*entry), ALLOC_KERNEL);
	void *stack = kstack_alloc(ALLOC_KERNEL);
	int err = entry && stack ? percpu_create(cpu) : -ENOMEM;

	if (!err)
		err = prepare(cpu);
	if (err) {
		vfree(entry);
		if (stack)
			kstack_free(stack);
		return err;
	}
	smp.entry_stacks[cpu] = entry;
	smp_stack_tops[smp_nr_stacks++] = (uint64_t)stack + KSTACK_SIZE;
	return 0;
}

static void __init make_all_ready(int (*prepare)(uint32_t cpu))
{
	for (uint32_t i = 0; i < smp.nr_calls; i++) {
		if (!make_ready(i + 1, prepare))
			continue;
		pr_warn("no memory for CPU %u and those after it: left out\n", i + 1);
		smp.nr_calls = i;
	}
}

static void __init write_trampoline(paddr_t page)
{
	char *to = phys_to_virt(page);
	struct trampoline_values *values =
		(void *)(to + (trampoline_values - trampoline_start));

	memcpy(to, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	values->entry = (uint64_t)smp_entry;
	values->root = (uint32_t)kernel_root;
	values->efer = EFER_SCE | EFER_LME | (cpu_has(CPU_NX) ? EFER_NXE : 0);
	values->far_offset += (uint32_t)page;
	values->gdt_base += (uint32_t)page;
}

static uint32_t __init nr_arrived(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < smp.nr_calls; i++)
		n += atomic_load_acquire(&smp.calls[i].arrived);
	return n;
}

static void __init send_start_to_missing(paddr_t page)
{
	for (uint32_t i = 0; i < smp.nr_calls; i++) {
		if (!atomic_load_acquire(&smp.calls[i].arrived))
			lapic_send_start(smp.calls[i].apic_id, page);
	}
}

static void __init call_all(paddr_t page)
{
	uint32_t arrived = 0;
	ns_t waited = 0;

	for (uint32_t i = 0; i < smp.nr_calls; i++)
		lapic_send_init(smp.calls[i].apic_id);
	arch_delay_ns(INIT_PAUSE);
	send_start_to_missing(page);
	for (bool again = true; arrived < smp.nr_calls && waited < ANSWER_WITHIN;) {
		uint32_t now = nr_arrived();

		waited = now > arrived ? 0 : waited + WAIT_STEP;
		arrived = now;
		if (again && waited >= REPEAT_AFTER) {
			send_start_to_missing(page);
			again = false;
		}
		if (arrived < smp.nr_calls)
			arch_delay_ns(WAIT_STEP);
	}
}

/* How many have got a number. */
static uint32_t __init number_arrived(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < smp.nr_calls; i++) {
		struct call *call = &smp.calls[i];

		if (atomic_load_acquire(&call->arrived)) {
			atomic_store_release(&call->cpu, ++n);
			continue;
		}
		pr_warn("the CPU with APIC id %u does not answer: left out\n", call->apic_id);
		lapic_send_init(call->apic_id);
		atomic_store_release(&call->cpu, NOT_WANTED);
	}
	return n;
}

/* They arrived and run our code: only a stop of the whole machine makes them late. */
static void __init await_ready(uint32_t n)
{
	if (n && must_compare_tsc()) {
		uint64_t flags = irq_save();

		atomic_store_release(&smp.tsc.begun, true); /* pairs with compare_tsc() */
		compare_tsc();
		irq_restore(flags);
	}
	while (atomic_load_acquire(&smp.nr_ready) < n)
		cpu_relax();
}

void __init smp_start(int (*prepare)(uint32_t cpu), void (*main)(uintptr_t stack_top))
{
	paddr_t page = memmap_start_page();
	uint32_t n;

	list_calls();
	if (smp.nr_calls && (!page || paging_map_start_page(page) < 0)) {
		pr_warn("no memory below 1 MiB to start other CPUs from: one CPU\n");
		return;
	}
	make_all_ready(prepare);
	if (smp.nr_calls) {
		smp.main = main;
		write_trampoline(page);
		call_all(page);
		n = number_arrived();
		await_ready(n);
		/* pairs with the acquire in smp_cpu_main() */
		atomic_store_release(&percpu_nr_cpus, 1 + n);
		paging_unmap_start_page(page);
	}
	if (nr_cpus() > 1)
		pr_info("%u CPUs\n", nr_cpus());
}

/* ---- the command line ---------------------------------------------------------------------- */

static int parse_nosmp(const char *value)
{
	smp.nr_wanted = 1;
	return 0;
}

static int parse_count(const char *value)
{
	int n;
	int err = cmdline_int(value, &n);

	if (err || n < 0)
		return -EINVAL;
	smp.nr_wanted = clamp((uint32_t)n, 1u, smp.nr_wanted);
	return 0;
}

/* Those beyond do not exist, not even as possible ones. */
static int parse_nr_cpus(const char *value)
{
	int err = parse_count(value);

	if (!err)
		acpi.nr_cpus = min(acpi.nr_cpus, smp.nr_wanted);
	return err;
}

/* As on Linux: reliable is not looked at, unstable is not used when there is another clock. */
static int parse_tsc(const char *value)
{
	if (!value)
		return -EINVAL;
	smp.tsc.is_trusted |= !strcmp(value, "reliable");
	smp.tsc.is_behind |= !strcmp(value, "unstable");
	return 0;
}

CMDLINE_PARAM("tsc", parse_tsc);
CMDLINE_PARAM("nosmp", parse_nosmp);
CMDLINE_PARAM("maxcpus", parse_count);
CMDLINE_PARAM("nr_cpus", parse_nr_cpus);

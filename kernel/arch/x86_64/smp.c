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
#include "arch/x86_64/tsc_check.h"
#include "core/cmdline.h"
#include "core/printk.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mem/memmap.h"
#include "mem/vmalloc.h"

#define INIT_PAUSE    (10 * NS_PER_USEC)
#define REPEAT_AFTER  (200 * NS_PER_USEC) /* the second start-up interrupt, for who needs one */
#define ANSWER_WITHIN NS_PER_SEC          /* after the last one that came */
#define PATIENCE      10                  /* times that where a busy host runs the CPUs */

enum { NOT_NUMBERED = 0, NOT_WANTED = MAX_CPUS };

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
} smp = { .nr_wanted = MAX_CPUS };

uint64_t smp_stack_tops[MAX_CPUS];
uint32_t smp_nr_stacks, smp_stacks_taken;

uint32_t smp_apic_id(uint32_t cpu)
{
	return irqchip_destination(cpu);
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
	tsc_check_other();
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
		uint32_t apic_id = acpi.apic_ids[i];

		if (apic_id == own)
			continue;
		if (lapic_can_reach(apic_id))
			smp.calls[smp.nr_calls++].apic_id = apic_id;
		else
			pr_warn("the CPU with APIC id %u is beyond reach without x2APIC: left out\n",
			        apic_id);
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

static ns_t __init ns_since(uint64_t start)
{
	uint64_t ticks = (arch_clock.read() - start) & arch_clock.mask;

	return (ns_t)(ticks * arch_clock.mult >> arch_clock.shift);
}

/* All are called; returns when all have come, or nobody came for a while. */
static void __init call_all(paddr_t page)
{
	uint32_t arrived = 0;
	bool is_repeated = false;

	for (uint32_t i = 0; i < smp.nr_calls; i++)
		lapic_send_init(smp.calls[i].apic_id);
	arch_delay_ns(INIT_PAUSE);
	send_start_to_missing(page);
	ns_t limit = cpu_has(CPU_HYPERVISOR) ? PATIENCE * ANSWER_WITHIN : ANSWER_WITHIN;
	uint64_t last = arch_clock.read();

	while (arrived < smp.nr_calls && ns_since(last) < limit) {
		uint32_t now = nr_arrived();

		if (now > arrived)
			last = arch_clock.read();
		arrived = now;
		if (!is_repeated && ns_since(last) >= REPEAT_AFTER) {
			send_start_to_missing(page);
			is_repeated = true;
		}
		cpu_relax();
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
	uint64_t flags = irq_save();

	tsc_check_first();
	irq_restore(flags);
	while (atomic_load_acquire(&smp.nr_ready) < n)
		cpu_relax();
}

/* The page is mapped while others may be in it. */
static void __init start_from(paddr_t page)
{
	uint32_t n;

	write_trampoline(page);
	call_all(page);
	n = number_arrived();
	await_ready(n);
	if (n)
		tlb_is_not_alone();
	/* pairs with the acquire in smp_cpu_main() */
	atomic_store_release(&percpu_nr_cpus, 1 + n);
}

void __init smp_start(int (*prepare)(uint32_t cpu), void (*main)(uintptr_t stack_top))
{
	paddr_t page = memmap_start_page();

	if (cpu_has(CPU_PCID))
		tlb_is_not_alone();
	list_calls();
	smp.main = main;
	make_all_ready(prepare);
	if (smp.nr_calls == 0)
		return;
	if (!page || paging_map_start_page(page) < 0) {
		pr_warn("no memory below 1 MiB to start other CPUs from: one CPU\n");
		return;
	}
	start_from(page);
	paging_unmap_start_page(page);
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
	if ((uint32_t)n < smp.nr_wanted)
		smp.nr_wanted = n ? (uint32_t)n : 1;
	return 0;
}

/* Those beyond do not exist, not even as possible ones. */
static int parse_nr_cpus(const char *value)
{
	int err = parse_count(value);

	if (!err && acpi.nr_cpus > smp.nr_wanted)
		acpi.nr_cpus = smp.nr_wanted;
	return err;
}

CMDLINE_PARAM("nosmp", parse_nosmp);
CMDLINE_PARAM("maxcpus", parse_count);
CMDLINE_PARAM("nr_cpus", parse_nr_cpus);

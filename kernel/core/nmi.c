/*
 * NMIs: questions of other CPUs, and the machine's complaints. See core/nmi.h.
 *
 * The handler runs with whatever locks the interrupted code holds, and must not fault: it reads the
 * stack that it interrupted, which is mapped, and writes to its own snapshot, which is static.
 *
 * A question is one word, `asked`, taken by exchange. Two NMIs sent while one is served arrive as
 * one, and one that comes after its question was answered already finds nothing: `sent` counts what
 * is on its way, so that neither is mistaken for the machine's.
 *
 * Locking: none. `is_asking` lets one CPU at a time ask for backtraces; whoever stops the others
 * does not ask anybody any more.
 */
#include "core/nmi.h"

#include <arch/irqchip.h>
#include <arch/nmi.h>
#include <arch/percpu.h>
#include <arch/trace.h>
#include <arch/upcalls.h>

#include "core/backtrace.h"
#include "core/cmdline.h"
#include "core/lockdep.h"
#include "core/panic.h"
#include "core/symbols.h"
#include "lib/atomic.h"
#include "lib/string.h"

enum question { NOTHING, WHERE, STOP };

enum { ANSWER_MS = 1000, INTERRUPT_MS = 100, QUICK_LOOKS = 1000 };

struct snapshot {
	uint32_t       asked __atomic;    /* enum question */
	uint32_t       answered __atomic; /* likewise */
	uint32_t       sent __atomic;     /* NMIs that may still arrive */
	bool           is_idle;           /* this and the rest: valid once answered */
	int            pid;
	char           name[16];
	size_t         nr;
	uint64_t       addresses[BACKTRACE_MAX];
	struct pt_regs regs;
};

static DEFINE_PER_CPU(struct snapshot, snapshot);
static DEFINE_PER_CPU(bool, nmi_active);
static bool is_asking __atomic;

int nmi_panic_on_unknown;

bool nmi_is_active(void)
{
	return this_cpu_read(nmi_active);
}

/* ---- the CPU that is asked ------------------------------------------------------------------- */

static void snapshot_take(struct snapshot *own, const struct pt_regs *regs)
{
	const char *name = "start-up";

	own->pid = 0;
	if (panic_hooks.thread_name)
		name = panic_hooks.thread_name(&own->pid);
	str_copy(own->name, name, sizeof(own->name));
	own->is_idle = regs_are_idle(regs);
	own->regs = *regs;
	own->nr = backtrace_collect(regs, own->addresses, BACKTRACE_MAX);
}

static void answer(struct snapshot *own, const struct pt_regs *regs, uint32_t asked)
{
	snapshot_take(own, regs);
	atomic_store_release(&own->answered, asked); /* pairs with has_answered() */
	if (asked == STOP)
		cpu_halt_forever();
}

/* Linux's words, arch/x86/kernel/nmi.c. */
static void complain(struct pt_regs *regs)
{
	uint8_t reason = nmi_take_reason();
	uint32_t cpu = cpu_id();

	if (reason & NMI_REASON_MEMORY)
		pr_emerg("NMI: PCI system error (SERR) for reason %02x on CPU %u.\n", reason, cpu);
	else if (reason & NMI_REASON_BUS)
		pr_emerg("NMI: IOCK error (debug interrupt?) for reason %02x on CPU %u.\n", reason,
		         cpu);
	else
		pr_emerg("Uhhuh. NMI received for unknown reason %02x on CPU %u.\n", reason, cpu);
	if (nmi_panic_on_unknown)
		panic_regs(regs, "NMI: Not continuing");
	pr_emerg("Dazed and confused, but trying to continue\n");
}

void upcall_nmi(struct pt_regs *regs)
{
	struct snapshot *own = this_cpu_ptr(snapshot);
	uint32_t asked;

	this_cpu_write(nmi_active, true);
	asked = atomic_xchg(&own->asked, NOTHING);
	if (asked) {
		atomic_dec(&own->sent);
		answer(own, regs, asked);
	} else if (atomic_load(&own->sent)) {
		atomic_store(&own->sent, 0);
	} else {
		complain(regs);
		irqchip_ipi_self(VECTOR_IPI_WAKE); /* to bring what was said into the log */
	}
	this_cpu_write(nmi_active, false);
}

void upcall_ipi_stop(struct pt_regs *regs)
{
	answer(this_cpu_ptr(snapshot), regs, STOP);
	cpu_halt_forever();
}

/* ---- the CPU that asks ----------------------------------------------------------------------- */

static void ask(uint32_t cpu, uint32_t question)
{
	struct snapshot *its = per_cpu_ptr(snapshot, cpu);

	atomic_store(&its->answered, NOTHING);
	atomic_inc(&its->sent);
	atomic_store(&its->asked, question);
	nmi_send(cpu);
}

static bool has_answered(uint32_t cpu, uint32_t question)
{
	/* pairs with the release in answer() */
	return atomic_load_acquire(&per_cpu_ptr(snapshot, cpu)->answered) == question;
}

/* Counts down *ms, so that the bound is one for all CPUs that are waited for. */
static bool wait_answer(uint32_t cpu, uint32_t question, unsigned int *ms)
{
	for (int i = 0; i < QUICK_LOOKS && !has_answered(cpu, question); i++)
		cpu_relax();
	while (!has_answered(cpu, question) && *ms && panic_hooks.delay_ms) {
		panic_hooks.delay_ms(1);
		--*ms;
	}
	return has_answered(cpu, question);
}

static void snapshot_print(enum log_level level, uint32_t cpu)
{
	const struct snapshot *its = per_cpu_ptr(snapshot, cpu);
	char where[160];

	if (its->is_idle) {
		symbol_format(its->regs.rip, false, where, sizeof(where));
		log_printf(level, "NMI backtrace for cpu %u skipped: idling at %s\n", cpu, where);
		return;
	}
	log_printf(level, "NMI backtrace for cpu %u\n", cpu);
	log_printf(level, "CPU: %u PID: %d Comm: %s\n", cpu, its->pid, its->name);
	regs_print(level, &its->regs);
	if (its->nr)
		backtrace_print_addresses(level, its->addresses, its->nr, true);
}

static bool backtrace_print_of(enum log_level level, uint32_t cpu, unsigned int *ms)
{
	if (!wait_answer(cpu, WHERE, ms)) {
		log_printf(level, "NMI backtrace for cpu %u: no answer\n", cpu);
		return false;
	}
	snapshot_print(level, cpu);
	return true;
}

bool cpu_backtrace_print(enum log_level level, uint32_t cpu)
{
	unsigned int ms = ANSWER_MS;
	bool is_told;

	if (atomic_xchg(&is_asking, true))
		return false;
	ask(cpu, WHERE);
	is_told = backtrace_print_of(level, cpu, &ms);
	atomic_store(&is_asking, false);
	return is_told;
}

bool cpu_is_answering(uint32_t cpu)
{
	unsigned int ms = ANSWER_MS;
	bool has;

	if (atomic_xchg(&is_asking, true))
		return false;
	ask(cpu, WHERE);
	has = wait_answer(cpu, WHERE, &ms);
	atomic_store(&is_asking, false);
	return has;
}

/* An interrupt's handler says less than what it interrupted. */
static void own_print(enum log_level level)
{
	const struct pt_regs *regs = trap_regs_interrupted();

	log_printf(level, "NMI backtrace for cpu %u\n", cpu_id());
	print_where(level);
	if (regs)
		regs_print(level, regs);
	if (regs)
		backtrace_print_regs(level, regs);
	else
		backtrace_print(level);
}

bool cpus_backtrace_print(enum log_level level)
{
	unsigned int ms = ANSWER_MS;
	uint32_t me = cpu_id();

	if (atomic_xchg(&is_asking, true))
		return false;
	if (nr_cpus() > 1)
		log_printf(level, "Sending NMI from CPU %u to the %u others:\n", me, nr_cpus() - 1);
	for_each_cpu(cpu) {
		if (cpu != me)
			ask(cpu, WHERE);
	}
	own_print(level);
	for_each_cpu(cpu) {
		if (cpu != me)
			backtrace_print_of(level, cpu, &ms);
	}
	atomic_store(&is_asking, false);
	return true;
}

void cpus_stop(void)
{
	unsigned int ms = ANSWER_MS, more_ms = INTERRUPT_MS;
	uint32_t me = cpu_id();

	for_each_cpu(cpu) {
		if (cpu != me)
			ask(cpu, STOP);
	}
	for_each_cpu(cpu) {
		if (cpu != me && !wait_answer(cpu, STOP, &ms))
			irqchip_ipi(cpu, VECTOR_IPI_STOP);
	}
	for_each_cpu(cpu) {
		if (cpu != me)
			(void)wait_answer(cpu, STOP, &more_ms);
	}
}

void cpus_stopped_print(void)
{
	for_each_cpu(cpu) {
		if (cpu == cpu_id())
			continue;
		if (!has_answered(cpu, STOP)) {
			pr_emerg("CPU %u did not answer and may still be running\n", cpu);
			continue;
		}
		snapshot_print(LOG_EMERG, cpu);
		lockdep_print_held(cpu);
	}
}

static int parse_unknown_nmi_panic(const char *value)
{
	nmi_panic_on_unknown = 1;
	return 0;
}

CMDLINE_PARAM("unknown_nmi_panic", parse_unknown_nmi_panic);

/*
 * The latest system calls, for the last words of a panic.
 *
 * Every kernel knows the call that each CPU is in: its number and arguments stand at the top of the
 * thread's stack. The debug kernel's entry code also records each call in a short ring of its CPU;
 * the normal one does not, for that would cost every call a tenth of its instructions.
 *
 * A ring is written by its CPU alone and read when all have stopped.
 */
#include <arch/percpu.h>
#include <arch/thread.h>
#include <arch/upcalls.h>

#include "core/panic.h"
#include "core/printk.h"
#include "lib/printf.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "syscall/trace.h"

enum { RING = 16, ARGS = 6 };

struct call {
	ns_t     time_ns;
	pid_t    tid;
	uint32_t nr;
	long     args[ARGS];
};

struct call_ring {
	uint32_t    next __owned_by_cpu; /* ever recorded */
	struct call calls[RING] __owned_by_cpu;
};

static DEFINE_PER_CPU(struct call_ring, call_ring);

void upcall_syscall_record(const struct pt_regs *regs)
{
	uint64_t flags = irq_save(); /* so that no other thread gets in between */
	struct call_ring *ring = this_cpu_ptr(call_ring);
	struct call *call = &ring->calls[ring->next++ % RING];

	call->time_ns = clock_monotonic();
	call->tid = task_tid(task_current());
	call->nr = (uint32_t)arch_syscall_nr(regs);
	arch_syscall_args(regs, call->args);
	irq_restore(flags);
}

static void print_call(uint32_t cpu, pid_t tid, uint32_t nr, const long args[ARGS])
{
	const char *name = trace_call_name(nr);
	unsigned int nr_args = trace_call_args(nr);
	char text[160];
	int used = 0;

	for (unsigned int i = 0; i < nr_args; i++)
		used += scnprintf(text + used, sizeof(text) - (size_t)used, "%s%#lx", i ? ", " : "",
		                  args[i]);
	pr_emerg(" CPU %u: [%d] %s(%.*s)%s\n", cpu, tid, name ? name : "?", used, text,
	         name ? "" : " unknown");
}

static void print_recorded(uint32_t cpu)
{
	const struct call_ring *ring = per_cpu_ptr(call_ring, cpu);
	uint32_t nr = ring->next < RING ? ring->next : RING;

	for (uint32_t i = ring->next - nr; i != ring->next; i++) {
		const struct call *call = &ring->calls[i % RING];

		print_call(cpu, call->tid, call->nr, call->args);
	}
}

/* The call that the CPU's thread is in; nothing if it is in none. */
static void print_current(uint32_t cpu)
{
	struct arch_thread *current = *per_cpu_ptr(current_thread, cpu);
	struct thread *thread = (struct thread *)(void *)current;
	const struct pt_regs *regs;
	long args[ARGS];

	if (!thread || !thread_is_task(thread))
		return;
	regs = arch_user_regs(current->stack_top);
	if (arch_syscall_nr(regs) < 0)
		return;
	arch_syscall_args(regs, args);
	print_call(cpu, task_tid(thread_to_task(thread)), (uint32_t)arch_syscall_nr(regs), args);
}

static void print_calls(void)
{
	pr_emerg("System calls:\n");
	for_each_cpu(cpu) {
		if (DEBUG)
			print_recorded(cpu);
		else
			print_current(cpu);
	}
}

void syscall_record_init(void)
{
	panic_hooks.print_calls = print_calls;
}

/*
 * Bringing the scheduler up, one CPU at a time, what arch calls in it, and machine-wide figures.
 *
 * Order at start: sched_init() makes the running code the boot CPU's first thread (on its boot
 * stack) and builds its idle thread; clock_init() and timers may follow in any order; from then on
 * threads may be created and the caller may sleep. A secondary CPU, on its own boot stack with
 * per-CPU data set up, calls sched_init_cpu() once and then sched_idle(), which never returns: the
 * boot stack becomes its idle thread's.
 */
#pragma once

#include "lib/types.h"

struct arch_mmu;
struct thread;

/* Boot CPU, on the stack that ends at boot_stack_top. After mem/ works, before anything sleeps. */
void sched_init(uintptr_t boot_stack_top);

/* Prepares the run queue, timers, RCU and idle thread of a CPU; called on the boot CPU. -ENOMEM. */
__must_check int sched_prepare_cpu(uint32_t cpu);
/* On the secondary CPU itself: its boot code is its idle thread from now on. */
void sched_init_cpu(uintptr_t stack_top);
/*
 * The idle loop of the calling CPU; never returns. On the boot CPU: ends the thread of the start-up
 * code.
 */
__noreturn void sched_idle(void);

/*
 * This floor's part of upcall_exit_to_user(): clears TF_SCHED_WORK, runs deferred work, lets others
 * run if somebody should; true if so. Interrupts on; may sleep.
 */
bool sched_exit_work(void);

/* True while a CPU runs it: nobody else may look at its stack. Any context. */
bool thread_is_on_cpu(const struct thread *thread);

/*
 * The threads that run in the space now get TF_NOTIFY, on whatever CPUs. They see it when they come
 * by on their way to user mode: mmu_barrier() makes them.
 */
void sched_notify_running(const struct arch_mmu *mmu);

/* Nanoseconds that a CPU spent in each kind, for /proc/stat. Sampled, except idle. */
struct cpu_times {
	uint64_t user_ns, nice_ns, system_ns, idle_ns;
};
void sched_cpu_times(uint32_t cpu, struct cpu_times *out);

/* Runnable threads now; switches since start; threads ever started. */
uint32_t sched_nr_runnable(void);
uint64_t sched_nr_switches(void);
/* Threads in a sleep that no signal ends, or only a fatal one. */
int64_t sched_nr_uninterruptible(void);
uint64_t sched_nr_started(void);

/* 1, 5 and 15 minute averages, fixed point with 11 bits of fraction, as in /proc/loadavg. */
void sched_loadavg(uint64_t load[3]);

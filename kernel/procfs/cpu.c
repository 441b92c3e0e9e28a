/*
 * The CPUs and what they did: cpuinfo, stat, loadavg, uptime (proc(5)); sets of CPUs as
 * text (cpu_list.h).
 */
#include <linux/errno.h>

#include "arch/acpi.h"
#include "arch/cpu.h"
#include "arch/percpu.h"
#include "arch/smp.h"
#include "arch/timer.h"
#include "core/irq.h"
#include "id/pid.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "procfs/cpu_list.h"
#include "procfs/root.h"
#include "sched/clock.h"
#include "sched/sched.h"
#include "sched/thread.h"

#define TICK_NS ((uint64_t)NS_PER_SEC / 100) /* of sysconf(_SC_CLK_TCK) */

/* ---- sets ---------------------------------------------------------------------------------- */

static uint64_t first_cpus(uint32_t n)
{
	return n < 64 ? (1ul << n) - 1 : ~0ul;
}

uint64_t cpus_online(void)
{
	return first_cpus(nr_cpus());
}

uint64_t cpus_possible(void)
{
	return first_cpus(max(nr_cpus(), acpi.nr_cpus));
}

void text_put_cpu_mask(struct text *text, uint64_t cpus)
{
	int digits = (int)(bit_count(cpus_possible()) + 3) / 4;

	if (digits > 8)
		text_printf(text, "%0*lx,%08lx", digits - 8, cpus >> 32, cpus & 0xffffffff);
	else
		text_printf(text, "%0*lx", digits, cpus);
}

void text_put_cpu_list(struct text *text, uint64_t cpus)
{
	const char *comma = "";

	for (unsigned int cpu = 0; cpu < 64; cpu++) {
		unsigned int last = cpu;

		if (!(cpus >> cpu & 1))
			continue;
		while (last < 63 && cpus >> (last + 1) & 1)
			last++;
		text_printf(text, last > cpu ? "%s%u-%u" : "%s%u", comma, cpu, last);
		comma = ",";
		cpu = last;
	}
}

/* ---- cpuinfo ------------------------------------------------------------------------------- */

enum { FLAGS_SIZE = 2048 };

static void put_speed(struct text *text)
{
	uint64_t khz = arch_clock.is_tsc ? arch_clock.frequency_hz / 1000 : 0;

	if (khz)
		text_printf(text, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
}

static void put_bogomips(struct text *text)
{
	uint64_t khz = arch_clock.is_tsc ? arch_clock.frequency_hz / 1000 : 0;

	text_printf(text, "bogomips\t: %lu.%02lu\n", khz / 500, khz / 5 % 100);
}

static void put_cpu(struct text *text, uint32_t cpu, const char *flags)
{
	const struct cpu_identity *id = &cpu_identity;
	const uint32_t apic = smp_apic_id(cpu);

	text_printf(text, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\n", cpu, id->vendor,
	            id->family);
	text_printf(text, "model\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", id->model,
	            id->model_name[0] ? id->model_name : "unknown", id->stepping);
	put_speed(text);
	if (id->cache_kb)
		text_printf(text, "cache size\t: %u KB\n", id->cache_kb);
	text_printf(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
	            nr_cpus(), cpu, nr_cpus());
	text_printf(text, "apicid\t\t: %u\ninitial apicid\t: %u\n", apic, apic);
	text_printf(text, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
	            id->cpuid_level);
	text_printf(text, "flags\t\t: %s\nbugs\t\t:\n", flags);
	put_bogomips(text);
	text_printf(text, "clflush size\t: %u\ncache_alignment\t: %u\n", id->clflush_size,
	            id->clflush_size);
	text_printf(text, "address sizes\t: %u bits physical, %u bits virtual\n", id->phys_bits,
	            id->virt_bits);
	text_puts(text, "power management:\n\n");
}

int show_cpuinfo(const struct node *node, struct text *text)
{
	char *flags = kmalloc(FLAGS_SIZE, ALLOC_KERNEL);

	if (!flags)
		return -ENOMEM;
	cpu_flags_string(flags, FLAGS_SIZE);
	for_each_cpu(cpu)
		put_cpu(text, cpu, flags);
	kfree(flags);
	return 0;
}

/* ---- stat ---------------------------------------------------------------------------------- */

static void put_times(struct text *text, const struct cpu_times *times)
{
	text_printf(text, " %lu %lu %lu %lu 0 0 0 0 0 0\n", times->user_ns / TICK_NS,
	            times->nice_ns / TICK_NS, times->system_ns / TICK_NS,
	            times->idle_ns / TICK_NS);
}

static void sum_times(struct cpu_times *sum)
{
	*sum = (struct cpu_times){ 0 };
	for_each_cpu(cpu) {
		struct cpu_times times;

		sched_cpu_times(cpu, &times);
		sum->user_ns += times.user_ns;
		sum->nice_ns += times.nice_ns;
		sum->system_ns += times.system_ns;
		sum->idle_ns += times.idle_ns;
	}
}

int show_stat(const struct node *node, struct text *text)
{
	struct cpu_times times;

	sum_times(&times);
	text_puts(text, "cpu ");
	put_times(text, &times);
	for_each_cpu(cpu) {
		sched_cpu_times(cpu, &times);
		text_printf(text, "cpu%u", cpu);
		put_times(text, &times);
	}
	text_printf(text, "intr %lu\nctxt %lu\nbtime %lld\nprocesses %lu\n", irq_total(),
	            sched_nr_switches(), clock_realtime_offset() / NS_PER_SEC, sched_nr_started());
	text_printf(text, "procs_running %u\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
	            sched_nr_runnable());
	return 0;
}

int show_loadavg(const struct node *node, struct text *text)
{
	uint64_t loads[3];

	sched_loadavg(loads);
	for (int i = 0; i < 3; i++) {
		uint64_t load = loads[i] + 2048 / 200;

		text_printf(text, "%lu.%02lu ", load >> 11, (load & 2047) * 100 >> 11);
	}
	text_printf(text, "%u/%ld %d\n", sched_nr_runnable(), thread_count(), pid_last());
	return 0;
}

int show_uptime(const struct node *node, struct text *text)
{
	const uint64_t second = NS_PER_SEC, up = (uint64_t)clock_boottime();
	struct cpu_times times;

	sum_times(&times);
	text_printf(text, "%lu.%02lu %lu.%02lu\n", up / second, up / TICK_NS % 100,
	            times.idle_ns / second, times.idle_ns / TICK_NS % 100);
	return 0;
}

/*
 * The processor: interrupts on and off, waiting, features, cycle counter, identity.
 *
 * Interrupts: irq_save() pairs with irq_restore(); they nest. irq_disable() and irq_enable() are
 * for code that knows the state it starts from. Nothing here sleeps or takes locks.
 */
#pragma once

#include "lib/types.h"

#define MAX_CPUS        64
#define CACHE_LINE_SIZE 64

enum cpu_feature {
	CPU_NX, CPU_SMEP, CPU_SMAP, CPU_UMIP, CPU_PAGE_1G, CPU_PGE, CPU_PAT, CPU_FSGSBASE,
	CPU_XSAVE, CPU_XSAVEOPT, CPU_AVX, CPU_AVX512, CPU_FSRM, CPU_ERMS, CPU_RDRAND, CPU_RDSEED,
	CPU_RDTSCP, CPU_RDPID, CPU_TSC_INVARIANT, CPU_TSC_DEADLINE, CPU_X2APIC, CPU_PCID,
	CPU_INVPCID, CPU_HYPERVISOR, CPU_EMULATOR, CPU_NEEDS_PTI, CPU_FEATURES,
};

/* What /proc/cpuinfo shows; filled in for the calling CPU by cpu_init(). */
struct cpu_identity {
	char     vendor[13];
	char     model_name[49];
	uint32_t family, model, stepping;
	uint32_t phys_bits, virt_bits;
	uint32_t cache_kb, clflush_size;
	uint32_t apic_id;
	uint32_t cpuid_level;
	/* raw CPUID words */
	uint32_t features_1d, features_1c, features_7b, features_7c, features_7d;
	uint32_t features_81d, features_81c, features_xsave;
};

/* Reads CPUID of the calling CPU; sets control registers (WP, SMEP, SMAP, UMIP, NX, PGE, PAT). */
void cpu_init(void);

/* The boot CPU's identity; the others are assumed alike. Valid after cpu_init(). */
extern struct cpu_identity cpu_identity;
extern uint64_t cpu_feature_bits __const_after_init;

/* Linux's flag names of the features present, separated by blanks, as in /proc/cpuinfo's "flags".
 * Writes at most size bytes with the final 0; returns the length that it had wanted. */
size_t cpu_flags_string(char *buffer, size_t size);

/* What to say of a known fault of processors by its name in sysfs, such as "meltdown". */
const char *cpu_bug_state(const char *name);

/* AT_HWCAP: CPUID 1 EDX. AT_HWCAP2: bit 1 when user code may use FSGSBASE instructions. */
uint64_t cpu_hwcap(void);
uint64_t cpu_hwcap2(void);

/* Whether the CPUs have it and the kernel has turned it on. */
static inline bool cpu_has(enum cpu_feature feature)
{
	return cpu_feature_bits >> feature & 1;
}

/* One random word of the CPU's generator (RDSEED, else RDRAND); false when there is none. */
bool cpu_random(uint64_t *word);

#define EFLAGS_IF (1ul << 9)

static inline bool irqs_enabled(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags & EFLAGS_IF;
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Turns interrupts off; the result is for irq_restore(). */
static inline uint64_t irq_save(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_restore(uint64_t flags)
{
	if (flags & EFLAGS_IF)
		irq_enable();
}

/* In the body of a loop that waits for another CPU. */
static inline void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* Calls spin_wait(lock) of core/spinlock.h and loses no register: nothing but the jump. */
static inline void arch_spin_wait(void *lock)
{
	__asm__ volatile("call arch_spin_wait_entry" : : "D"(lock) : "memory", "cc");
}

/*
 * Waits for an interrupt. Called with interrupts off, after the caller found nothing to do; an
 * interrupt that is already pending ends the wait at once, so no wake-up is lost. Returns with
 * interrupts on, the handler having run.
 */
static inline void cpu_idle_wait(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}

/* Counts at a steady rate only where CPU_TSC_INVARIANT; not ordered with other instructions. */
static inline uint64_t cpu_cycles(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* The same, read after all that stands before it, by a CPU that may look ahead. */
static inline uint64_t cpu_cycles_ordered(void)
{
	__asm__ volatile("lfence" : : : "memory");
	return cpu_cycles();
}

/* Stops this CPU for good. */
__noreturn void cpu_halt_forever(void);

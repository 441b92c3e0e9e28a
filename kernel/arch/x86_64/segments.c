/*
 * Segment descriptors and task state, one set a CPU. The order of the user descriptors is dictated
 * by sysret (32-bit code, data, 64-bit code), the selectors' numbers by Linux.
 */
#include "arch/x86_64/segments.h"

#include <arch/cpu.h>
#include <arch/percpu.h>

#include "arch/x86_64/entry.h"
#include "arch/x86_64/regs.h"

enum { GDT_ENTRIES = 16 };

struct task_state {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_map_offset;
} __packed __aligned(8);

struct descriptor_pointer {
	uint16_t limit;
	uint64_t base;
} __packed;

static DEFINE_PER_CPU(struct task_state, task_state);
static __section(".percpu") uint64_t gdt[GDT_ENTRIES] = {
	[KERNEL_CS >> 3] = 0x00af9b000000ffff,
	[KERNEL_DS >> 3] = 0x00cf93000000ffff,
	[USER32_CS >> 3] = 0x00cffb000000ffff,
	[USER_DS >> 3]   = 0x00cff3000000ffff,
	[USER_CS >> 3]   = 0x00affb000000ffff,
	[CPU_SELECTOR >> 3] = 0x0040f10000000000, /* of bytes, read-only; the limit is added */
};
static DEFINE_PER_CPU(struct cpu_stacks *, cpu_stacks);

DEFINE_PER_CPU(uint64_t, cpu_kernel_sp);
DEFINE_PER_CPU(uint64_t, cpu_user_sp);
DEFINE_PER_CPU(uint64_t, cpu_irq_stack_top);

static void write_task_descriptor(uint64_t *slot, const struct task_state *state)
{
	uint64_t base = (uint64_t)state, limit = sizeof(*state) - 1;

	slot[0] = limit | (base & 0xffffff) << 16 | 0x89ul << 40 | (base >> 24 & 0xff) << 56;
	slot[1] = base >> 32;
}

/* User code learns its CPU by the segment's limit, or by rdtscp and rdpid. */
static void tell_cpu_number(uint64_t *table)
{
	table[CPU_SELECTOR >> 3] |= cpu_id();
	if (cpu_has(CPU_RDTSCP) || cpu_has(CPU_RDPID))
		msr_write(MSR_TSC_AUX, cpu_id());
}

static void load_segments(const uint64_t *table)
{
	struct descriptor_pointer pointer = { GDT_ENTRIES * 8 - 1, (uint64_t)table };

	__asm__ volatile("lgdt %0" : : "m"(pointer));
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
		: : "i"(KERNEL_CS) : "rax", "memory");
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs"
		: : "r"(KERNEL_DS), "r"(0));
	__asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
}

void segments_init_cpu(struct cpu_stacks *stacks)
{
	uint64_t delta = msr_read(MSR_GS_BASE);
	struct task_state *state = this_cpu_ptr(task_state);
	uint64_t *table = *this_cpu_ptr(gdt);

	for (int i = 0; i < IST_COUNT - 1; i++) {
		uint64_t *top = (uint64_t *)(stacks->ist[i] + IST_STACK_SIZE - 16);

		*top = delta; /* paranoid_entry reads it */
		state->ist[i] = (uint64_t)top;
	}
	state->io_map_offset = sizeof(*state);
	this_cpu_write(cpu_irq_stack_top, (uint64_t)stacks->irq + IRQ_STACK_SIZE);
	this_cpu_write(cpu_stacks, stacks);
	write_task_descriptor(&table[TSS_SELECTOR >> 3], state);
	tell_cpu_number(table);
	load_segments(table);
	msr_write(MSR_GS_BASE, delta); /* loading the selector cleared it */
}

void segments_set_kernel_stack(uint64_t stack_top)
{
	this_cpu_write(cpu_kernel_sp, stack_top);
	this_cpu_ptr(task_state)->rsp[0] = stack_top;
}

bool segments_find_stack(uint64_t address, uint64_t *end)
{
	struct cpu_stacks *stacks = this_cpu_read(cpu_stacks);
	uint64_t offset = address - (uint64_t)stacks;

	if (!stacks || offset >= sizeof(*stacks))
		return false;
	if (offset >= sizeof(stacks->ist))
		*end = (uint64_t)(stacks + 1);
	else
		*end = (uint64_t)stacks->ist[offset / IST_STACK_SIZE + 1];
	return true;
}

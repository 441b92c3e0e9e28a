/*
 * The local APIC: enabling it, end of interrupt, inter-processor interrupts.
 */
#include "arch/x86_64/lapic.h"

#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/irqchip.h>
#include <arch/percpu.h>

#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/tlb.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"

enum {
	APIC_BASE_ENABLE = 1 << 11, APIC_BASE_X2 = 1 << 10, SPURIOUS_ENABLE = 1 << 8,
	ICR_PENDING = 1 << 12, ICR_ASSERT = 1 << 14, ICR_SELF = 1 << 18, ICR_NMI = 4 << 8,
	ICR_INIT = 5 << 8, ICR_START = 6 << 8, LINT_NMI = 4 << 8, MSR_X2APIC = 0x800,
	LVT_WITH_PERFORMANCE = 4 /* the last entry of those that have that one */, XAPIC_ALL = 255,
};

static struct {
	volatile uint8_t *base;
	bool x2;
	bool x2_is_wanted;   /* x2apic_phys */
	bool x2_is_unwanted; /* nox2apic */
} lapic __ro_after_init;

static DEFINE_PER_CPU(uint32_t, lapic_id);

uint32_t lapic_read(enum lapic_register reg)
{
	if (lapic.x2)
		return (uint32_t)msr_read(MSR_X2APIC + reg / 16);
	return mmio_read32(lapic.base + reg);
}

void lapic_write(enum lapic_register reg, uint32_t value)
{
	if (lapic.x2)
		msr_write(MSR_X2APIC + reg / 16, value);
	else
		mmio_write32(lapic.base + reg, value);
}

uint32_t lapic_enable(void)
{
	uint64_t base = msr_read(MSR_APIC_BASE);

	/* In two steps: from off there is no way straight to x2APIC. */
	if (!(base & APIC_BASE_ENABLE))
		msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	if (lapic.x2)
		msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2);
	return lapic.x2 ? lapic_read(LAPIC_ID) : lapic_read(LAPIC_ID) >> 24;
}

void lapic_init_cpu(void)
{
	this_cpu_write(lapic_id, lapic_enable());
	lapic_write(LAPIC_TASK_PRIORITY, 0);
	lapic_write(LAPIC_TIMER, LAPIC_MASKED);
	lapic_write(LAPIC_LINT0, LAPIC_MASKED);
	/* the machine tells the boot CPU; the others would only say the same */
	lapic_write(LAPIC_LINT1, cpu_id() == 0 ? LINT_NMI : LAPIC_MASKED);
	if ((lapic_read(LAPIC_VERSION) >> 16 & 255) >= LVT_WITH_PERFORMANCE)
		lapic_write(LAPIC_PERFORMANCE, LAPIC_MASKED);
	lapic_write(LAPIC_ERROR, VECTOR_ERROR);
	lapic_write(LAPIC_ERROR_STATUS, 0);
	lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_EOI, 0);
}

/*
 * x2APIC in a virtual machine too: there is no interrupt remapping to wait for, and a write to an
 * MSR is one exit where the mapped register takes several.
 */
static bool wants_x2(void)
{
	return msr_read(MSR_APIC_BASE) & APIC_BASE_X2 ||
	       (cpu_has(CPU_X2APIC) && (cpu_has(CPU_HYPERVISOR) || lapic.x2_is_wanted) &&
	        !lapic.x2_is_unwanted);
}

bool lapic_can_reach(uint32_t apic_id)
{
	return lapic.x2 || apic_id < XAPIC_ALL;
}

void lapic_init(void)
{
	volatile void *base;

	lapic.x2 = wants_x2();
	if (!lapic.x2) {
		if (mmio_map(acpi.lapic_paddr, PAGE_SIZE, MMIO_UNCACHED, &base) < 0)
			panic("no memory to map the local APIC");
		lapic.base = base;
	}
	lapic_init_cpu();
	if (lapic.x2)
		pr_info("apic: x2APIC\n");
}

void irqchip_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

uint32_t irqchip_destination(uint32_t cpu)
{
	return *per_cpu_ptr(lapic_id, cpu);
}

static void send(uint32_t apic_id, uint32_t command)
{
	uint64_t flags = irq_save();

	if (lapic.x2) {
		/* Unlike the mapped register, this write does not wait for stores before it. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		msr_write(MSR_X2APIC + LAPIC_ICR / 16,
		          (uint64_t)apic_id << 32 | ICR_ASSERT | command);
	} else {
		while (lapic_read(LAPIC_ICR) & ICR_PENDING)
			cpu_relax();
		lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
		lapic_write(LAPIC_ICR, ICR_ASSERT | command);
	}
	irq_restore(flags);
}

void lapic_send_init(uint32_t apic_id)
{
	send(apic_id, ICR_INIT);
}

void lapic_send_start(uint32_t apic_id, paddr_t page)
{
	send(apic_id, ICR_START | (uint32_t)(page >> PAGE_SHIFT));
}

void lapic_send_nmi(uint32_t apic_id)
{
	send(apic_id, ICR_NMI);
}

void irqchip_ipi(uint32_t cpu, uint8_t vector)
{
	send(irqchip_destination(cpu), vector);
}

/* Leaves the destination alone, which the code that an NMI interrupts has perhaps just written. */
void irqchip_ipi_self(uint8_t vector)
{
	if (lapic.x2) {
		msr_write(MSR_X2APIC + LAPIC_ICR / 16, ICR_ASSERT | ICR_SELF | vector);
	} else {
		while (lapic_read(LAPIC_ICR) & ICR_PENDING)
			cpu_relax();
		lapic_write(LAPIC_ICR, ICR_ASSERT | ICR_SELF | vector);
	}
}

void irqchip_ipi_others(uint8_t vector)
{
	for_each_cpu(cpu) {
		if (cpu != cpu_id())
			irqchip_ipi(cpu, vector);
	}
}

void interrupt_handle_internal(uint64_t vector)
{
	switch (vector) {
	case VECTOR_IPI_FLUSH:
		tlb_flush_interrupt();
		irqchip_eoi();
		return;
	default:
		lapic_write(LAPIC_ERROR_STATUS, 0);
		pr_warn_ratelimited("local APIC error %#x\n", lapic_read(LAPIC_ERROR_STATUS));
		irqchip_eoi();
	}
}

/* On hardware, where Linux wants it only with interrupt remapping, unless it is told this. */
static int parse_x2apic_phys(const char *value)
{
	lapic.x2_is_wanted = true;
	return 0;
}

/* As on Linux; not heeded where the firmware has turned it on: there may be no way back. */
static int parse_nox2apic(const char *value)
{
	lapic.x2_is_unwanted = true;
	return 0;
}

CMDLINE_EARLY("x2apic_phys", parse_x2apic_phys);
CMDLINE_EARLY("nox2apic", parse_nox2apic);

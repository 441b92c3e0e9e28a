/*
 * Which space each CPU runs in, and getting rid of old translations.
 *
 * A flush raises the space's generation, flushes here, and interrupts the CPUs in its mask; each of
 * them flushes and notes the generation that it has seen. The flush returns when all have, or have
 * left the space (which flushes by itself: CR3 is written). The same goes for the kernel's half,
 * where all CPUs are concerned.
 */
#include <arch/mmu.h>

#include <arch/cpu.h>
#include <arch/irqchip.h>
#include <arch/percpu.h>

#include "arch/x86_64/regs.h"
#include "arch/x86_64/tables.h"
#include "arch/x86_64/tlb.h"
#include "lib/atomic.h"
#include "lib/bits.h"

enum { MANY_PAGES = 33 }; /* from so many on, flushing everything is cheaper */

struct tlb_state {
	struct arch_mmu *mmu __atomic;         /* active here; NULL: the kernel's own */
	uint64_t         seen __atomic;        /* its generation at the last flush */
	uint64_t         kernel_seen __atomic; /* that of the kernel's half */
};

static DEFINE_PER_CPU(struct tlb_state, tlb_state);
static uint64_t kernel_generation __atomic;

static void invalidate_page(uint64_t addr)
{
	__asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

static void invalidate_all(void)
{
	cr3_write(cr3_read());
}

static void invalidate_global(void)
{
	uint64_t flags = irq_save(), cr4 = cr4_read();

	if (cr4 & CR4_PGE) {
		cr4_write(cr4 & ~CR4_PGE);
		cr4_write(cr4);
	} else {
		invalidate_all();
	}
	irq_restore(flags);
}

/* ---- the active space ---------------------------------------------------------------------- */

struct arch_mmu *mmu_active(void)
{
	return this_cpu_ptr(tlb_state)->mmu;
}

void mmu_activate(struct arch_mmu *mmu)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);
	struct arch_mmu *old = state->mmu;

	if (old == mmu)
		return;
	if (mmu) {
		/* In the mask before the generation is read: a flush in between finds us. */
		atomic_or(&mmu->cpus, BIT(cpu_id()));
		atomic_store(&state->seen, atomic_load(&mmu->generation));
	}
	atomic_store(&state->mmu, mmu);
	cr3_write(mmu ? mmu->root : kernel_root);
	if (old)
		atomic_and(&old->cpus, ~BIT(cpu_id()));
}

void mmu_deactivate(struct arch_mmu *mmu)
{
	uint64_t flags = irq_save();

	if (mmu_active() == mmu)
		mmu_activate(NULL);
	irq_restore(flags);
}

/* ---- other CPUs ---------------------------------------------------------------------------- */

void tlb_flush_interrupt(void)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);
	struct arch_mmu *mmu = state->mmu;
	uint64_t kernel_now = atomic_load(&kernel_generation);
	uint64_t now = mmu ? atomic_load(&mmu->generation) : 0;

	if (mmu && atomic_load_relaxed(&mmu->is_dying))
		mmu_activate(NULL);
	if (atomic_load_relaxed(&state->kernel_seen) != kernel_now)
		invalidate_global();
	else
		invalidate_all();
	/* Pairs with the acquire in is_behind(). */
	atomic_store_release(&state->kernel_seen, kernel_now);
	atomic_store_release(&state->seen, now);
}

static bool is_behind(uint32_t cpu, struct arch_mmu *mmu, uint64_t generation)
{
	struct tlb_state *state = per_cpu_ptr(tlb_state, cpu);

	if (!mmu)
		return atomic_load_acquire(&state->kernel_seen) < generation;
	return atomic_load_acquire(&state->mmu) == mmu &&
	       atomic_load_acquire(&state->seen) < generation;
}

/* mmu NULL: the kernel's half. Returns when no CPU in the mask is behind the generation. */
static void flush_others(struct arch_mmu *mmu, uint64_t cpus, uint64_t generation)
{
	cpus &= ~BIT(cpu_id());
	for (uint64_t left = cpus; left; left &= left - 1)
		irqchip_ipi(bit_lowest(left), VECTOR_IPI_FLUSH);
	for (uint64_t left = cpus; left; left &= left - 1) {
		while (is_behind(bit_lowest(left), mmu, generation))
			cpu_relax();
	}
}

void mmu_evict(struct arch_mmu *mmu)
{
	mmu_deactivate(mmu);
	if (likely(!atomic_load(&mmu->cpus)))
		return;
	atomic_store(&mmu->is_dying, true);
	for (uint64_t left = atomic_load(&mmu->cpus); left; left &= left - 1)
		irqchip_ipi(bit_lowest(left), VECTOR_IPI_FLUSH);
	/* A CPU clears its bit after it has loaded other tables. */
	while (atomic_load_acquire(&mmu->cpus))
		cpu_relax();
}

/* ---- user half ----------------------------------------------------------------------------- */

void mmu_flush_range(struct arch_mmu *mmu, uaddr_t start, uaddr_t end)
{
	uint64_t generation = atomic_add_return(&mmu->generation, 1);
	struct tlb_state *state = this_cpu_ptr(tlb_state);

	if (state->mmu == mmu) {
		if (end - start >= MANY_PAGES * PAGE_SIZE)
			invalidate_all();
		else
			for (uaddr_t at = start & PAGE_MASK; at < end; at += PAGE_SIZE)
				invalidate_page(at);
		atomic_store_release(&state->seen, generation);
	}
	flush_others(mmu, atomic_load(&mmu->cpus), generation);
}

void mmu_flush_page(struct arch_mmu *mmu, uaddr_t addr)
{
	mmu_flush_range(mmu, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
}

void mmu_flush_all(struct arch_mmu *mmu)
{
	mmu_flush_range(mmu, 0, USER_MAX);
}

void tlb_batch_flush(struct tlb_batch *batch)
{
	if (batch->start < batch->end) {
		if (batch->nr_pages >= MANY_PAGES)
			mmu_flush_all(batch->mmu);
		else
			mmu_flush_range(batch->mmu, batch->start, batch->end);
	}
	tlb_batch_init(batch, batch->mmu);
}

/* ---- kernel half --------------------------------------------------------------------------- */

void tlb_flush_kernel(kaddr_t start, kaddr_t end)
{
	uint64_t generation = atomic_add_return(&kernel_generation, 1);
	uint64_t all = nr_cpus() == 64 ? ~0ul : BIT(nr_cpus()) - 1;

	if (end - start >= MANY_PAGES * PAGE_SIZE)
		invalidate_global();
	else
		for (kaddr_t at = start & PAGE_MASK; at < end; at += PAGE_SIZE)
			invalidate_page(at);
	atomic_store_release(&this_cpu_ptr(tlb_state)->kernel_seen, generation);
	flush_others(NULL, all, generation);
}

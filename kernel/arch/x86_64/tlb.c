/*
 * Which space each CPU runs in, and getting rid of old translations.
 *
 * A CPU is in a space's mask from before it loads the space's tables until after it has loaded
 * others. A flush changes the tables first, then looks at the mask. Alone in it, the flusher
 * invalidates here and is done: who joins later walks the new tables. Else it raises the space's
 * generation, interrupts the others, and waits until each of them has left the mask or, with the
 * space active, has flushed since (`seen`). The same goes for the kernel's half, where all CPUs are
 * concerned.
 *
 * A CPU that runs a thread without a user half keeps the tables of the last one, and is lazy:
 * nothing there uses user addresses, so a flush passes it by, and it looks at the generation when
 * such a thread comes back. Only the CPU's own page walker might still follow the tables: before
 * those are freed, lazy CPUs are interrupted too, and leave the space.
 *
 * `seen` is written only by its CPU, with interrupts off, where everything is flushed, or where the
 * CPU had seen all but its own flush: a partial invalidation says nothing about those of others.
 *
 * Where the CPUs have process-context identifiers (pcid.h), a CPU knows spaces that it has left:
 * then each flush raises the generation, and a CPU that takes part in it says at once that it has
 * seen it, unless it was behind already.
 *
 * Two CPUs may flush at each other with interrupts off: who waits so looks after its own flushes.
 * But nobody may wait under a lock that another CPU could want with interrupts off.
 */
#include <arch/mmu.h>

#include <arch/cpu.h>
#include <arch/irqchip.h>
#include <arch/percpu.h>

#include "arch/x86_64/pcid.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/tables.h"
#include "arch/x86_64/tlb.h"
#include "core/lockdep.h"
#include "core/panic.h"
#include "lib/atomic.h"
#include "lib/bits.h"

enum { MANY_PAGES = 33 }; /* from so many on, flushing everything is cheaper */

struct tlb_state {
	struct arch_mmu *mmu __atomic;         /* active here; NULL: the kernel's own */
	bool             lazy __atomic;        /* it is only borrowed */
	uint64_t         seen __atomic;        /* its generation at the last flush of everything */
	uint64_t         kernel_seen __atomic; /* that of the kernel's half */
};

static DEFINE_PER_CPU(struct tlb_state, tlb_state);
static uint64_t kernel_generation __atomic;
bool tlb_is_alone __ro_after_init = true;

static void invalidate_page(uint64_t addr)
{
	__asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

static void invalidate_all(void)
{
	cr3_write(cr3_read());
}

/* Everything, of all spaces and of the kernel. */
static void invalidate_by_invpcid(void)
{
	const struct { uint64_t pcid, addr; } unused = { 0 };
	const uint64_t all_and_global = 2;

	__asm__ volatile("invpcid %0, %1" : : "m"(unused), "r"(all_and_global) : "memory");
}

static void invalidate_by_cr4(void)
{
	uint64_t flags = irq_save(), cr4 = cr4_read();

	cr4_write(cr4 & ~CR4_PGE);
	cr4_write(cr4);
	irq_restore(flags);
}

static void invalidate_global(void)
{
	if (cpu_has(CPU_INVPCID))
		invalidate_by_invpcid();
	else if (cpu_has(CPU_PGE))
		invalidate_by_cr4();
	else
		invalidate_all();
}

/* ---- the active space ---------------------------------------------------------------------- */

struct arch_mmu *mmu_active(void)
{
	return this_cpu_ptr(tlb_state)->mmu;
}

/* The space is no longer only borrowed: what was missed meanwhile is made good. */
static void stop_borrowing(struct tlb_state *state)
{
	uint64_t now;

	atomic_store(&state->lazy, false); /* pairs with flush_others() */
	now = atomic_load(&state->mmu->generation);
	if (state->seen == now)
		return;
	invalidate_all();
	atomic_store_release(&state->seen, now); /* pairs with is_behind() */
}

static uint64_t root_of(const struct arch_mmu *mmu, uint64_t generation, uint64_t left_seen)
{
	if (cpu_has(CPU_PCID))
		return pcid_switch(mmu, generation, left_seen);
	return mmu ? mmu->root : kernel_root;
}

static __noinline void activate_among_others(struct arch_mmu *mmu)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);
	struct arch_mmu *old = state->mmu;
	uint64_t bit = BIT(cpu_id()), generation = 0;

	if (mmu) {
		/* Pairs with flush(): it sees us in the mask, or we see its tables. */
		atomic_or(&mmu->cpus, bit);
		generation = atomic_load(&mmu->generation);
	}
	cr3_write(root_of(mmu, generation, state->seen));
	if (old)
		atomic_and(&old->cpus, ~bit); /* pairs with is_behind() and mmu_evict() */
	/* In this order; pairs with the loads in is_behind(). */
	atomic_store_release(&state->seen, generation);
	atomic_store_release(&state->mmu, mmu);
}

void mmu_activate(struct arch_mmu *mmu)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);

	if (state->mmu == mmu) {
		if (state->lazy)
			stop_borrowing(state);
		return;
	}
	atomic_store_relaxed(&state->lazy, false); /* before the mask, which orders it */
	if (!tlb_is_alone) {
		activate_among_others(mmu);
		return;
	}
	cr3_write(mmu ? mmu->root : kernel_root);
	atomic_store_relaxed(&state->mmu, mmu);
}

void mmu_borrow(void)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);

	/* Release: user accesses came before. Pairs with flush_others(). */
	if (state->mmu)
		atomic_store_release(&state->lazy, true);
}

void mmu_deactivate(struct arch_mmu *mmu)
{
	uint64_t flags = irq_save();

	if (mmu_active() == mmu)
		mmu_activate(NULL);
	irq_restore(flags);
}

void tlb_is_not_alone(void)
{
	assert(!mmu_active());
	tlb_is_alone = false;
}

void tlb_init_cpu(void)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);

	atomic_store(&state->kernel_seen, atomic_load(&kernel_generation));
	invalidate_global();
}

/* ---- other CPUs ---------------------------------------------------------------------------- */

void tlb_flush_interrupt(void)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);
	struct arch_mmu *mmu = state->mmu;
	uint64_t kernel_now = atomic_load(&kernel_generation), now;

	if (mmu && (state->lazy || atomic_load_relaxed(&mmu->is_dying))) {
		mmu_activate(NULL);
		mmu = NULL;
	}
	now = mmu ? atomic_load(&mmu->generation) : 0;
	if (state->kernel_seen != kernel_now)
		invalidate_global();
	else if (state->seen != now)
		invalidate_all();
	/* Pairs with the acquires in is_behind(). */
	atomic_store_release(&state->kernel_seen, kernel_now);
	atomic_store_release(&state->seen, now);
}

static bool is_behind(uint32_t cpu, struct arch_mmu *mmu, uint64_t generation)
{
	struct tlb_state *state = per_cpu_ptr(tlb_state, cpu);

	if (!mmu)
		return atomic_load_acquire(&state->kernel_seen) < generation;
	if (!(atomic_load(&mmu->cpus) >> cpu & 1))
		return false;
	/* On its way into the space or out of it, it says nothing about this one. */
	return atomic_load_acquire(&state->mmu) != mmu ||
	       atomic_load_acquire(&state->seen) < generation;
}

/* One round of waiting for other CPUs, which may be waiting for this one. */
static void wait_round(void)
{
	if (!irqs_enabled())
		tlb_flush_interrupt();
	cpu_relax();
}

static void interrupt_cpus(uint64_t cpus)
{
	for (; cpus; cpus &= cpus - 1)
		irqchip_ipi(bit_lowest(cpus), VECTOR_IPI_FLUSH);
}

static bool is_lazy(uint32_t cpu)
{
	return atomic_load(&per_cpu_ptr(tlb_state, cpu)->lazy); /* pairs with stop_borrowing() */
}

static uint64_t without_lazy(uint64_t cpus)
{
	for (uint64_t left = cpus; left; left &= left - 1) {
		if (is_lazy(bit_lowest(left)))
			cpus &= ~BIT(bit_lowest(left));
	}
	return cpus;
}

/*
 * mmu NULL: the kernel's half. Returns when none of these other CPUs is behind the generation; with
 * pass_lazy, or is lazy.
 */
static void flush_others(struct arch_mmu *mmu, uint64_t cpus, uint64_t generation, bool pass_lazy)
{
	lock_assert_may_wait_for_cpus();
	if (pass_lazy)
		cpus = without_lazy(cpus);
	interrupt_cpus(cpus);
	for (; cpus; cpus &= cpus - 1) {
		uint32_t cpu = bit_lowest(cpus);

		while (is_behind(cpu, mmu, generation) && !(pass_lazy && is_lazy(cpu)))
			wait_round();
	}
}

void mmu_evict(struct arch_mmu *mmu)
{
	lock_assert_may_wait_for_cpus();
	mmu_deactivate(mmu);
	if (likely(!atomic_load(&mmu->cpus)))
		return;
	atomic_store(&mmu->is_dying, true);
	interrupt_cpus(atomic_load(&mmu->cpus));
	/* A CPU clears its bit after it has loaded other tables. */
	while (atomic_load_acquire(&mmu->cpus))
		wait_round();
}

/* ---- user half ----------------------------------------------------------------------------- */

static void invalidate_range(uint64_t start, uint64_t end)
{
	for (uint64_t at = start & PAGE_MASK; at < end; at += PAGE_SIZE)
		invalidate_page(at);
}

/* The generation of a flush that this CPU, if it has the space loaded, has done its part of. */
static uint64_t raise_generation(struct arch_mmu *mmu)
{
	struct tlb_state *state = this_cpu_ptr(tlb_state);
	uint64_t flags = irq_save(), generation = atomic_add_return(&mmu->generation, 1);

	if (state->mmu == mmu && state->seen + 1 == generation)
		atomic_store_release(&state->seen, generation); /* pairs with is_behind() */
	irq_restore(flags);
	return generation;
}

static void flush(struct arch_mmu *mmu, uaddr_t start, uaddr_t end, bool pass_lazy)
{
	uint64_t others, generation = 0;

	if (mmu_active() == mmu) {
		if (end - start >= MANY_PAGES * PAGE_SIZE)
			invalidate_all();
		else
			invalidate_range(start, end);
	}
	if (tlb_is_alone)
		return;
	if (cpu_has(CPU_PCID))
		generation = raise_generation(mmu);
	smp_mb(); /* the tables before the mask; pairs with mmu_activate() */
	others = atomic_load(&mmu->cpus) & ~BIT(cpu_id());
	if (others && !generation)
		generation = raise_generation(mmu);
	if (others)
		flush_others(mmu, others, generation, pass_lazy);
}

void mmu_flush_range(struct arch_mmu *mmu, uaddr_t start, uaddr_t end)
{
	flush(mmu, start, end, true);
}

void mmu_flush_tables(struct arch_mmu *mmu, uaddr_t start, uaddr_t end)
{
	flush(mmu, start, end, false);
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

void mmu_barrier(struct arch_mmu *mmu)
{
	uint64_t others;

	smp_mb(); /* before the look at the mask; pairs with mmu_activate() */
	others = (mmu ? atomic_load(&mmu->cpus) : ~0ul >> (64 - nr_cpus())) & ~BIT(cpu_id());
	if (others)
		flush_others(mmu, others,
			     atomic_add_return(mmu ? &mmu->generation : &kernel_generation, 1),
			     mmu != NULL);
}

/* ---- kernel half --------------------------------------------------------------------------- */

void tlb_flush_kernel(kaddr_t start, kaddr_t end)
{
	uint64_t others = (~0ul >> (64 - nr_cpus())) & ~BIT(cpu_id());

	if (end - start >= MANY_PAGES * PAGE_SIZE)
		invalidate_global();
	else
		invalidate_range(start, end);
	if (others)
		flush_others(NULL, others, atomic_add_return(&kernel_generation, 1), false);
}

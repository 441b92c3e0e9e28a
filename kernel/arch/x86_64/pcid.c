/*
 * Which spaces the TLB of each CPU still knows. See pcid.h.
 */
#include "arch/x86_64/pcid.h"

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/percpu.h>

#include "arch/x86_64/regs.h"
#include "arch/x86_64/tables.h"
#include "arch/x86_64/tlb.h"
#include "core/cmdline.h"
#include "lib/atomic.h"
#include "lib/bits.h"

enum { SLOTS = 6, NO_SLOT = SLOTS };
#define CR3_KEEP (1ul << 63) /* what is there under the number stays */

/* Slot n has number n + 1; the kernel's own tables, which are all global, have 0. */
struct pcid_slots {
	struct { uint64_t id, seen; } at[SLOTS] __owned_by_cpu; /* id 0: free */
	uint32_t active __owned_by_cpu;
	uint32_t next __owned_by_cpu; /* whose turn it is to be given up */
};

static DEFINE_PER_CPU(struct pcid_slots, pcid_slots) = { .active = NO_SLOT };
static uint64_t last_id __atomic;

uint64_t pcid_id_next(void)
{
	return atomic_add_return(&last_id, 1);
}

static uint32_t find_slot(const struct pcid_slots *slots, uint64_t id)
{
	uint32_t slot = 0;

	while (slot < SLOTS && slots->at[slot].id != id)
		slot++;
	return slot;
}

uint64_t pcid_switch(const struct arch_mmu *mmu, uint64_t generation, uint64_t left_seen)
{
	struct pcid_slots *slots = this_cpu_ptr(pcid_slots);

	if (slots->active != NO_SLOT)
		slots->at[slots->active].seen = left_seen;
	slots->active = NO_SLOT;
	if (!mmu)
		return kernel_root;
	uint32_t slot = find_slot(slots, mmu->id);
	bool keeps = slot != NO_SLOT && slots->at[slot].seen == generation;

	if (slot == NO_SLOT) {
		slot = slots->next;
		slots->next = (slot + 1) % SLOTS;
		slots->at[slot].id = mmu->id;
	}
	slots->active = slot;
	return mmu->root | (slot + 1) | (keeps ? CR3_KEEP : 0);
}

/* As on Linux. Before there are spaces and other CPUs. */
static int parse_nopcid(const char *value)
{
	if (!cpu_has(CPU_PCID))
		return 0;
	cpu_feature_bits &= ~BIT(CPU_PCID);
	cr4_write(cr4_read() & ~CR4_PCIDE);
	return 0;
}

CMDLINE_EARLY("nopcid", parse_nopcid);

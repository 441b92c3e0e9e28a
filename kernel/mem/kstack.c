/*
 * Kernel stacks: slots of four pages and an unmapped one below them, side by side in the second
 * half of the vmalloc area.
 *
 * A slot is five pages long, so that the pages at the same depth of different stacks fall on
 * different sets of the TLB (five is odd; a power of two would put all of them on a few).
 *
 * A stack that is freed stays mapped and goes to its CPU's list, then to a common one; both are
 * linked through the stacks' own lowest words. Only vmalloc_drain() and a list that has grown too
 * long unmap, and that only where the caller may sleep: unmapping waits for other CPUs.
 */
#include <arch/percpu.h>

#include "core/gauge.h"
#include "core/spinlock.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "mem/alloc_fail.h"
#include "mem/buddy.h"
#include "mem/kasan.h"
#include "mem/vmalloc.h"
#include "mem/vmalloc_impl.h"

enum {
	STACK_PAGES = KSTACK_SIZE / PAGE_SIZE,
	SLOT_PAGES = STACK_PAGES + 1,
	SLOTS_MAX = 65536,
	CPU_LIST_MAX = 8,
	COMMON_LIST_MAX = 64,
};

struct free_stack {
	struct free_stack *next;
};

static struct {
	struct spinlock    lock;
	uint32_t           search_from __guarded_by(lock);
	uint32_t           nr_free __guarded_by(lock); /* on the common list */
	struct free_stack *free __guarded_by(lock);
	int64_t            in_use __atomic;
} stacks = { .lock = SPINLOCK(RANK_VMALLOC) };

/* Bit: the slot is in use or its stack is cached. */
static uint64_t stack_slots[SLOTS_MAX / 64] __guarded_by(stacks.lock);

struct stack_cpu {
	uint32_t           count;
	struct free_stack *first;
};
static DEFINE_PER_CPU(struct stack_cpu, stack_cpu);

static kaddr_t slot_address(uint32_t slot)
{
	return VMALLOC_STACKS_BASE + ((kaddr_t)slot * SLOT_PAGES + 1) * PAGE_SIZE;
}

static uint32_t address_slot(const void *stack)
{
	return (uint32_t)(((kaddr_t)stack - VMALLOC_STACKS_BASE) / (SLOT_PAGES * PAGE_SIZE));
}

/* A free slot, marked as taken; SLOTS_MAX: none. */
static uint32_t slot_take(void)
{
	spin_lock(&stacks.lock);
	uint32_t slot =
		(uint32_t)bitmap_find_next_zero(stack_slots, SLOTS_MAX, stacks.search_from);

	if (slot < SLOTS_MAX) {
		bitmap_set(stack_slots, slot);
		stacks.search_from = slot + 1;
	}
	spin_unlock(&stacks.lock);
	return slot;
}

static void slot_give(uint32_t slot)
{
	spin_lock(&stacks.lock);
	bitmap_clear(stack_slots, slot);
	if (slot < stacks.search_from)
		stacks.search_from = slot;
	spin_unlock(&stacks.lock);
}

static void *stack_create(unsigned int flags)
{
	uint32_t slot = slot_take();

	if (slot >= SLOTS_MAX)
		return NULL;
	if (vmalloc_map(slot_address(slot), STACK_PAGES, flags & ~ALLOC_ZERO) < 0) {
		slot_give(slot);
		return NULL;
	}
	page_use_add(PAGE_USE_STACK, STACK_PAGES);
	return (void *)slot_address(slot);
}

static void stack_destroy(void *stack)
{
	vmalloc_unmap((kaddr_t)stack, STACK_PAGES);
	slot_give(address_slot(stack));
	page_use_add(PAGE_USE_STACK, -STACK_PAGES);
}

/* One from the common list if it holds more than `keep`. */
static void *stack_list_take(uint32_t keep)
{
	spin_lock(&stacks.lock);
	struct free_stack *stack = stacks.nr_free > keep ? stacks.free : NULL;

	if (stack) {
		stacks.free = stack->next;
		stacks.nr_free--;
	}
	spin_unlock(&stacks.lock);
	return stack;
}

static void stack_list_give(struct free_stack *stack)
{
	spin_lock(&stacks.lock);
	stack->next = stacks.free;
	stacks.free = stack;
	stacks.nr_free++;
	spin_unlock(&stacks.lock);
}

void *kstack_alloc(unsigned int flags)
{
	struct stack_cpu *list = this_cpu_ptr(stack_cpu);
	void *stack = list->first;

	if (alloc_fail_now(flags))
		return NULL;
	if (likely(stack)) {
		list->first = list->first->next;
		list->count--;
	} else {
		stack = stack_list_take(0);
	}
	if (!stack)
		stack = stack_create(flags);
	if (stack) {
		atomic_inc(&stacks.in_use);
		kasan_unpoison(stack, KSTACK_SIZE); /* of frames that were never left */
	}
	for (void *spare; flags & ALLOC_MAY_RECLAIM && (spare = stack_list_take(COMMON_LIST_MAX));)
		stack_destroy(spare);
	return stack;
}

void kstack_free(void *stack)
{
	struct stack_cpu *list = this_cpu_ptr(stack_cpu);
	struct free_stack *entry = stack;

	if (!stack)
		return;
	atomic_dec(&stacks.in_use);
	if (list->count == CPU_LIST_MAX) {
		stack_list_give(entry);
		return;
	}
	entry->next = list->first;
	list->first = entry;
	list->count++;
}

/* This CPU's list goes to the common one. */
static void stacks_drain_cpu(void)
{
	struct stack_cpu *list = this_cpu_ptr(stack_cpu);

	while (list->first) {
		struct free_stack *entry = list->first;

		list->first = entry->next;
		list->count--;
		stack_list_give(entry);
	}
}

void vmalloc_drain(void)
{
	stacks_drain_cpu();
	for (void *stack; (stack = stack_list_take(0));)
		stack_destroy(stack);
}

static int64_t gauge_stacks(void)
{
	return atomic_load_relaxed(&stacks.in_use);
}

GAUGE("kernel_stacks", gauge_stacks);
GAUGE_DRAIN_CPU(stacks_drain_cpu);
GAUGE_DRAIN(vmalloc_drain);

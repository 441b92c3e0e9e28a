/*
 * Tests of what happens between CPUs: interrupts from one to another, translations taken back,
 * deferred work, grace periods, threads sent about. With one CPU most of them have nothing to do.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/mmu.h>
#include <arch/percpu.h>
#include <arch/usercopy.h>

#include "core/ktest.h"
#include "core/lockstat.h"
#include "core/spinlock.h"
#include "lib/bits.h"
#include "mem/buddy.h"
#include "sched/clock.h"
#include "sched/policy.h"
#include "sched/rcu.h"
#include "sched/thread.h"
#include "sched/wait.h"
#include "sched/work.h"

#define HANG (20 * NS_PER_SEC)

enum { ADDRESS = 0x10000, ROUNDS = 200, FLUSHES = 50 };

/* A thread tied to a CPU, and the way home. */
struct remote {
	struct thread    *thread;
	struct completion finished;
	void            (*fn)(struct remote *remote);
	struct arch_mmu  *mmu;
	uint32_t          step __atomic;  /* what the test has done */
	uint32_t          reply __atomic; /* what the thread has */
	uint32_t          value;
};

static void remote_main(void *arg)
{
	struct remote *remote = arg;

	remote->fn(remote);
	complete(&remote->finished);
}

static bool remote_start(struct remote *remote, uint32_t cpu, void (*fn)(struct remote *remote))
{
	remote->fn = fn;
	completion_init(&remote->finished);
	if (kthread_create("remote", remote_main, remote, &remote->thread))
		return false;
	if (sched_affinity_set(remote->thread, BIT(cpu)))
		return false;
	thread_start(remote->thread);
	return true;
}

static bool remote_join(struct remote *remote)
{
	return completion_wait_until(&remote->finished, clock_monotonic() + HANG) == 0;
}

static bool await(uint32_t *word, uint32_t value)
{
	ns_t end = clock_monotonic() + HANG;

	while (atomic_load_acquire(word) != value) {
		if (clock_monotonic() > end)
			return false;
		thread_yield(); /* who is awaited may want this CPU */
	}
	return true;
}

/* The test itself stays on CPU 0, the other threads elsewhere. */
static bool stay_on_first_cpu(void)
{
	return sched_affinity_set(thread_current(), 1) == 0;
}

/* ---- spinlocks ------------------------------------------------------------------------------- */

static struct {
	struct spinlock lock;
	uint64_t        count __guarded_by(lock);
} contended = { .lock = SPINLOCK(RANK_SPIN_OUTER) };

enum { TURNS = 20000 };

static void contend(void)
{
	for (int i = 0; i < TURNS; i++) {
		spin_lock(&contended.lock);
		contended.count++;
		spin_unlock(&contended.lock);
	}
}

static void contend_remotely(struct remote *remote)
{
	atomic_store(&remote->reply, 1);
	while (!atomic_load_acquire(&remote->step))
		cpu_relax();
	contend();
}

KTEST(spinlock_excludes_other_cpus_and_counts_who_waits)
{
	struct remote remote = { 0 };
	struct lockstat before, after;
	uint32_t ticket;

	if (nr_cpus() == 1)
		return;
	KTEST_ASSERT(stay_on_first_cpu());
	contended.count = 0;
	lockstat_read(RANK_SPIN_OUTER, &before);
	KTEST_ASSERT(remote_start(&remote, 1, contend_remotely));
	KTEST_ASSERT(await(&remote.reply, 1));
	spin_lock(&contended.lock);
	ticket = READ_ONCE(contended.lock.next);
	atomic_store(&remote.step, 1);
	/* It has drawn a ticket, so it waits. */
	while (READ_ONCE(contended.lock.next) == ticket)
		cpu_relax();
	spin_unlock(&contended.lock);
	contend();
	KTEST_ASSERT(remote_join(&remote));
	lockstat_read(RANK_SPIN_OUTER, &after);
	KTEST_ASSERT(contended.count == 2 * TURNS);
	KTEST_ASSERT(after.count > before.count);
	KTEST_ASSERT(after.total_ns > before.total_ns);
}

/* ---- work and threads ---------------------------------------------------------------------- */

static uint64_t visited __atomic;

static void visit(void)
{
	atomic_or(&visited, BIT(cpu_id()));
}

KTEST(work_on_each_cpu_runs_on_each_cpu)
{
	atomic_store(&visited, 0);
	work_on_each_cpu(visit);
	KTEST_ASSERT(visited == ~0ul >> (64 - nr_cpus()));
}

static void say_where(struct remote *remote)
{
	remote->value = cpu_id();
}

KTEST(thread_tied_to_a_cpu_runs_there)
{
	KTEST_NO_LEAK();
	for_each_cpu(cpu) {
		struct remote remote = { .value = ~0u };

		KTEST_ASSERT(remote_start(&remote, cpu, say_where));
		KTEST_ASSERT(remote_join(&remote));
		KTEST_ASSERT(remote.value == cpu);
	}
}

/* ---- translations -------------------------------------------------------------------------- */

static bool map_page(struct arch_mmu *mmu, struct page *page)
{
	pte_t *slot;

	if (mmu_leaf_get(mmu, ADDRESS, &slot))
		return false;
	pte_exchange(slot, pte_make(page_to_phys(page), PROT_PTE_USER | PROT_PTE_WRITE |
	                            PROT_PTE_DIRTY));
	return true;
}

static void unmap_page(struct arch_mmu *mmu)
{
	pte_exchange(mmu_leaf_find(mmu, ADDRESS), 0);
	mmu_flush_page(mmu, ADDRESS);
}

static void read_twice(struct remote *remote)
{
	uint32_t first, second;

	thread_switch_mmu(remote->mmu);
	int err = user_get_u32(&first, (const uint32_t __user *)ADDRESS);

	atomic_store(&remote->reply, 1);
	if (await(&remote->step, 1))
		err |= user_get_u32(&second, (const uint32_t __user *)ADDRESS);
	remote->value = err ? 0 : first * 10 + second;
	thread_switch_mmu(NULL);
}

static bool page_filled_alloc(struct page **page, uint32_t value)
{
	*page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);
	if (*page)
		*(uint32_t *)page_to_virt(*page) = value;
	return *page;
}

KTEST(flushed_translation_is_gone_on_the_other_cpu_when_the_flush_returns)
{
	struct arch_mmu mmu;
	struct remote remote = { .mmu = &mmu };
	struct page *pages[2];

	KTEST_NO_LEAK();
	if (nr_cpus() == 1)
		return;
	KTEST_ASSERT(stay_on_first_cpu() && !mmu_init(&mmu));
	KTEST_ASSERT(page_filled_alloc(&pages[0], 1) && page_filled_alloc(&pages[1], 2));
	KTEST_ASSERT(map_page(&mmu, pages[0]));
	KTEST_ASSERT(remote_start(&remote, 1, read_twice));
	KTEST_ASSERT(await(&remote.reply, 1));
	unmap_page(&mmu);
	KTEST_ASSERT(map_page(&mmu, pages[1]));
	atomic_store(&remote.step, 1);
	KTEST_ASSERT(remote_join(&remote));
	unmap_page(&mmu);
	mmu_fini(&mmu); /* the other CPU still has it loaded */
	pages_free(pages[0], 0);
	pages_free(pages[1], 0);
	KTEST_ASSERT(remote.value == 12);
}

static void flush_often(struct remote *remote)
{
	thread_switch_mmu(remote->mmu);
	atomic_store(&remote->reply, 1);
	await(&remote->step, 1);
	for (int i = 0; i < FLUSHES; i++) {
		uint64_t flags = irq_save();

		mmu_flush_page(remote->mmu, ADDRESS);
		irq_restore(flags);
	}
	thread_switch_mmu(NULL);
}

KTEST(two_cpus_flush_at_each_other_with_interrupts_off)
{
	struct arch_mmu mmu;
	struct remote remotes[2] = { { .mmu = &mmu }, { .mmu = &mmu } };

	KTEST_NO_LEAK();
	if (nr_cpus() == 1)
		return;
	KTEST_ASSERT(!mmu_init(&mmu));
	for (uint32_t i = 0; i < 2; i++)
		KTEST_ASSERT(remote_start(&remotes[i], i, flush_often));
	KTEST_ASSERT(await(&remotes[0].reply, 1) && await(&remotes[1].reply, 1));
	for (uint32_t i = 0; i < 2; i++)
		atomic_store(&remotes[i].step, 1);
	KTEST_ASSERT(remote_join(&remotes[0]) && remote_join(&remotes[1]));
	mmu_fini(&mmu);
}

static void read_what_is_mapped(struct remote *remote)
{
	volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)remote->mmu;

	remote->value = *word;
	atomic_store(&remote->reply, 1);
	await(&remote->step, 1);
	remote->value = remote->value * 10 + *word;
}

KTEST(kernel_mapping_replaced_here_is_seen_on_the_other_cpu)
{
	enum { PROT = PROT_PTE_WRITE | PROT_PTE_DIRTY };
	kaddr_t unused = vmalloc_base + VMALLOC_SIZE - PAGE_SIZE;
	struct remote remote = { .mmu = (struct arch_mmu *)unused };
	struct page *pages[2];

	if (nr_cpus() == 1)
		return;
	KTEST_ASSERT(stay_on_first_cpu());
	KTEST_ASSERT(page_filled_alloc(&pages[0], 1) && page_filled_alloc(&pages[1], 2));
	KTEST_ASSERT(!kmap_pages(unused, page_to_phys(pages[0]), 1, PROT));
	KTEST_ASSERT(remote_start(&remote, 1, read_what_is_mapped));
	KTEST_ASSERT(await(&remote.reply, 1));
	kunmap_pages(unused, 1);
	KTEST_ASSERT(!kmap_pages(unused, page_to_phys(pages[1]), 1, PROT));
	atomic_store(&remote.step, 1);
	KTEST_ASSERT(remote_join(&remote));
	kunmap_pages(unused, 1);
	pages_free(pages[0], 0);
	pages_free(pages[1], 0);
	KTEST_ASSERT(remote.value == 12);
}

/* ---- time ---------------------------------------------------------------------------------- */

static ns_t latest __atomic;

/* Whoever reads the clock later, on whatever CPU, reads no less. */
static void read_clock_often(struct remote *remote)
{
	for (int i = 0; i < ROUNDS * 10; i++) {
		ns_t before = atomic_load(&latest), now = clock_monotonic();

		if (now < before)
			remote->value++;
		while (before < now && !atomic_cmpxchg(&latest, &before, now))
			cpu_relax();
	}
}

KTEST(monotonic_clock_never_steps_back_across_cpus)
{
	static struct remote remotes[MAX_CPUS];
	uint32_t errors = 0;

	KTEST_NO_LEAK();
	atomic_store(&latest, 0);
	for_each_cpu(cpu) {
		remotes[cpu] = (struct remote){ 0 };
		KTEST_ASSERT(remote_start(&remotes[cpu], cpu, read_clock_often));
	}
	for_each_cpu(cpu) {
		KTEST_ASSERT(remote_join(&remotes[cpu]));
		errors += remotes[cpu].value;
	}
	KTEST_ASSERT(errors == 0);
}

/* ---- grace periods ------------------------------------------------------------------------- */

static void read_for_a_while(struct remote *remote)
{
	rcu_read_lock();
	atomic_store(&remote->reply, 1);
	clock_delay(20 * NS_PER_MSEC);
	remote->value = 1;
	rcu_read_unlock();
}

KTEST(grace_period_waits_for_a_reader_on_another_cpu)
{
	struct remote remote = { 0 };
	uint32_t seen;

	if (nr_cpus() == 1)
		return;
	KTEST_ASSERT(stay_on_first_cpu());
	KTEST_ASSERT(remote_start(&remote, 1, read_for_a_while));
	KTEST_ASSERT(await(&remote.reply, 1));
	rcu_synchronize();
	seen = READ_ONCE(remote.value);
	KTEST_ASSERT(remote_join(&remote));
	KTEST_ASSERT(seen == 1);
}

KTEST(grace_period_does_not_wait_for_idle_cpus)
{
	ns_t start = clock_monotonic();

	for (int i = 0; i < ROUNDS; i++)
		rcu_synchronize();
	KTEST_ASSERT(clock_monotonic() - start < ROUNDS * 4 * NS_PER_MSEC); /* a tick each */
}

/*
 * Memory of spaces as programs see it: zeroes, private copies after fork, limits, growth of the
 * stack, and copies that meet addresses which are not there.
 */
#include <asm/siginfo.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/signal.h>

#include "core/ktest.h"
#include "sched/thread.h"
#include "sched/wait.h"
#include "vm/fault.h"
#include "vm/space_impl.h"
#include "vm/uio.h"
#include "vm/usercopy.h"

#define BASE 0x20000000ul

static const struct space_limits unlimited = { ~0ul, ~0ul, 8ul << 20, ~0ul };

static int map(struct space *space, uaddr_t addr, size_t pages, uint32_t access)
{
	struct map_request request = {
		.addr = addr,
		.len = pages * PAGE_SIZE,
		.vm_flags = access | VM_MAYACCESS,
		.map_flags = MAP_FIXED,
	};

	return space_map(space, &request, &addr);
}

static uint32_t peek(struct space *space, uaddr_t addr)
{
	uint32_t value = 0xbad;

	return space_access(space, addr, &value, 4, 0) == 4 ? value : 0xbad;
}

static bool poke(struct space *space, uaddr_t addr, uint32_t value)
{
	return space_access(space, addr, &value, 4, SPACE_ACCESS_WRITE) == 4;
}

KTEST(anonymous_memory_reads_as_zeroes_and_costs_nothing_until_written)
{
	struct space *space;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&unlimited, true, &space) == 0);
	KTEST_ASSERT(map(space, BASE, 64, VM_READ | VM_WRITE) == 0);
	KTEST_ASSERT(peek(space, BASE + 5 * PAGE_SIZE) == 0 && space_rss(space) == 0);
	KTEST_ASSERT(poke(space, BASE + 5 * PAGE_SIZE, 7) && space_rss(space) == 1);
	KTEST_ASSERT(peek(space, BASE + 5 * PAGE_SIZE) == 7);
	KTEST_ASSERT(peek(space, BASE + 6 * PAGE_SIZE) == 0);
	KTEST_ASSERT(space_advise(space, BASE, 64 * PAGE_SIZE, MADV_DONTNEED) == 0);
	KTEST_ASSERT(peek(space, BASE + 5 * PAGE_SIZE) == 0 && space_rss(space) == 0);
	space_put(space);
}

KTEST(fork_gives_private_copies_and_the_last_owner_keeps_its_page)
{
	struct space *parent, *child;
	struct page *before, *after;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&unlimited, true, &parent) == 0);
	KTEST_ASSERT(map(parent, BASE, 1024, VM_READ | VM_WRITE) == 0);
	for (uint32_t i = 0; i < 1024; i++)
		KTEST_ASSERT(poke(parent, BASE + i * PAGE_SIZE, i));
	KTEST_ASSERT(space_fork(parent, &child) == 0);
	KTEST_ASSERT(poke(parent, BASE + 3 * PAGE_SIZE, 1003));
	KTEST_ASSERT(poke(child, BASE + 4 * PAGE_SIZE, 2004));
	KTEST_ASSERT(peek(parent, BASE + 3 * PAGE_SIZE) == 1003);
	KTEST_ASSERT(peek(child, BASE + 3 * PAGE_SIZE) == 3);
	KTEST_ASSERT(peek(parent, BASE + 4 * PAGE_SIZE) == 4);
	KTEST_ASSERT(peek(child, BASE + 4 * PAGE_SIZE) == 2004);
	for (uint32_t i = 5; i < 1024; i++)
		KTEST_ASSERT(peek(child, BASE + i * PAGE_SIZE) == i);
	KTEST_ASSERT(child->rss_anon == 1024 && parent->rss_anon == 1024);
	space_put(child);
	KTEST_ASSERT(space_get_page(parent, BASE + 9 * PAGE_SIZE, false, &before) == 0);
	page_put(before);
	KTEST_ASSERT(poke(parent, BASE + 9 * PAGE_SIZE, 99));
	KTEST_ASSERT(space_get_page(parent, BASE + 9 * PAGE_SIZE, false, &after) == 0);
	page_put(after);
	KTEST_ASSERT(before == after && peek(parent, BASE + 9 * PAGE_SIZE) == 99);
	space_put(parent);
}

KTEST(fork_of_fork_and_partial_changes_keep_every_value)
{
	struct space *a, *b, *c;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&unlimited, true, &a) == 0);
	KTEST_ASSERT(map(a, BASE, 1536, VM_READ | VM_WRITE) == 0);
	for (uint32_t i = 0; i < 1536; i++)
		KTEST_ASSERT(poke(a, BASE + i * PAGE_SIZE, i));
	KTEST_ASSERT(space_fork(a, &b) == 0 && space_fork(b, &c) == 0);
	KTEST_ASSERT(space_unmap(a, BASE + 100 * PAGE_SIZE, 50 * PAGE_SIZE) == 0);
	KTEST_ASSERT(space_protect(b, BASE, 200 * PAGE_SIZE, PROT_READ) == 0);
	KTEST_ASSERT(!poke(b, BASE, 1) && poke(c, BASE, 77) && poke(a, BASE, 88));
	KTEST_ASSERT(space_advise(c, BASE + 512 * PAGE_SIZE, 512 * PAGE_SIZE, MADV_DONTNEED) == 0);
	KTEST_ASSERT(peek(a, BASE) == 88 && peek(b, BASE) == 0 && peek(c, BASE) == 77);
	for (uint32_t i = 1; i < 1536; i++) {
		bool is_gone = i >= 100 && i < 150, is_zero = i >= 512 && i < 1024;

		KTEST_ASSERT(peek(a, BASE + i * PAGE_SIZE) == (is_gone ? 0xbad : i));
		KTEST_ASSERT(peek(b, BASE + i * PAGE_SIZE) == i);
		KTEST_ASSERT(peek(c, BASE + i * PAGE_SIZE) == (is_zero ? 0 : i));
	}
	space_put(a);
	KTEST_ASSERT(peek(b, BASE + 700 * PAGE_SIZE) == 700);
	KTEST_ASSERT(peek(c, BASE + 1500 * PAGE_SIZE) == 1500);
	space_put(b);
	KTEST_ASSERT(peek(c, BASE + 300 * PAGE_SIZE) == 300);
	space_put(c);
}

KTEST(faults_say_which_signal_they_are)
{
	struct fault_result result;
	struct space *space;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&unlimited, true, &space) == 0);
	KTEST_ASSERT(map(space, BASE, 1, VM_READ) == 0);
	KTEST_ASSERT(space_fault(space, BASE - 1, FAULT_USER, &result) == -EFAULT);
	KTEST_ASSERT(result.signo == SIGSEGV && result.code == SEGV_MAPERR);
	KTEST_ASSERT(space_fault(space, BASE, FAULT_USER | FAULT_WRITE, &result) == -EFAULT);
	KTEST_ASSERT(result.signo == SIGSEGV && result.code == SEGV_ACCERR);
	KTEST_ASSERT(space_fault(space, ~0ul, FAULT_USER, &result) == -EFAULT);
	KTEST_ASSERT(space_fault(space, BASE + 8, FAULT_USER, &result) == 0 && !result.signo);
	space_put(space);
}

KTEST(stack_grows_down_to_its_limit_and_keeps_its_gap)
{
	struct space_limits limits = { ~0ul, ~0ul, 1ul << 20, ~0ul };
	struct fault_result result;
	struct space *space;
	uaddr_t top;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&limits, true, &space) == 0);
	KTEST_ASSERT(space_stack_create(space, false, true, &top) == 0);
	KTEST_ASSERT(space_fault(space, top - (1ul << 20), FAULT_WRITE, &result) == 0);
	KTEST_ASSERT(space_fault(space, top - (1ul << 20) - 1, FAULT_WRITE, &result) == -EFAULT);
	KTEST_ASSERT(result.signo == SIGSEGV && space->stack_vm == (1ul << 20) / PAGE_SIZE);
	space_put(space);
}

KTEST(limits_refuse_what_is_too_much)
{
	struct space_limits limits = { 64 * PAGE_SIZE, 32 * PAGE_SIZE, 1ul << 20, 8 * PAGE_SIZE };
	struct space *space;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&limits, true, &space) == 0);
	KTEST_ASSERT(map(space, BASE, 65, VM_READ) == -ENOMEM);
	KTEST_ASSERT(map(space, BASE, 33, VM_READ | VM_WRITE) == -ENOMEM);
	KTEST_ASSERT(map(space, BASE, 32, VM_READ | VM_WRITE) == 0);
	KTEST_ASSERT(space_lock(space, BASE, 9 * PAGE_SIZE, VM_LOCKED) == -ENOMEM);
	KTEST_ASSERT(space_lock(space, BASE, 8 * PAGE_SIZE, VM_LOCKED) == 0);
	KTEST_ASSERT(space_rss(space) == 8);
	KTEST_ASSERT(space->locked_vm == 8 && space->nr_areas == 2);
	KTEST_ASSERT(space_lock(space, BASE, 8 * PAGE_SIZE, 0) == 0 && space->nr_areas == 1);
	KTEST_ASSERT(map(space, 4 * BASE, 32, VM_READ) == 0);
	KTEST_ASSERT(map(space, 6 * BASE, 1, VM_READ) == -ENOMEM);
	space_put(space);
}

/*
 * Runs copies in the space; a page that is not there is a failure, as for a thread without a task.
 */
static void user_mode_begin(struct space *space)
{
	thread_switch_mmu(&space->mmu);
	usercopy_nosleep_begin();
}

static void user_mode_end(struct space *space)
{
	usercopy_nosleep_end();
	thread_switch_mmu(NULL);
	mmu_deactivate(&space->mmu);
}

KTEST(user_copies_stop_at_the_first_address_that_is_not_there)
{
	char __user *at = (char __user *)(BASE + PAGE_SIZE - 8);
	char text[32] = "seven b";
	ssize_t short_copy, too_long, length;
	struct space *space;
	int whole, partly, kernel;
	struct uio uio;

	KTEST_NO_LEAK();
	KTEST_ASSERT(space_create(&unlimited, true, &space) == 0);
	KTEST_ASSERT(map(space, BASE, 1, VM_READ | VM_WRITE) == 0 && poke(space, BASE, 1));
	user_mode_begin(space);
	whole = copy_to_user(at, text, 8);
	short_copy = uio_init_user(&uio, at, 32) ? 0 : (ssize_t)uio_copy_out(&uio, text, 32);
	partly = copy_to_user(at, text, 9);
	too_long = strncpy_from_user(text, at, 4);
	kernel = copy_from_user(text, (const void __user *)~0xffful, 8);
	length = strnlen_user(at, 100);
	user_mode_end(space);
	space_put(space);
	KTEST_ASSERT(whole == 0 && short_copy == 8 && uio.remaining == 24);
	KTEST_ASSERT(partly == -EFAULT && kernel == -EFAULT);
	KTEST_ASSERT(too_long == -ENAMETOOLONG && length == 7);
}

/* A thread that sleeps with a space's lock held. */
struct holder {
	struct space     *space;
	bool              for_writing;
	struct completion has, go, done;
};

static void hold_lock(void *arg)
{
	struct holder *holder = arg;

	if (holder->for_writing)
		rwlock_write_lock(&holder->space->lock);
	else
		rwlock_read_lock(&holder->space->lock);
	complete(&holder->has);
	completion_wait(&holder->go);
	if (holder->for_writing)
		rwlock_write_unlock(&holder->space->lock);
	else
		rwlock_read_unlock(&holder->space->lock);
	complete(&holder->done);
}

static bool holder_start(struct holder *holder)
{
	struct thread *thread;

	completion_init(&holder->has);
	completion_init(&holder->go);
	completion_init(&holder->done);
	if (kthread_create("ktest", hold_lock, holder, &thread))
		return false;
	thread_start(thread);
	completion_wait(&holder->has);
	return true;
}

static void holder_stop(struct holder *holder)
{
	complete(&holder->go);
	completion_wait(&holder->done);
}

KTEST(a_victim_is_reaped_beside_readers_but_not_writers_of_its_space)
{
	static struct holder reader, writer;
	struct space *space;

	KTEST_ASSERT(space_create(&unlimited, true, &space) == 0);
	KTEST_ASSERT(map(space, BASE, 8, VM_READ | VM_WRITE) == 0);
	for (uint32_t i = 0; i < 8; i++)
		KTEST_ASSERT(poke(space, BASE + i * PAGE_SIZE, 100 + i));
	reader = (struct holder){ .space = space };
	writer = (struct holder){ .space = space, .for_writing = true };
	KTEST_ASSERT(holder_start(&writer));
	KTEST_ASSERT(space_reap(space) == -EBUSY);
	holder_stop(&writer);
	KTEST_ASSERT(peek(space, BASE + PAGE_SIZE) == 101);
	KTEST_ASSERT(holder_start(&reader));
	KTEST_ASSERT(space_reap(space) == 0 && space_rss(space) == 0);
	KTEST_ASSERT(peek(space, BASE + PAGE_SIZE) == 0xbad && !poke(space, BASE, 1));
	holder_stop(&reader);
	space_put(space);
}

KTEST(uio_moves_over_segments_back_and_forth)
{
	uint8_t memory[16] = { 0 }, out[16];
	struct uio uio;

	uio_init_kernel(&uio, memory, sizeof(memory));
	KTEST_ASSERT(uio_copy_out(&uio, "abcdefgh", 8) == 8 && uio.remaining == 8);
	uio_revert(&uio, 4);
	uio_truncate(&uio, 6);
	KTEST_ASSERT(uio_copy_out(&uio, "EFGHIJKL", 8) == 6 && uio.remaining == 0);
	KTEST_ASSERT(uio_done(&uio) == 10 && memory[4] == 'E' && memory[9] == 'J' && !memory[10]);
	uio_init_kernel(&uio, memory, sizeof(memory));
	uio_advance(&uio, 3);
	KTEST_ASSERT(uio_copy_in(&uio, out, 20) == 13 && out[0] == 'd' && uio_zero(&uio, 1) == 0);
}

/*
 * The table of those who sleep in poll(2) and select(2): one wait entry for each queue that a file
 * named, the first few inside the table (on the caller's stack), the others in pages.
 *
 * A callback notes that something happened and wakes the thread. Nothing is lost between the round
 * of questions and the sleep: the note is looked at after the state was set.
 */
#include "sched/poll.h"

#include "lib/list.h"
#include "mem/alloc.h"
#include "sched/rcu.h"

struct poll_block {
	struct poll_block *next;
	uint32_t           nr;
	struct poll_entry  entries[];
};

enum { POLL_BLOCK_ENTRIES = (PAGE_SIZE - sizeof(struct poll_block)) / sizeof(struct poll_entry) };

static int poll_wake(struct wait_entry *entry, uint32_t mode, uintptr_t key)
{
	struct poll_entry *poll = container_of(entry, struct poll_entry, entry);

	bool woken;

	if (!(mode & WAKE_FREE) && key && !(key & poll->events))
		return 0;
	/* pairs with the full barrier in thread_set_state() */
	atomic_store_release(&poll->table->triggered, 1);
	woken = thread_wake_later(entry->thread, mode & WAKE_SYNC);
	/* Unlinked, the table may be gone: poll_entry_remove() asks no lock then. */
	if (mode & WAKE_FREE)
		wait_entry_let_go(entry);
	return woken;
}

static struct poll_entry *poll_entry_new(struct poll_table *table)
{
	struct poll_block *block = table->blocks;

	if (table->nr_inline < POLL_INLINE)
		return &table->entries[table->nr_inline++];
	if (!block || block->nr == POLL_BLOCK_ENTRIES) {
		block = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
		if (!block)
			return NULL;
		block->next = table->blocks;
		block->nr = 0;
		table->blocks = block;
	}
	return &block->entries[block->nr++];
}

static void poll_table_add(struct poller *poller, struct wait_queue *queue)
{
	struct poll_table *table = container_of(poller, struct poll_table, poller);
	struct poll_entry *poll = poll_entry_new(table);

	if (!poll) {
		table->err = -ENOMEM;
		return;
	}
	poll->queue = queue;
	poll->table = table;
	poll->events = poller->events ? poller->events | EPOLLERR | EPOLLHUP : UINT32_MAX;
	wait_entry_init(&poll->entry, table->thread, poll_wake);
	wait_add(queue, &poll->entry);
}

void poll_table_init(struct poll_table *table)
{
	table->poller.add = poll_table_add;
	table->poller.events = 0;
	table->thread = thread_current();
	table->triggered = 0;
	table->err = 0;
	table->nr_inline = 0;
	table->blocks = NULL;
}

void poll_table_stop_adding(struct poll_table *table)
{
	table->poller.add = NULL;
}

int poll_table_wait(struct poll_table *table, ns_t deadline_ns)
{
	int err = 0;

	table->poller.add = NULL;
	if (table->err)
		return table->err;
	thread_set_state(THREAD_INTERRUPTIBLE);
	if (!atomic_load_acquire(&table->triggered)) {
		if (thread_must_wake(table->thread, THREAD_INTERRUPTIBLE))
			err = -EINTR;
		else
			err = wait_sleep(deadline_ns);
	}
	atomic_store_relaxed(&table->thread->state, THREAD_RUNNABLE);
	if (atomic_xchg(&table->triggered, 0))
		return 0;
	if (!err && thread_must_wake(table->thread, THREAD_INTERRUPTIBLE))
		err = -EINTR;
	return err;
}

static void poll_entry_remove(struct poll_entry *poll)
{
	const struct list *link = &poll->entry.link;

	/* Unlinked from both sides: the queue was freed, and let go of it (wake_up_poll_free()). */
	if (READ_ONCE(link->next) != link || READ_ONCE(link->prev) != link)
		wait_remove(poll->queue, &poll->entry);
}

void poll_table_fini(struct poll_table *table)
{
	struct poll_block *block, *next;

	rcu_read_lock();
	for (uint32_t i = 0; i < table->nr_inline; i++)
		poll_entry_remove(&table->entries[i]);
	for (block = table->blocks; block; block = block->next)
		for (uint32_t i = 0; i < block->nr; i++)
			poll_entry_remove(&block->entries[i]);
	rcu_read_unlock();
	for (block = table->blocks; block; block = next) {
		next = block->next;
		kfree(block);
	}
	table->blocks = NULL;
	table->nr_inline = 0;
}

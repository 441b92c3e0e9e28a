/*
 * Files in flight. See rights.h.
 */
#include "net/rights.h"

#include <linux/errno.h>

#include "fs/file.h"
#include "id/cred.h"
#include "mem/alloc.h"
#include "net/unix_impl.h"
#include "sched/work.h"

static void put_delayed(struct work *work);

static struct {
	struct spinlock lock;
	struct rights  *list __guarded_by(lock);
	struct work     work;
} delayed = { .lock = SPINLOCK(RANK_LEAF), .work = WORK(put_delayed) };

int rights_alloc(uint32_t max, struct rights **out)
{
	size_t size = sizeof(struct rights) + max * sizeof(struct file *);
	struct rights *rights = kzalloc(size, ALLOC_KERNEL);

	if (!rights)
		return -ENOMEM;
	*out = rights;
	return 0;
}

int rights_send(struct rights *rights, struct user *user, uint64_t limit)
{
	int64_t count = atomic_add_return(&user->files_in_flight, rights->nr);

	if ((uint64_t)count - rights->nr > limit) {
		atomic_fetch_sub(&user->files_in_flight, rights->nr);
		return -ETOOMANYREFS;
	}
	rights->user = user_hold(user);
	unix_flight_begin(rights);
	return 0;
}

void rights_receive(struct rights *rights)
{
	if (!rights || !rights->user)
		return;
	unix_flight_end(rights);
	atomic_fetch_sub(&rights->user->files_in_flight, rights->nr);
	user_put(rights->user);
	rights->user = NULL;
}

int rights_copy(const struct rights *rights, struct rights **out)
{
	int err = rights_alloc(rights->nr, out);

	if (err)
		return err;
	for (uint32_t i = 0; i < rights->nr; i++)
		(*out)->files[i] = file_get(rights->files[i]);
	(*out)->nr = rights->nr;
	return 0;
}

static void rights_put_files(struct rights *rights)
{
	for (uint32_t i = 0; i < rights->nr; i++)
		file_put(rights->files[i]);
	kfree(rights);
}

static void put_delayed(struct work *work)
{
	struct rights *rights, *next;

	spin_lock(&delayed.lock);
	rights = delayed.list;
	delayed.list = NULL;
	spin_unlock(&delayed.lock);
	for (; rights; rights = next) {
		next = rights->next;
		rights_put_files(rights);
	}
}

void rights_free(struct rights *rights)
{
	bool has_socket = false, was_in_flight;

	if (!rights)
		return;
	was_in_flight = rights->user;
	rights_receive(rights);
	for (uint32_t i = 0; i < rights->nr; i++)
		has_socket = has_socket || file_to_socket(rights->files[i]);
	if (!was_in_flight || !has_socket) {
		rights_put_files(rights);
		return;
	}
	spin_lock(&delayed.lock);
	rights->next = delayed.list;
	delayed.list = rights;
	spin_unlock(&delayed.lock);
	work_queue_sleeping(&delayed.work);
}

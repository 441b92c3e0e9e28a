/*
 * Credentials and the counters of users: life cycle, groups. What happens to capabilities when ids
 * change is in cred_caps.c.
 *
 * Locking: users.lock guards the table of users; a user leaves it with its last reference, which
 * may be that of a signal, under the irq-safe lock of a process: so this one is irq-safe too. Creds
 * need no lock: immutable, counted, freed after a grace period.
 */
#include "id/cred.h"

#include "abi/errno.h"
#include "core/gauge.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "mem/slab.h"

enum { USER_BUCKETS = 32 };

static struct cache cred_cache = CACHE("cred", struct cred);
static struct cache user_cache = CACHE("user", struct user);

static struct cred_groups no_groups = { .refs = REFCOUNT_INIT(1) };
static struct user root_user;

struct cred cred_root = {
	.refs = REFCOUNT_INIT(1),
	.permitted = CAP_FULL,
	.effective = CAP_FULL,
	.bounding = CAP_FULL,
	.groups = &no_groups,
	.user = &root_user,
};

static struct {
	struct spinlock lock;
	struct hlist    buckets[USER_BUCKETS] __guarded_by(lock);
} users = { .lock = SPINLOCK(RANK_IRQ_LEAF), .buckets[0] = { &root_user.link } };

/* One reference of cred_root's, one so that it never goes. */
static struct user root_user = {
	.refs = REFCOUNT_INIT(2),
	.link = { .link = &users.buckets[0].first },
};

static int64_t nr_creds __atomic;

/*
 * ---- users --------------------------------------------------------------------------------------
 */

static struct user *user_find_locked(uid_t uid)
{
	struct user *user;

	hlist_for_each_entry(user, &users.buckets[uid % USER_BUCKETS], link)
		if (user->uid == uid)
			return user;
	return NULL;
}

int user_get(uid_t uid, struct user **out)
{
	struct user *fresh = cache_zalloc(&user_cache, ALLOC_KERNEL);
	struct user *user;
	uint64_t flags;

	if (!fresh)
		return -ENOMEM;
	flags = spin_lock_irqsave(&users.lock);
	user = user_find_locked(uid);
	if (user) {
		refcount_get(&user->refs);
	} else {
		refcount_init(&fresh->refs, 1);
		fresh->uid = uid;
		hlist_add(&users.buckets[uid % USER_BUCKETS], &fresh->link);
		user = fresh;
		fresh = NULL;
	}
	spin_unlock_irqrestore(&users.lock, flags);
	cache_free(&user_cache, fresh);
	*out = user;
	return 0;
}

void user_put(struct user *user)
{
	uint64_t flags;
	bool last;

	/*
	 * The count reaches 0 only with the lock held, so that user_get() never finds a dead one.
	 */
	flags = spin_lock_irqsave(&users.lock);
	last = refcount_put(&user->refs);
	if (last)
		hlist_remove(&user->link);
	spin_unlock_irqrestore(&users.lock, flags);
	if (last)
		cache_free(&user_cache, user);
}

/*
 * ---- groups -------------------------------------------------------------------------------------
 */

/* Shell sort: in place, short, and quick enough for 65536. */
static void gids_sort(gid_t *gids, uint32_t count)
{
	for (uint32_t gap = count / 2; gap; gap /= 2)
		for (uint32_t i = gap; i < count; i++)
			for (uint32_t j = i; j >= gap && gids[j - gap] > gids[j]; j -= gap) {
				gid_t gid = gids[j];

				gids[j] = gids[j - gap];
				gids[j - gap] = gid;
			}
}

int cred_groups_create(const gid_t *gids, uint32_t count, struct cred_groups **out)
{
	struct cred_groups *groups;

	debug_assert(count <= GROUPS_MAX);
	groups = kvmalloc(sizeof(*groups) + count * sizeof(gid_t), ALLOC_KERNEL);
	if (!groups)
		return -ENOMEM;
	refcount_init(&groups->refs, 1);
	groups->count = count;
	for (uint32_t i = 0; i < count; i++)
		groups->gids[i] = gids[i];
	gids_sort(groups->gids, count);
	*out = groups;
	return 0;
}

void cred_groups_put(struct cred_groups *groups)
{
	if (refcount_put(&groups->refs))
		kvfree(groups);
}

static bool groups_have(const struct cred_groups *groups, gid_t gid)
{
	uint32_t low = 0, high = groups->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (groups->gids[middle] == gid)
			return true;
		if (groups->gids[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool cred_in_group(const struct cred *cred, gid_t gid)
{
	return gid == cred->fsgid || groups_have(cred->groups, gid);
}

bool cred_in_egroup(const struct cred *cred, gid_t gid)
{
	return gid == cred->egid || groups_have(cred->groups, gid);
}

/*
 * ---- creds --------------------------------------------------------------------------------------
 */

static void cred_free_rcu(struct rcu_head *head)
{
	struct cred *cred = container_of(head, struct cred, rcu);

	cred_groups_put(cred->groups);
	user_put(cred->user);
	cache_free(&cred_cache, cred);
	atomic_dec(&nr_creds);
}

void cred_put(const struct cred *cred)
{
	struct cred *shared = (struct cred *)(uintptr_t)cred;

	if (shared && refcount_put(&shared->refs))
		rcu_call(&shared->rcu, cred_free_rcu);
}

int cred_dup(const struct cred *cred, struct cred **out)
{
	struct cred *copy = cache_alloc(&cred_cache, ALLOC_KERNEL);

	if (!copy)
		return -ENOMEM;
	*copy = *cred;
	refcount_init(&copy->refs, 1);
	refcount_get(&copy->groups->refs);
	refcount_get(&copy->user->refs);
	atomic_inc(&nr_creds);
	*out = copy;
	return 0;
}

int cred_commit(const struct cred **slot, struct cred *new)
{
	const struct cred *old = *slot;
	struct user *user;
	int err;

	if (new->uid != new->user->uid) {
		err = user_get(new->uid, &user);
		if (err) {
			cred_put(new);
			return err;
		}
		user_put(new->user);
		new->user = user;
	}
	rcu_assign(slot, new);
	cred_put(old);
	return 0;
}

struct cred *cred_lookup(const struct cred *const *slot)
{
	struct cred *cred;

	rcu_read_lock();
	do
		cred = (struct cred *)(uintptr_t)rcu_dereference(slot);
	while (!refcount_try_get(&cred->refs));
	rcu_read_unlock();
	return cred;
}

static int64_t cred_count(void)
{
	return atomic_load_relaxed(&nr_creds);
}

GAUGE("creds", cred_count);

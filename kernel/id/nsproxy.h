/*
 * The namespaces a thread lives in. struct nsproxy is immutable and counted, shared by threads that
 * were not asked to differ; a change makes a new one.
 *
 * The UTS namespace (names) is this room's. Mount and net namespaces belong to floors above and are
 * opaque here: they are carried with the operations that count them.
 */
#pragma once

#include <linux/utsname.h>

#include "core/spinlock.h"
#include "lib/refcount.h"
#include "lib/types.h"

struct mount_namespace;
struct netns;

struct uts_namespace {
	struct refcount refs;
	struct spinlock lock;
	char hostname[__NEW_UTS_LEN + 1]   __guarded_by(lock);
	char domainname[__NEW_UTS_LEN + 1] __guarded_by(lock);
};

struct nsproxy {
	struct refcount         refs;
	struct uts_namespace   *uts    __const_after_init; /* references */
	struct mount_namespace *mounts __const_after_init; /* NULL: none (kernel threads) */
	struct netns           *net    __const_after_init;
};

/* How upper floors count theirs; registered once at start. */
struct ns_ops {
	void (*get)(void *ns);
	void (*put)(void *ns);
};
void nsproxy_register_mounts(const struct ns_ops *ops);
void nsproxy_register_net(const struct ns_ops *ops);

extern struct uts_namespace uts_initial;
/* What the first process gets; init sets mounts and net before it starts one. */
extern struct nsproxy nsproxy_initial;

static inline struct nsproxy *nsproxy_get(struct nsproxy *ns)
{
	refcount_get(&ns->refs);
	return ns;
}

/* NULL does nothing. May sleep. */
void nsproxy_put(struct nsproxy *ns);

/* A new one out of three namespaces, each of which gets a reference. May sleep. -ENOMEM. */
__must_check int nsproxy_create(struct uts_namespace *uts, struct mount_namespace *mounts,
                                struct netns *net, struct nsproxy **ns);

/* A copy with names of its own (CLONE_NEWUTS), one reference. May sleep. -ENOMEM. */
__must_check int uts_namespace_dup(struct uts_namespace *uts, struct uts_namespace **copy);
void uts_namespace_put(struct uts_namespace *uts);

/* What uname(2) says. */
void uts_read(struct uts_namespace *uts, struct new_utsname *name);
/* len bytes, at most __NEW_UTS_LEN. -EINVAL. */
__must_check int uts_set_hostname(struct uts_namespace *uts, const char *name, size_t len);
__must_check int uts_set_domainname(struct uts_namespace *uts, const char *name, size_t len);

/* The constant parts of uname(2), for /proc/version too. */
extern const char uts_sysname[], uts_release[], uts_version[], uts_machine[];

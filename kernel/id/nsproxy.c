/*
 * Namespaces: the counted bundle, and the UTS namespace (host and domain name).
 */
#include "id/nsproxy.h"

#include "abi/errno.h"
#include "lib/string.h"
#include "mem/alloc.h"

const char uts_sysname[] = "Linux";
const char uts_release[] = "6.1.0-moonshot";
const char uts_version[] = "#1 SMP";
const char uts_machine[] = "x86_64";

struct uts_namespace uts_initial = {
	.refs = REFCOUNT_INIT(1),
	.lock = SPINLOCK(RANK_LEAF),
	.hostname = "(none)",
	.domainname = "(none)",
};

struct nsproxy nsproxy_initial = {
	.refs = REFCOUNT_INIT(1),
	.uts = &uts_initial,
};

static struct {
	const struct ns_ops *mounts, *net;
} ops __ro_after_init;

void nsproxy_register_mounts(const struct ns_ops *mount_ops)
{
	ops.mounts = mount_ops;
}

void nsproxy_register_net(const struct ns_ops *net_ops)
{
	ops.net = net_ops;
}

static void ns_get(const struct ns_ops *counting, void *ns)
{
	if (ns && counting)
		counting->get(ns);
}

static void ns_put(const struct ns_ops *counting, void *ns)
{
	if (ns && counting)
		counting->put(ns);
}

int nsproxy_create(struct uts_namespace *uts, struct mount_namespace *mounts, struct netns *net,
                   struct nsproxy **out)
{
	struct nsproxy *ns = kmalloc(sizeof(*ns), ALLOC_KERNEL);

	if (!ns)
		return -ENOMEM;
	refcount_init(&ns->refs, 1);
	refcount_get(&uts->refs);
	ns_get(ops.mounts, mounts);
	ns_get(ops.net, net);
	ns->uts = uts;
	ns->mounts = mounts;
	ns->net = net;
	*out = ns;
	return 0;
}

void nsproxy_put(struct nsproxy *ns)
{
	if (!ns || !refcount_put(&ns->refs))
		return;
	uts_namespace_put(ns->uts);
	ns_put(ops.mounts, ns->mounts);
	ns_put(ops.net, ns->net);
	kfree(ns);
}

int uts_namespace_dup(struct uts_namespace *uts, struct uts_namespace **out)
{
	struct uts_namespace *copy = kmalloc(sizeof(*copy), ALLOC_KERNEL);

	if (!copy)
		return -ENOMEM;
	refcount_init(&copy->refs, 1);
	spin_lock_init(&copy->lock, RANK_LEAF);
	spin_lock(&uts->lock);
	memcpy(copy->hostname, uts->hostname, sizeof(copy->hostname));
	memcpy(copy->domainname, uts->domainname, sizeof(copy->domainname));
	spin_unlock(&uts->lock);
	*out = copy;
	return 0;
}

void uts_namespace_put(struct uts_namespace *uts)
{
	if (refcount_put(&uts->refs))
		kfree(uts);
}

void uts_read(struct uts_namespace *uts, struct new_utsname *name)
{
	memset(name, 0, sizeof(*name));
	memcpy(name->sysname, uts_sysname, sizeof(uts_sysname));
	memcpy(name->release, uts_release, sizeof(uts_release));
	memcpy(name->version, uts_version, sizeof(uts_version));
	memcpy(name->machine, uts_machine, sizeof(uts_machine));
	spin_lock(&uts->lock);
	memcpy(name->nodename, uts->hostname, sizeof(name->nodename));
	memcpy(name->domainname, uts->domainname, sizeof(name->domainname));
	spin_unlock(&uts->lock);
}

static int uts_set(struct uts_namespace *uts, char *field, const char *name, size_t len)
{
	if (len > __NEW_UTS_LEN)
		return -EINVAL;
	spin_lock(&uts->lock);
	memset(field, 0, __NEW_UTS_LEN + 1);
	memcpy(field, name, len);
	spin_unlock(&uts->lock);
	return 0;
}

int uts_set_hostname(struct uts_namespace *uts, const char *name, size_t len)
{
	return uts_set(uts, uts->hostname, name, len);
}

int uts_set_domainname(struct uts_namespace *uts, const char *name, size_t len)
{
	return uts_set(uts, uts->domainname, name, len);
}

/*
 * Interfaces as names in a directory. See iface_names.h.
 */
#include "procfs/iface_names.h"

#include <linux/errno.h>

#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/netns.h"

int iface_name_find(const struct entry *entry, const char *name, struct child *out)
{
	struct iface *iface = iface_by_name(&netns_initial, name);

	if (!iface)
		return -ENOENT;
	*out = (struct child){ .entry = entry, .key = iface->index };
	iface_put(iface);
	return 0;
}

struct search {
	uint64_t *key;
	char     *name;
};

static int compare(struct iface *iface, void *data)
{
	struct search *search = data;

	if (iface->index < *search->key)
		return 0;
	*search->key = iface->index;
	(void)str_copy(search->name, iface->name, NODE_NAME_MAX);
	return 1;
}

bool iface_name_next(uint64_t *key, char *name)
{
	struct search search = { key, name };
	int result;

	iface_config_lock(&netns_initial);
	result = iface_for_each(&netns_initial, compare, &search);
	iface_config_unlock(&netns_initial);
	return result;
}

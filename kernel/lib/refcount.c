/*
 * Reference counts: what happens when one is misused.
 */
#include "lib/refcount.h"

void (*refcount_warn_hook)(const struct refcount *refcount, const char *what);

__cold void refcount_saturate(struct refcount *refcount, const char *what)
{
	atomic_store_relaxed(&refcount->value, REFCOUNT_SATURATED);
	if (refcount_warn_hook)
		refcount_warn_hook(refcount, what);
}

/*
 * Start-up of this floor.
 */
#include "core/panic.h"
#include "mem/buddy.h"
#include "vm/commit.h"
#include "vm/reclaim.h"
#include "vm/space_impl.h"
#include "vm/vdso.h"

void vm_init(void)
{
	zero_page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);
	assert(zero_page);
	commit_init();
	vdso_init();
	reclaim_init();
}

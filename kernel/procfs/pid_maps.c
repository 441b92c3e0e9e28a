/*
 * The areas of an address space: maps, smaps, smaps_rollup (proc(5)).
 *
 * Of each area the resident pages and the private copies among them are counted. How many others
 * map a page is not looked up: private copies are shown as private and dirty, all other pages as
 * shared and clean, and the proportional share is the resident size.
 */
#include "fs/context.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/super.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "procfs/pid.h"
#include "vm/backing.h"
#include "vm/space.h"

enum { NAME_COLUMN = 73, AREAS_AT_ONCE = 8 };

/* A place as the reader sees it, newlines escaped. */
static void put_path(struct text *text, const struct path *path)
{
	char *buf = kmalloc(PATH_LEN_MAX, ALLOC_KERNEL), *name;
	struct path root;

	if (!buf) {
		text->err = -ENOMEM;
		return;
	}
	fs_context_root(task_current()->fs, &root);
	if (!path_render(path, &root, false, buf, PATH_LEN_MAX, &name))
		text_put_escaped(text, name, "\n");
	path_put(&root);
	kfree(buf);
}

static void put_area(struct text *text, const struct area_info *area)
{
	const struct inode *inode = area->file ? area->file->inode : NULL;
	const dev_t dev = inode ? inode->super->dev : 0;
	const uint32_t flags = area->flags;
	size_t start = text->len;

	text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", area->start, area->end,
	            flags & VM_READ ? 'r' : '-', flags & VM_WRITE ? 'w' : '-',
	            flags & VM_EXEC ? 'x' : '-', flags & VM_SHARED ? 's' : 'p',
	            inode ? area->pgoff << PAGE_SHIFT : 0, dev_major(dev), dev_minor(dev),
	            inode ? inode->ino : 0);
	if (area->file || area->name)
		text_pad(text, start, NAME_COLUMN);
	if (area->file)
		put_path(text, &area->file->path);
	else if (area->name)
		text_puts(text, area->name);
	text_puts(text, "\n");
}

/* Some areas at a time, so that who maps and unmaps meanwhile does not wait for each line. */
static void put_areas(struct space *space, struct text *text, bool count,
                      void (*put)(struct text *text, const struct area_info *area))
{
	struct area_info areas[AREAS_AT_ONCE];
	uaddr_t at = 0;
	size_t nr;

	while (!text->err && (nr = space_areas_info(space, at, areas, AREAS_AT_ONCE, count))) {
		at = areas[nr - 1].end;
		for (size_t i = 0; i < nr; i++) {
			put(text, &areas[i]);
			area_info_put(&areas[i]);
		}
		cond_resched();
	}
}

int show_pid_maps(struct space *space, struct text *text)
{
	put_areas(space, text, false, put_area);
	return 0;
}

/* ---- smaps --------------------------------------------------------------------------------- */

struct area_sizes { /* in kB */
	size_t resident, anonymous, shmem, locked;
};

static void sizes_of(const struct area_info *area, struct area_sizes *out)
{
	const unsigned kb_shift = PAGE_SHIFT - 10;

	*out = (struct area_sizes){ .resident = area->nr_resident << kb_shift,
		                    .anonymous = area->nr_anon << kb_shift };
	if (area->backing && area->backing->is_shmem)
		out->shmem = out->resident - out->anonymous;
	if (area->flags & VM_LOCKED)
		out->locked = out->resident;
}

static void put_kb(struct text *text, const char *name, size_t kb)
{
	text_printf(text, "%-16s%8zu kB\n", name, kb);
}

/* The lines from Shared_Clean to Locked. */
static void put_sizes(struct text *text, const struct area_sizes *sizes)
{
	static const char *const none[] = {
		"LazyFree:", "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:",
		"Shared_Hugetlb:", "Private_Hugetlb:", "Swap:", "SwapPss:",
	};

	put_kb(text, "Shared_Clean:", sizes->resident - sizes->anonymous);
	put_kb(text, "Shared_Dirty:", 0);
	put_kb(text, "Private_Clean:", 0);
	put_kb(text, "Private_Dirty:", sizes->anonymous);
	put_kb(text, "Referenced:", sizes->resident);
	put_kb(text, "Anonymous:", sizes->anonymous);
	for (size_t i = 0; i < array_size(none); i++)
		put_kb(text, none[i], 0);
	put_kb(text, "Locked:", sizes->locked);
}

static void put_vm_flags(struct text *text, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		char     name[4];
	} names[] = {
		{ VM_READ, "rd" }, { VM_WRITE, "wr" }, { VM_EXEC, "ex" }, { VM_SHARED, "sh" },
		{ VM_MAYREAD, "mr" }, { VM_MAYWRITE, "mw" }, { VM_MAYEXEC, "me" },
		{ VM_MAYSHARE, "ms" }, { VM_GROWSDOWN, "gd" }, { VM_LOCKED, "lo" },
		{ VM_SEQ_READ, "sr" }, { VM_RAND_READ, "rr" }, { VM_DONTFORK, "dc" },
		{ VM_ACCOUNT, "ac" }, { VM_NORESERVE, "nr" }, { VM_WIPEONFORK, "wf" },
		{ VM_DONTDUMP, "dd" },
	};

	text_puts(text, "VmFlags: ");
	for (size_t i = 0; i < array_size(names); i++) {
		if (flags & names[i].flag)
			text_printf(text, "%s ", names[i].name);
	}
	text_puts(text, "\n");
}

static void put_smap(struct text *text, const struct area_info *area)
{
	struct area_sizes sizes;

	sizes_of(area, &sizes);
	put_area(text, area);
	put_kb(text, "Size:", (area->end - area->start) >> 10);
	put_kb(text, "KernelPageSize:", PAGE_SIZE >> 10);
	put_kb(text, "MMUPageSize:", PAGE_SIZE >> 10);
	put_kb(text, "Rss:", sizes.resident);
	put_kb(text, "Pss:", sizes.resident);
	put_kb(text, "Pss_Dirty:", sizes.anonymous);
	put_sizes(text, &sizes);
	text_puts(text, "THPeligible:    0\n");
	put_vm_flags(text, area->flags);
}

int show_pid_smaps(struct space *space, struct text *text)
{
	put_areas(space, text, true, put_smap);
	return 0;
}

static void sizes_add(struct area_sizes *sum, const struct area_info *area)
{
	struct area_sizes sizes;

	sizes_of(area, &sizes);
	sum->resident += sizes.resident;
	sum->anonymous += sizes.anonymous;
	sum->shmem += sizes.shmem;
	sum->locked += sizes.locked;
}

int show_pid_smaps_rollup(struct space *space, struct text *text)
{
	struct area_info areas[AREAS_AT_ONCE];
	struct area_sizes sum = { 0 };
	uaddr_t at = 0, first = 0;
	size_t nr;

	while ((nr = space_areas_info(space, at, areas, AREAS_AT_ONCE, true))) {
		if (!first)
			first = areas[0].start;
		at = areas[nr - 1].end;
		for (size_t i = 0; i < nr; i++) {
			sizes_add(&sum, &areas[i]);
			area_info_put(&areas[i]);
		}
		cond_resched();
	}
	text_printf(text, "%08lx-%08lx ---p 00000000 00:00 0 ", first, at);
	text_pad(text, 0, NAME_COLUMN);
	text_puts(text, "[rollup]\n");
	put_kb(text, "Rss:", sum.resident);
	put_kb(text, "Pss:", sum.resident);
	put_kb(text, "Pss_Dirty:", sum.anonymous);
	put_kb(text, "Pss_Anon:", sum.anonymous);
	put_kb(text, "Pss_File:", sum.resident - sum.anonymous - sum.shmem);
	put_kb(text, "Pss_Shmem:", sum.shmem);
	put_sizes(text, &sum);
	return 0;
}

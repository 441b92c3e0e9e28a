/*
 * ELF programs: mapped as lib/elf's checked plan says, with their interpreter beside them.
 *
 * File pages are mapped private, nothing is read here; only the tail of the last file page of a
 * segment is zeroed, and what is beyond the file is anonymous. Fixed programs go where they were
 * linked, static PIE and interpreters where mmap would put them, PIE with an interpreter at two
 * thirds of the user half as on Linux.
 */
#include <asm/mman.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/personality.h>

#include "arch/layout.h"
#include "core/random.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "lib/math.h"
#include "mem/slab.h"
#include "proc/exec_impl.h"
#include "proc/proc.h"
#include "vm/area.h"
#include "vm/space.h"

#define PIE_BASE (USER_MAX / 3 * 2)
#define PIE_RANDOM_BITS 28

struct file_reader {
	struct elf_reader reader;
	struct file      *file;
};

static ssize_t read_from_file(const struct elf_reader *reader, void *to, size_t size,
                              uint64_t offset)
{
	const struct file_reader *self = (const void *)reader /* the first member */;

	return file_read_kernel(self->file, to, size, (pos_t)offset);
}

static struct file_reader file_reader(struct file *file)
{
	return (struct file_reader){
		.reader = { .read = read_from_file, .file_size = (uint64_t)file->inode->size },
		.file = file,
	};
}

static uint32_t vm_flags_of(uint32_t segment_flags)
{
	return (segment_flags & PF_R ? VM_READ : 0) | (segment_flags & PF_W ? VM_WRITE : 0) |
	       (segment_flags & PF_X ? VM_EXEC : 0) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
}

static int map_anonymous(struct space *space, uaddr_t start, uaddr_t end, uint32_t vm_flags)
{
	struct map_request request = {
		.addr = start,
		.len = end - start,
		.vm_flags = vm_flags,
		.map_flags = MAP_FIXED,
	};
	uaddr_t where;

	return start < end ? space_map(space, &request, &where) : 0;
}

static int zero_tail(struct space *space, uaddr_t start, uaddr_t end)
{
	static const uint8_t zeroes[PAGE_SIZE];

	return space_access(space, start, (void *)(uintptr_t)zeroes, end - start,
			    SPACE_ACCESS_WRITE | SPACE_ACCESS_FORCE) == end - start ? 0 : -EFAULT;
}

static int map_file_part(struct space *space, struct file *file, const struct elf_segment *segment,
			 uaddr_t bias)
{
	uaddr_t skew = segment->vaddr % PAGE_SIZE;
	struct map_request request = {
		.addr = bias + segment->vaddr - skew,
		.len = align_up(segment->file_size + skew, PAGE_SIZE),
		.vm_flags = vm_flags_of(segment->flags),
		.map_flags = MAP_FIXED,
		.file = file,
		.pgoff = (segment->offset - skew) / PAGE_SIZE,
	};
	uaddr_t where;
	int err = file_mmap(file, &request);

	return err ? err : space_map(space, &request, &where);
}

static int map_segment(struct space *space, struct file *file, const struct elf_segment *segment,
		       uaddr_t bias)
{
	uaddr_t file_end = bias + segment->vaddr + segment->file_size;
	uaddr_t mem_end = bias + segment->vaddr + segment->mem_size;
	uaddr_t bss = segment->file_size ? align_up(file_end, PAGE_SIZE)
					 : align_down(file_end, PAGE_SIZE);
	int err = 0;

	if (segment->file_size)
		err = map_file_part(space, file, segment, bias);
	if (!err && segment->file_size && mem_end > file_end && (segment->flags & PF_W))
		err = zero_tail(space, file_end, bss);
	if (!err)
		err = map_anonymous(space, bss, align_up(mem_end, PAGE_SIZE),
		                    vm_flags_of(segment->flags));
	return err;
}

/* Keeps the whole span of a movable image free, at a place of mmap's choice or near `hint`. */
static int reserve_span(struct space *space, const struct elf_image *image, uaddr_t hint,
                        uaddr_t *bias)
{
	uaddr_t low = align_down(image->low, PAGE_SIZE);
	uaddr_t size = align_up(image->high, PAGE_SIZE) - low, slack = image->align - PAGE_SIZE,
		where;
	struct map_request request = {
		.addr = hint,
		.len = size + slack,
		.vm_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_NORESERVE,
	};
	int err = space_map(space, &request, &where);

	if (err)
		return err;
	*bias = align_up(where - low, image->align);
	return space_unmap(space, where, size + slack);
}

static int map_image(struct space *space, struct file *file, const struct elf_image *image,
		     uaddr_t hint, uaddr_t *bias)
{
	int err = 0;

	*bias = 0;
	if (image->is_position_independent)
		err = reserve_span(space, image, hint, bias);
	for (unsigned i = 0; i < image->nr_segments && !err; i++)
		err = map_segment(space, file, &image->segments[i], *bias);
	return err;
}

static void note_bounds(struct exec *exec)
{
	struct space_bounds *bounds = &exec->space->bounds;

	*bounds = (struct space_bounds){ .start_code = ~0ul };
	for (unsigned i = 0; i < exec->image.nr_segments; i++) {
		const struct elf_segment *segment = &exec->image.segments[i];
		uaddr_t start = exec->load_bias + segment->vaddr, end = start + segment->file_size;

		if ((segment->flags & PF_X) && start < bounds->start_code)
			bounds->start_code = start;
		if ((segment->flags & PF_X) && end > bounds->end_code)
			bounds->end_code = end;
		if (start > bounds->start_data)
			bounds->start_data = start;
		if (end > bounds->end_data)
			bounds->end_data = end;
	}
}

/* What is wrong with the interpreter is said before anything is mapped. */
static int read_interpreter(struct exec *exec, struct file *file)
{
	struct file_reader reader = file_reader(file);
	int err;

	if (reader.reader.file_size < sizeof(Elf64_Ehdr))
		return -EIO;
	err = elf_read(&reader.reader, USER_MAX, &exec->interp_image);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

static int open_interpreter(struct exec *exec, const struct file_reader *reader,
			    const struct walk_from *from, struct file **out)
{
	char *path = kmalloc(exec->image.interpreter_size, ALLOC_KERNEL);
	int err = -ENOMEM;

	if (path)
		err = elf_read_interpreter(&reader->reader, &exec->image, path,
					   exec->image.interpreter_size);
	if (!err)
		err = file_open_exec(from, path, LOOKUP_FOLLOW, out);
	kfree(path);
	return err ? err : read_interpreter(exec, *out);
}

static int load_interpreter(struct exec *exec, struct file *file)
{
	uaddr_t bias;
	int err = map_image(exec->space, file, &exec->interp_image, 0, &bias);

	if (err)
		return err;
	exec->interp_base = bias;
	exec->entry = bias + exec->interp_image.entry;
	return 0;
}

uint32_t exec_personality(const struct exec *exec)
{
	return proc_current()->personality & ~(exec->secure ? PER_CLEAR_ON_SETID : 0u);
}

bool exec_is_random(const struct exec *exec)
{
	return READ_ONCE(space_randomize) && !(exec_personality(exec) & ADDR_NO_RANDOMIZE);
}

static int create_space(struct exec *exec)
{
	const struct rlimits *limits = &proc_current()->limits;
	struct space_limits space_limits = {
		.as = rlimit_get(limits, RLIMIT_AS),
		.data = rlimit_data(limits),
		.stack = rlimit_get(limits, RLIMIT_STACK),
		.memlock = cred_capable(exec->cred, CAP_IPC_LOCK)
		                   ? ~0ul
		                   : rlimit_get(limits, RLIMIT_MEMLOCK),
	};
	bool randomize = exec_is_random(exec);

	return space_create(&space_limits, randomize, &exec->space);
}

static uaddr_t load_hint(const struct exec *exec, bool randomize)
{
	uint64_t shift = randomize ? random_below(1ul << PIE_RANDOM_BITS) << PAGE_SHIFT : 0;

	return exec->image.has_interpreter ? PIE_BASE - PIE_BASE % PAGE_SIZE + shift : 0;
}

/* Everything of the program but its stack's content. */
static int map_program(struct exec *exec, struct file *interpreter)
{
	bool randomize = exec_is_random(exec);
	bool exec_stack = !exec->image.has_stack_header || exec->image.wants_executable_stack;
	int err = create_space(exec);

	if (!err)
		err = space_stack_create(exec->space, exec_stack, randomize, &exec->stack_top);
	if (!err)
		err = map_image(exec->space, exec->file, &exec->image, load_hint(exec, randomize),
				&exec->load_bias);
	if (err)
		return err;
	exec->entry = exec->load_bias + exec->image.entry;
	note_bounds(exec);
	space_set_brk_start(exec->space, exec->load_bias + exec->image.high,
	                    randomize && READ_ONCE(space_randomize) > 1);
	if (interpreter)
		err = load_interpreter(exec, interpreter);
	return err ? err : space_map_vdso(exec->space);
}

int exec_load_elf(struct exec *exec, const struct walk_from *from)
{
	struct file_reader reader = file_reader(exec->file);
	struct file *interpreter = NULL;
	int err = elf_read(&reader.reader, USER_MAX, &exec->image);

	if (!err && exec->image.has_interpreter)
		err = open_interpreter(exec, &reader, from, &interpreter);
	if (!err)
		err = map_program(exec, interpreter);
	if (interpreter)
		file_put(interpreter);
	return err ? err : exec_build_stack(exec);
}

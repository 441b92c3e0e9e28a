/*
 * The initial stack, which is ABI (System V psABI for AMD64, "Initial Process Stack";
 * getauxval(3)):
 *
 *     top    8 zero bytes
 *            name of the program (AT_EXECFN)
 *            environment strings, argument strings
 *            "x86_64" (AT_PLATFORM), 16 random bytes (AT_RANDOM)
 *            padding
 *            auxiliary vector, ends with AT_NULL
 *            environment pointers, NULL, argument pointers, NULL
 *     sp     argc                                     16-byte aligned
 */
#include <asm/auxvec.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/errno.h>

#include "arch/cpu.h"
#include "arch/signal.h"
#include "core/random.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "proc/exec_impl.h"
#include "proc/task.h"
#include "vm/space.h"

#define NR_AUXV      24
#define CLOCK_TICKS  100 /* USER_HZ */
#define STACK_GAP_MAX 8192 /* below the strings, by chance: the stack is not only moved by pages */

static const char platform[] = "x86_64";

struct stack_writer {
	struct exec *exec;
	uint64_t    *words;    /* the pointer block under construction */
	size_t       nr_words;
	uaddr_t      at;       /* where the next string byte goes */
	bool         at_start; /* of a string */
	uint32_t     strings;  /* begun so far */
};

static int write_bytes(struct exec *exec, uaddr_t at, const void *bytes, size_t n)
{
	return space_access(exec->space, at, (void *)(uintptr_t)bytes, n,
			    SPACE_ACCESS_WRITE | SPACE_ACCESS_FORCE) == n ? 0 : -E2BIG;
}

/*
 * Where the pointer to string number i goes in the block: after argc, and over the NULL that ends
 * argv.
 */
static size_t pointer_slot(const struct exec_args *args, uint32_t i)
{
	return i < args->argc ? 1 + i : 2 + i;
}

static int write_run(void *context, const char *bytes, size_t n)
{
	struct stack_writer *writer = context;
	int err = write_bytes(writer->exec, writer->at, bytes, n);

	for (size_t i = 0; i < n && !err; i++) {
		if (writer->at_start) {
			writer->words[pointer_slot(&writer->exec->args, writer->strings)] =
				writer->at + i;
			writer->strings++;
		}
		writer->at_start = !bytes[i];
	}
	writer->at += n;
	return err;
}

struct auxv {
	uint64_t *words;
	size_t    n;
};

static void aux(struct auxv *auxv, uint64_t type, uint64_t value)
{
	auxv->words[auxv->n++] = type;
	auxv->words[auxv->n++] = value;
}

/* In Linux's order; /proc/PID/auxv and the stack agree because the first reads the second. */
static void fill_auxv(struct exec *exec, uint64_t *words, uaddr_t random, uaddr_t execfn,
                      uaddr_t name)
{
	const struct cred *cred = exec->cred;
	struct auxv auxv = { .words = words };

	if (exec->space->vdso)
		aux(&auxv, AT_SYSINFO_EHDR, exec->space->vdso);
	aux(&auxv, AT_MINSIGSTKSZ, arch_signal_frame_size_max());
	aux(&auxv, AT_HWCAP, cpu_hwcap());
	aux(&auxv, AT_PAGESZ, PAGE_SIZE);
	aux(&auxv, AT_CLKTCK, CLOCK_TICKS);
	aux(&auxv, AT_PHDR, exec->image.phdr_vaddr ? exec->load_bias + exec->image.phdr_vaddr : 0);
	aux(&auxv, AT_PHENT, sizeof(Elf64_Phdr));
	aux(&auxv, AT_PHNUM, exec->image.nr_phdrs);
	aux(&auxv, AT_BASE, exec->interp_base);
	aux(&auxv, AT_FLAGS, 0);
	aux(&auxv, AT_ENTRY, exec->load_bias + exec->image.entry);
	aux(&auxv, AT_UID, cred->uid);
	aux(&auxv, AT_EUID, cred->euid);
	aux(&auxv, AT_GID, cred->gid);
	aux(&auxv, AT_EGID, cred->egid);
	aux(&auxv, AT_SECURE, exec->secure);
	aux(&auxv, AT_RANDOM, random);
	aux(&auxv, AT_HWCAP2, cpu_hwcap2());
	aux(&auxv, AT_EXECFN, execfn);
	aux(&auxv, AT_PLATFORM, name);
	aux(&auxv, AT_NULL, 0);
}

int exec_build_stack(struct exec *exec)
{
	struct exec_args *args = &exec->args;
	size_t name_size = strlen(exec->name) + 1, strings = exec_args_total(args);
	uaddr_t execfn = exec->stack_top - 8 - name_size, first = execfn - strings;
	uaddr_t gap = exec_is_random(exec) ? random_below(STACK_GAP_MAX) : 0;
	uaddr_t name = align_down(first - gap - sizeof(platform), 16), random = name - 16;
	size_t nr_words = 1 + args->argc + 1 + args->envc + 1 + 2 * NR_AUXV;
	struct stack_writer writer = { .exec = exec, .at = first, .at_start = true };
	uint8_t seed[16];
	int err;

	writer.words = kzalloc(nr_words * sizeof(uint64_t), ALLOC_KERNEL);
	if (!writer.words)
		return -ENOMEM;
	exec->sp = align_down(random - nr_words * sizeof(uint64_t), 16);
	writer.words[0] = args->argc;
	random_bytes(seed, sizeof(seed));
	err = exec_args_for_each_run(args, write_run, &writer);
	if (!err)
		err = write_bytes(exec, execfn, exec->name, name_size);
	if (!err)
		err = write_bytes(exec, name, platform, sizeof(platform));
	if (!err)
		err = write_bytes(exec, random, seed, sizeof(seed));
	fill_auxv(exec, writer.words + 3 + args->argc + args->envc, random, execfn, name);
	if (!err)
		err = write_bytes(exec, exec->sp, writer.words, nr_words * sizeof(uint64_t));
	kfree(writer.words);

	exec->space->bounds.start_stack = exec->sp;
	exec->space->bounds.arg_start = first;
	exec->space->bounds.arg_end = first + args->front_size + args->args_size - args->dropped;
	exec->space->bounds.env_start = exec->space->bounds.arg_end;
	exec->space->bounds.env_end = first + strings;
	exec->space->bounds.auxv = exec->sp + (3 + args->argc + args->envc) * sizeof(uint64_t);
	return err;
}

/*
 * What the files of exec share: the work in progress.
 */
#pragma once

#include "fs/path.h"
#include "lib/elf.h"
#include "lib/types.h"
#include "proc/exec_args.h"

struct cred;
struct fdtable;
struct file;
struct sighand;
struct space;

/* What the kinds of programs are told apart by; also the longest `#!` line. */
#define EXEC_HEAD_SIZE 256

struct exec {
	struct exec_args  args;
	struct file      *file;   /* the program to map: a script's interpreter in the end */
	char             *name;   /* as the caller named it: AT_EXECFN, and the comm of a script */
	/* how a nested script is called; "": by `name` */
	char              script_name[EXEC_HEAD_SIZE];
	/* name is a descriptor that closes on exec: a script cannot be reopened */
	bool              is_hidden;
	char              head[EXEC_HEAD_SIZE];
	size_t            head_size;
	unsigned          depth;  /* of interpreters */

	struct cred      *cred;   /* for the new program; a private copy until the commit */
	bool              secure; /* AT_SECURE */
	bool              is_fs_own; /* no other process shares the root and working directory */
	struct elf_image  image;
	struct elf_image  interp_image;
	struct space     *space;
	uaddr_t           load_bias, interp_base; /* interp_base 0: no interpreter */
	uaddr_t           entry;  /* where user mode starts */
	uaddr_t           stack_top, sp;

	/* Taken out of sharing before the point of no return; NULL: already its own. */
	struct fdtable   *own_files;
	struct sighand   *own_sighand;
};

/*
 * `#!`: the interpreter becomes exec->file and its words arguments. 0, or -ENOEXEC when it is no
 * script.
 */
int exec_load_script(struct exec *exec, const struct walk_from *from);

/* An ELF program: maps it and its interpreter into exec->space. -ENOEXEC when it is none. */
int exec_load_elf(struct exec *exec, const struct walk_from *from);

/* The new program's: who gains rights is not made easier to attack. personality(2) */
uint32_t exec_personality(const struct exec *exec);

/* Whether chance places the new program. */
bool exec_is_random(const struct exec *exec);

/* Writes strings, auxiliary vector and pointers; sets exec->sp. */
int exec_build_stack(struct exec *exec);

/* The point of no return and what follows. -EINTR or -ENOMEM only before it. */
int exec_commit(struct exec *exec);

/*
 * The secure attention key. See tty/sak.h.
 *
 * The key may come in an interrupt, so a thread does the work. Killed are the processes of the
 * session that the terminal controls, and those that have it open; init is neither.
 */
#include "tty/sak.h"

#include <asm/signal.h>

#include "core/printk.h"
#include "core/sysrq.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "proc/proc.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "sched/work.h"
#include "tty/tty.h"

static void kill_users(struct work *work);

static struct {
	struct tty *tty __const_after_init; /* NULL: there is no console */
	struct work work;
} sak = { .work = WORK(kill_users) };

static bool is_in_session(struct proc *proc)
{
	bool is;

	spin_lock(&proc_tree_lock);
	is = proc->session && proc->session->tty == sak.tty;
	spin_unlock(&proc_tree_lock);
	return is;
}

static bool is_of_tty(const struct file *file)
{
	const struct tty_file *tf = file->private;

	return file->ops == &tty_file_ops && tf && tf->tty == sak.tty;
}

/* The first descriptor that is the terminal, or -1. */
static int find_descriptor(struct fdtable *files)
{
	for (int fd = fd_next(files, 0); fd >= 0; fd = fd_next(files, fd + 1)) {
		struct file *file = fdtable_get_file(files, fd);
		bool is = file && is_of_tty(file);

		if (file)
			file_put(file);
		if (is)
			return fd;
	}
	return -1;
}

static int descriptor_of(struct proc *proc)
{
	struct task *leader = task_lookup(proc_tgid(proc));
	struct fdtable *files = leader ? task_files_look(leader) : NULL;
	int fd = files ? find_descriptor(files) : -1;

	if (files)
		fdtable_memory_put(files);
	if (leader)
		task_put(leader);
	return fd;
}

static void kill_if_user(struct proc *proc)
{
	bool in_session = is_in_session(proc);
	int fd = in_session ? -1 : descriptor_of(proc);

	if (!in_session && fd < 0)
		return;
	if (in_session)
		pr_notice("SAK: killed process %d (%s): by session\n", proc_tgid(proc),
		          proc->leader->thread.name);
	else
		pr_notice("SAK: killed process %d (%s): by fd#%d\n", proc_tgid(proc),
		          proc->leader->thread.name, fd);
	(void)signal_send_proc(proc, SIGKILL, SIGINFO_KERNEL);
}

static void kill_users(struct work *work)
{
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		next = proc_tgid(proc) + 1;
		if (proc != proc_init())
			kill_if_user(proc);
	}
}

static void press(char key)
{
	if (sak.tty)
		work_queue_sleeping(&sak.work);
}

static const struct sysrq_key keys[] = {
	{ 'k', 'k', SYSRQ_KEYBOARD, "sak(k)", "SAK", press },
};

void sak_init(struct tty *tty)
{
	sak.tty = tty;
	sysrq_register(keys, array_size(keys));
}

/*
 * signalfd(2). See signalfd.h.
 *
 * Readers and pollers sleep on a queue in the table of signal actions, which all tasks of a process
 * share; it is freed by RCU after pollers have been told to let go of it.
 */
#include "proc/signalfd.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/signalfd.h>

#include "abi/errno.h"
#include "fs/file.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "mem/slab.h"
#include "proc/signal_impl.h"
#include "sched/poll.h"
#include "vm/uio.h"

struct signalfd {
	uint64_t mask __atomic; /* of the signals wanted */
};

static struct cache signalfd_slab = CACHE("signalfd", struct signalfd);

static struct signalfd *to_signalfd(const struct file *file)
{
	return file->private;
}

void signalfd_notify_locked(struct task *task)
{
	if (task->sighand && wait_queue_is_active(&task->sighand->readers))
		wake_up_key(&task->sighand->readers, EPOLLIN, INT32_MAX);
}

/* ---- records ------------------------------------------------------------------------ */

enum info_layout { INFO_KILL, INFO_TIMER, INFO_POLL, INFO_FAULT, INFO_CHILD, INFO_QUEUE, INFO_SYS };

/* Which of siginfo's members are meant, for codes that the kernel gives: sigaction(2). */
static enum info_layout layout_of_kernel(int sig)
{
	switch (sig) {
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
		return INFO_FAULT;
	case SIGCHLD:
		return INFO_CHILD;
	case SIGSYS:
		return INFO_SYS;
	default:
		return INFO_POLL;
	}
}

static enum info_layout layout_of(const siginfo_t *info)
{
	if (info->si_code > SI_USER && info->si_code < SI_KERNEL)
		return layout_of_kernel(info->si_signo);
	if (info->si_code == SI_TIMER)
		return INFO_TIMER;
	if (info->si_code == SI_SIGIO)
		return INFO_POLL;
	return info->si_code < 0 ? INFO_QUEUE : INFO_KILL;
}

static void record_fill(const siginfo_t *info, struct signalfd_siginfo *out)
{
	*out = (struct signalfd_siginfo){
		.ssi_signo = (uint32_t)info->si_signo,
		.ssi_errno = info->si_errno,
		.ssi_code = info->si_code,
	};
	switch (layout_of(info)) {
	case INFO_TIMER:
		out->ssi_tid = (uint32_t)info->si_tid;
		out->ssi_overrun = (uint32_t)info->si_overrun;
		out->ssi_ptr = (uintptr_t)info->si_ptr;
		out->ssi_int = info->si_int;
		break;
	case INFO_POLL:
		out->ssi_band = (uint32_t)info->si_band;
		out->ssi_fd = info->si_fd;
		break;
	case INFO_FAULT:
		out->ssi_addr = (uintptr_t)info->si_addr;
		break;
	case INFO_CHILD:
		out->ssi_pid = (uint32_t)info->si_pid;
		out->ssi_uid = info->si_uid;
		out->ssi_status = info->si_status;
		out->ssi_utime = (uint64_t)info->si_utime;
		out->ssi_stime = (uint64_t)info->si_stime;
		break;
	case INFO_SYS:
		out->ssi_call_addr = (uintptr_t)info->si_call_addr;
		out->ssi_syscall = info->si_syscall;
		out->ssi_arch = info->si_arch;
		break;
	case INFO_QUEUE:
		out->ssi_ptr = (uintptr_t)info->si_ptr;
		out->ssi_int = info->si_int;
		__fallthrough;
	case INFO_KILL:
		out->ssi_pid = (uint32_t)info->si_pid;
		out->ssi_uid = info->si_uid;
		break;
	}
}

/* ---- the file ----------------------------------------------------------------------- */

/* The next signal, waiting for it if `wait`. EAGAIN, -ERESTARTSYS. */
static int next_signal(struct signalfd *self, siginfo_t *info, bool wait)
{
	struct wait_queue *readers = &task_current()->sighand->readers;
	int sig = signal_dequeue(atomic_load_relaxed(&self->mask), info), err;

	if (sig)
		return sig;
	if (!wait)
		return -EAGAIN;
	err = wait_event_interruptible(
		readers, (sig = signal_dequeue(atomic_load_relaxed(&self->mask), info)) != 0);
	return err ? err : sig;
}

static ssize_t signalfd_read(struct io *io)
{
	struct signalfd *self = to_signalfd(io->file);
	struct signalfd_siginfo record;
	siginfo_t info;
	ssize_t done = 0;

	if (io->uio->remaining < sizeof(record))
		return -EINVAL;
	while (io->uio->remaining >= sizeof(record)) {
		int sig = next_signal(self, &info, !done && file_may_wait(io));

		if (sig < 0)
			return done ? done : sig;
		record_fill(&info, &record);
		if (uio_copy_out(io->uio, &record, sizeof(record)) < sizeof(record))
			return done ? done : -EFAULT;
		done += sizeof(record);
	}
	return done;
}

static unsigned int signalfd_poll(struct file *file, struct poller *poller)
{
	struct sighand *sighand = task_current()->sighand;

	atomic_store_relaxed(&sighand->is_polled, true);
	poller_add(poller, &sighand->readers);
	return signal_pending_set() & atomic_load_relaxed(&to_signalfd(file)->mask) ? EPOLLIN : 0;
}

static void signalfd_release(struct file *file)
{
	cache_free(&signalfd_slab, file->private);
}

static int signalfd_show_fdinfo(struct file *file, char *buf, size_t size)
{
	return snprintf(buf, size, "sigmask:\t%016lx\n", to_signalfd(file)->mask);
}

static const struct file_ops signalfd_file_ops = {
	.seek = file_seek_nowhere,
	.release = signalfd_release,
	.read = signalfd_read,
	.poll = signalfd_poll,
	.show_fdinfo = signalfd_show_fdinfo,
};

bool file_is_signalfd(const struct file *file)
{
	return file->ops == &signalfd_file_ops;
}

void signalfd_set_mask(struct file *file, uint64_t mask)
{
	atomic_store_release(&to_signalfd(file)->mask, mask); /* pairs with the queue's lock */
	wake_up_all(&task_current()->sighand->readers);
}

int signalfd_create(uint64_t mask, unsigned int flags, struct file **out)
{
	struct signalfd *self = cache_alloc(&signalfd_slab, ALLOC_KERNEL);
	int err;

	if (!self)
		return -ENOMEM;
	self->mask = mask;
	err = file_create_anonymous("anon_inode:[signalfd]", &signalfd_file_ops, self,
				    task_current()->cred, O_RDWR | (flags & SFD_NONBLOCK), out);
	if (err)
		cache_free(&signalfd_slab, self);
	return err;
}

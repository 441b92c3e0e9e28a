/*
 * copy_file_range(2).
 */
#include <linux/errno.h>
#include <linux/resource.h>

#include "fs/copy.h"
#include "fs/fdtable.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

/* Where to start: at the offset given, or at the file's own position. */
static int position_load(const struct file *file, const pos_t __user *offset, pos_t *position)
{
	if (offset)
		return get_user(*position, offset);
	*position = file->position;
	return 0;
}

static int position_store(struct file *file, pos_t __user *offset, pos_t position)
{
	if (offset)
		return put_user(position, offset);
	file->position = position;
	return 0;
}

static ssize_t copy_files(struct copy_request *request, pos_t __user *in_offset,
                          pos_t __user *out_offset)
{
	ssize_t n = position_load(request->in, in_offset, &request->in_position);

	if (!n)
		n = position_load(request->out, out_offset, &request->out_position);
	if (n)
		return n;
	n = file_copy_range(request);
	if (n > 0 && (position_store(request->in, in_offset, request->in_position) ||
	              position_store(request->out, out_offset, request->out_position)))
		return -EFAULT;
	if (n == -EFBIG)
		(void)signal_send_task(task_current(), SIGXFSZ, SIGINFO_KERNEL);
	return n;
}

long sys_copy_file_range(int in_fd, pos_t __user *in_offset, int out_fd, pos_t __user *out_offset,
                         size_t count, unsigned int flags)
{
	struct fdtable *files = task_current()->files;
	struct copy_request request = { .len = count, .size_limit = proc_limit(RLIMIT_FSIZE) };
	struct fd_borrow in, out;
	ssize_t result = -EBADF;

	if (!fd_borrow_io(files, in_fd, &in))
		return -EBADF;
	if (fd_borrow_io(files, out_fd, &out)) {
		request.in = in.file;
		request.out = out.file;
		result = flags ? -EINVAL : copy_files(&request, in_offset, out_offset);
		fd_return(&out);
	}
	fd_return(&in);
	return result;
}

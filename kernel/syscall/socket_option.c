/*
 * setsockopt(2), getsockopt(2): values in and out, and the user pointers that some contain.
 *
 * A value of a size that no option has is cut to SOCKET_OPTION_MAX: options read what they know of
 * it.
 */
#include <linux/errno.h>
#include <linux/filter.h>

#include "fs/file.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "proc/proc.h"
#include "syscall/prototypes.h"
#include "syscall/socket_impl.h"

/* Room for `size` bytes, zeroed. ENOMEM. */
static int option_room(struct socket_option *option, uint32_t size)
{
	option->bytes = option->room;
	if (size > SOCKET_OPTION_INLINE)
		option->bytes = kzalloc(size, ALLOC_KERNEL);
	return option->bytes ? 0 : -ENOMEM;
}

static void option_room_put(struct socket_option *option)
{
	if (option->bytes != option->room)
		kfree(option->bytes);
}

/* No option of SOL_SOCKET is larger, and a program may give a size beyond its memory. */
static uint32_t size_used(int level, int size)
{
	return min((uint32_t)size, level == SOL_SOCKET ? (uint32_t)SOCKET_NAME_MAX
						       : (uint32_t)SOCKET_OPTION_MAX);
}

/* ---- setting ------------------------------------------------------------------------ */

/* A classic BPF program: the instructions become the option's bytes. */
static int program_read(struct socket_option *option, const void __user *value, int size)
{
	struct sock_fprog program;
	int err;

	if (size != sizeof(program))
		return -EINVAL;
	if (copy_from_user(&program, value, sizeof(program)))
		return -EFAULT;
	if (!program.len || program.len > BPF_MAXINSNS)
		return -EINVAL;
	option->size = program.len * (uint32_t)sizeof(struct sock_filter);
	err = option_room(option, option->size);
	if (err)
		return err;
	return copy_from_user(option->bytes, (const void __force __user *)program.filter,
			      option->size);
}

static int value_read(struct socket_option *option, const void __user *value, int size)
{
	int err;

	if (size < 0)
		return -EINVAL;
	if (option->level == SOL_SOCKET && option->name == SO_ATTACH_FILTER)
		return program_read(option, value, size);
	option->size = size_used(option->level, size);
	err = option_room(option, option->size);
	if (err)
		return err;
	err = copy_from_user(option->bytes, value, option->size);
	/* What is larger is found by its first bytes as well. */
	if (!err && option->bytes != option->room)
		memcpy(option->room, option->bytes, sizeof(option->room));
	return err;
}

long sys_setsockopt(int fd, int level, int option_name, const char __user *value, int size)
{
	struct socket_option option = {
		.level = level, .name = option_name, .cred = task_current()->cred,
	};
	struct fd_borrow borrow;
	struct socket *socket;
	int err = socket_borrow(fd, &borrow, &socket);

	if (err)
		return err;
	option.bytes = option.room;
	err = value_read(&option, value, size);
	if (!err)
		err = socket_set_option(socket, &option);
	option_room_put(&option);
	fd_return(&borrow);
	return err;
}

/* ---- asking ------------------------------------------------------------------------- */

/*
 * SO_GET_FILTER counts in instructions, tells how many there are, and takes no less room than for
 * all.
 */
static int program_ask(struct socket *socket, struct socket_option *option, char __user *value,
		       int __user *user_size, uint32_t max)
{
	uint32_t nr;
	int err;

	option->size = BPF_MAXINSNS * (uint32_t)sizeof(struct sock_filter);
	err = option_room(option, option->size);
	if (!err)
		err = socket_get_option(socket, option);
	if (err)
		return err;
	nr = option->size / (uint32_t)sizeof(struct sock_filter);
	if (max && max < nr)
		return -EINVAL;
	if (max && copy_to_user(value, option->bytes, option->size))
		return -EFAULT;
	return put_user((int)nr, user_size);
}

static int value_ask(struct socket *socket, struct socket_option *option, char __user *value,
		     int __user *user_size)
{
	uint32_t room;
	int size, err;

	if (get_user(size, user_size))
		return -EFAULT;
	if (size < 0)
		return -EINVAL;
	if (option->level == SOL_SOCKET && option->name == SO_GET_FILTER)
		return program_ask(socket, option, value, user_size, (uint32_t)size);
	option->size = room = min((uint32_t)size, (uint32_t)SOCKET_OPTION_MAX);
	err = option_room(option, option->size);
	if (err)
		return err;
	/* Some answers depend on what is there before; who gives too little memory gets zeroes. */
	if (option->level != SOL_SOCKET &&
	    copy_from_user(option->bytes, value, min(option->size, (uint32_t)SOCKET_OPTION_INLINE)))
		memset(option->bytes, 0, option->size);
	err = socket_get_option(socket, option);
	/* SO_PEERGROUPS tells how much room it takes. */
	if (err == -ERANGE && put_user((int)option->size, user_size))
		return -EFAULT;
	if (err)
		return err;
	if (copy_to_user(value, option->bytes, min(option->size, room)))
		return -EFAULT;
	return put_user((int)option->size, user_size);
}

long sys_getsockopt(int fd, int level, int option_name, char __user *value, int __user *size)
{
	struct socket_option option = {
		.level = level, .name = option_name, .cred = task_current()->cred,
	};
	struct fd_borrow borrow;
	struct socket *socket;
	int err = socket_borrow(fd, &borrow, &socket);

	if (err)
		return err;
	option.bytes = option.room;
	err = value_ask(socket, &option, value, size);
	option_room_put(&option);
	fd_return(&borrow);
	return err;
}

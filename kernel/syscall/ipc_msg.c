/*
 * msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 */
#include <linux/errno.h>
#include <linux/msg.h>

#include "ipc/msg.h"
#include "lib/math.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

/* A message in user memory: its type, then the text. */
struct user_text {
	long    type;
	uint8_t text[];
};

long sys_msgget(int key, int flags)
{
	return msg_get(key, flags);
}

long sys_msgsnd(int id, const void __user *buf, size_t size, int flags)
{
	const struct user_text __user *from = buf;
	struct message_sysv *message;
	long type;
	int err;

	if (get_user(type, &from->type))
		return -EFAULT;
	if (size > (size_t)READ_ONCE(msg_limits.max_size) || id < 0 || type < 1)
		return -EINVAL;
	message = msg_alloc(size);
	if (!message)
		return -ENOMEM;
	message->type = type;
	err = copy_from_user(message->text, from->text, size);
	if (!err)
		err = msg_send(id, message, flags);
	if (err)
		msg_free(message);
	return err;
}

/* What fits of the message, and how much it was. */
static long give(struct message_sysv *message, void __user *buf, size_t room)
{
	struct user_text __user *to = buf;
	const size_t size = min(message->size, room);
	long result = (long)size;

	if (put_user(message->type, &to->type) || copy_to_user(to->text, message->text, size))
		result = -EFAULT;
	msg_free(message);
	return result;
}

static long receive_copy(int id, const struct msg_wish *wish, void __user *buf)
{
	struct message_sysv *message;
	int err;

	if (wish->flags & MSG_EXCEPT || !(wish->flags & IPC_NOWAIT))
		return -EINVAL;
	message = msg_alloc(min(wish->size, (size_t)READ_ONCE(msg_limits.max_size)));
	if (!message)
		return -ENOMEM;
	err = msg_copy(id, wish, message);
	if (!err)
		return give(message, buf, wish->size);
	msg_free(message);
	return err;
}

long sys_msgrcv(int id, void __user *buf, size_t size, long type, int flags)
{
	const struct msg_wish wish = { size, type, flags };
	struct message_sysv *message;
	int err;

	if (id < 0 || (long)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY)
		return receive_copy(id, &wish, buf);
	err = msg_receive(id, &wish, &message);
	return err ? err : give(message, buf, size);
}

/* ---- msgctl(2) ------------------------------------------------------------------------------- */

static long stat_queue(int id, int command, void __user *buf)
{
	struct msqid64_ds ds;
	int result = msg_stat(id, command, &ds);

	return result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : result;
}

static long change_queue(int id, const void __user *buf)
{
	struct msqid64_ds ds;

	return copy_from_user(&ds, buf, sizeof(ds)) ? -EFAULT : msg_change(id, &ds);
}

static long tell_info(int command, void __user *buf)
{
	struct msginfo info;
	int highest = msg_info(command, &info);

	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : highest;
}

long sys_msgctl(int id, int command, void __user *buf)
{
	if (id < 0 || command < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case MSG_INFO:
		return tell_info(command, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return stat_queue(id, command, buf);
	case IPC_SET:
		return change_queue(id, buf);
	case IPC_RMID:
		return msg_remove(id);
	default:
		return -EINVAL;
	}
}

/*
 * Control data of messages. See control.h.
 */
#include "syscall/control.h"

#include <linux/errno.h>

#include "fs/fdtable.h"
#include "id/cred.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "net/rights.h"
#include "net/socket.h"
#include "proc/proc.h"
#include "syscall/fd.h"
#include "syscall/socket_impl.h"
#include "vm/usercopy.h"

enum { CONTROL_MAX = 20480, OVERFLOW_ID = 65534 };

/* ---- from the program --------------------------------------------------------------- */

/* Takes references on the files of these descriptors. */
static int rights_read(struct message *message, const uint8_t *data, size_t size)
{
	size_t count = size / sizeof(int);
	struct rights *rights;
	struct file *file;
	int fd, err;

	if (!message->rights) {
		err = rights_alloc(SCM_MAX_FD, &message->rights);
		if (err)
			return err;
	}
	rights = message->rights;
	if (rights->nr + count > SCM_MAX_FD)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		__builtin_memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		file = fdtable_get_file(task_current()->files, fd);
		if (!file)
			return -EBADF;
		rights->files[rights->nr++] = file;
	}
	return 0;
}

static bool may_claim(uint32_t id, uint32_t real, uint32_t effective, uint32_t saved)
{
	return id == real || id == effective || id == saved;
}

/* Nobody pretends to be another without the capability for it. */
static int ucred_read(struct message *message, const uint8_t *data, size_t size,
		      const struct socket_caller *caller)
{
	const struct cred *cred = caller->from->cred;
	struct ucred ucred;

	if (size != sizeof(ucred))
		return -EINVAL;
	__builtin_memcpy(&ucred, data, sizeof(ucred));
	if (ucred.uid == (uint32_t)-1 || ucred.gid == (uint32_t)-1)
		return -EINVAL;
	if (ucred.pid != caller->ucred.pid && !cred_capable(cred, CAP_SYS_ADMIN))
		return -EPERM;
	if (!may_claim(ucred.uid, cred->uid, cred->euid, cred->suid) &&
	    !cred_capable(cred, CAP_SETUID))
		return -EPERM;
	if (!may_claim(ucred.gid, cred->gid, cred->egid, cred->sgid) &&
	    !cred_capable(cred, CAP_SETGID))
		return -EPERM;
	if (ucred.pid != caller->ucred.pid) {
		struct pid *pid = pid_lookup((pid_t)ucred.pid);

		if (!pid)
			return -ESRCH;
		pid_put(pid);
	}
	message->ucred = ucred;
	message->has_ucred = true;
	return 0;
}

/* Files and credentials: what is of no other level is passed by. unix(7), netlink(7) */
static int rights_item(struct message *message, const struct cmsghdr *header, bool may_send_files)
{
	const uint8_t *data = (const uint8_t *)(header + 1);
	size_t size = header->cmsg_len - sizeof(*header);

	if (header->cmsg_level != SOL_SOCKET)
		return 0;
	if (header->cmsg_type == SCM_RIGHTS && may_send_files)
		return rights_read(message, data, size);
	if (header->cmsg_type == SCM_CREDENTIALS)
		return ucred_read(message, data, size, message->caller);
	return -EINVAL;
}

/* What the network takes of SOL_SOCKET; files and credentials mean nothing there. */
static int network_item(struct message *message, const struct cmsghdr *header)
{
	const struct cred *cred = task_current()->cred;
	bool is_int = header->cmsg_len == CMSG_LEN(sizeof(uint32_t));

	if (header->cmsg_level != SOL_SOCKET)
		return 0;
	switch (header->cmsg_type) {
	case SCM_RIGHTS:
	case SCM_CREDENTIALS:
		return 0;
	case SO_MARK:
		if (!cred_capable(cred, CAP_NET_RAW) && !cred_capable(cred, CAP_NET_ADMIN))
			return -EPERM;
		if (!is_int)
			return -EINVAL;
		__builtin_memcpy(&message->control->mark, header + 1, sizeof(uint32_t));
		message->control->has_mark = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int control_parse(const struct socket *socket, struct message *message,
			 const uint8_t *buffer, size_t size)
{
	const struct cmsghdr *header;
	size_t at = 0;
	int err = 0;

	while (!err && size - at >= sizeof(*header)) {
		header = (const struct cmsghdr *)(const void *)(buffer + at);
		if (header->cmsg_len < sizeof(*header) || header->cmsg_len > size - at)
			return -EINVAL;
		if (message->control)
			err = network_item(message, header);
		else
			err = rights_item(message, header, socket->family == AF_UNIX);
		at = min(at + CMSG_ALIGN(header->cmsg_len), size);
	}
	return err;
}

int control_read(const struct socket *socket, struct message *message,
		 struct message_control *control, const struct msghdr *header)
{
	bool is_local = socket->family == AF_UNIX || socket->family == AF_NETLINK;
	size_t size = header->msg_controllen;
	uint8_t *buffer;
	int err;

	if (!size)
		return 0;
	if (size > CONTROL_MAX)
		return -ENOBUFS;
	buffer = kmalloc(size, ALLOC_KERNEL);
	if (!buffer)
		return -ENOMEM;
	*control = (struct message_control){
		.data = buffer, .size = (uint32_t)size, .room = (uint32_t)size,
		.is_allocated = true,
	};
	message->control = is_local ? NULL : control;
	err = copy_from_user(buffer, header->msg_control, size);
	if (!err)
		err = control_parse(socket, message, buffer, size);
	if (message->rights && (err || !message->rights->nr)) {
		rights_free(message->rights);
		message->rights = NULL;
	}
	return err;
}

/* ---- to the program ----------------------------------------------------------------- */

/* The part of the program's buffer that is still free. */
struct control_room {
	uint8_t __user *at;
	size_t          left;
};

static void room_use(struct control_room *room, size_t size)
{
	size = min(CMSG_ALIGN(size), room->left);
	room->at += size;
	room->left -= size;
}

static int header_write(struct control_room *room, int level, int type, size_t length)
{
	const struct cmsghdr header = {
		.cmsg_len = length,
		.cmsg_level = level,
		.cmsg_type = type,
	};

	return copy_to_user(room->at, &header, sizeof(header));
}

/* One item, cut to the room. */
static void item_write(struct message *message, struct control_room *room,
		       const struct control_item *item)
{
	size_t length = CMSG_LEN(item->size);

	if (room->left < sizeof(struct cmsghdr)) {
		message->seen |= MSG_CTRUNC;
		return;
	}
	if (room->left < length) {
		message->seen |= MSG_CTRUNC;
		length = room->left;
	}
	if (!header_write(room, item->level, item->type, length) &&
	    !copy_to_user(room->at + sizeof(struct cmsghdr), item->data,
			  length - sizeof(struct cmsghdr)))
		room_use(room, length);
}

static void ucred_write(struct message *message, struct control_room *room)
{
	struct ucred ucred = message->ucred;
	const struct control_item item = {
		.level = SOL_SOCKET, .type = SCM_CREDENTIALS,
		.data = &ucred, .size = sizeof(ucred),
	};

	if (ucred.uid == (uint32_t)-1)
		ucred.uid = OVERFLOW_ID;
	if (ucred.gid == (uint32_t)-1)
		ucred.gid = OVERFLOW_ID;
	item_write(message, room, &item);
}

/* A descriptor for the file, told at `at`: false when that failed. */
static bool right_install(struct file *file, int __user *at, bool cloexec)
{
	struct fdtable *table = task_current()->files;
	int fd = fd_reserve(table, 0, fd_limit(), cloexec);

	if (fd < 0)
		return false;
	if (put_user(fd, at)) {
		fd_release(table, fd);
		return false;
	}
	fd_install(table, fd, file_get(file));
	return true;
}

static void rights_write(struct message *message, struct control_room *room, bool cloexec)
{
	struct rights *rights = message->rights;
	int __user *fds = (int __user *)(room->at + sizeof(struct cmsghdr));
	size_t max = 0, done = 0;

	if (room->left > sizeof(struct cmsghdr))
		max = (room->left - sizeof(struct cmsghdr)) / sizeof(int);
	while (done < max && done < rights->nr &&
	       right_install(rights->files[done], &fds[done], cloexec))
		done++;
	if (done && !header_write(room, SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(done * sizeof(int))))
		room_use(room, CMSG_LEN(done * sizeof(int)));
	if (done < rights->nr)
		message->seen |= MSG_CTRUNC;
	rights_free(rights);
	message->rights = NULL;
}

size_t control_write(struct message *message, void __user *control, size_t size, bool cloexec)
{
	struct control_room room = { .at = control, .left = control ? size : 0 };
	struct control_item item = { .next = 0 };

	while (message_control_next(message, &item))
		item_write(message, &room, &item);
	if (message->has_ucred)
		ucred_write(message, &room);
	if (message->rights)
		rights_write(message, &room, cloexec);
	return control ? size - room.left : 0;
}

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

static int control_parse(struct message *message, const uint8_t *buffer, size_t size,
			 const struct socket_caller *caller)
{
	const struct cmsghdr *header;
	size_t at = 0, length;
	int err = 0;

	while (!err && size - at >= sizeof(*header)) {
		header = (const struct cmsghdr *)(const void *)(buffer + at);
		if (header->cmsg_len < sizeof(*header) || header->cmsg_len > size - at)
			return -EINVAL;
		length = header->cmsg_len - sizeof(*header);
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
			err = rights_read(message, buffer + at + sizeof(*header), length);
		else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS)
			err = ucred_read(message, buffer + at + sizeof(*header), length, caller);
		else if (header->cmsg_level == SOL_SOCKET)
			err = -EINVAL;
		at = min(at + CMSG_ALIGN(header->cmsg_len), size);
	}
	return err;
}

int control_read(struct message *message, const void __user *control, size_t size,
		 const struct socket_caller *caller)
{
	uint8_t *buffer;
	int err;

	if (!size)
		return 0;
	if (size > CONTROL_MAX)
		return -ENOBUFS;
	buffer = kmalloc(size, ALLOC_KERNEL);
	if (!buffer)
		return -ENOMEM;
	err = copy_from_user(buffer, control, size);
	if (!err)
		err = control_parse(message, buffer, size, caller);
	kfree(buffer);
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

static int header_write(struct control_room *room, int type, size_t length)
{
	const struct cmsghdr header = {
		.cmsg_len = length,
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = type,
	};

	return copy_to_user(room->at, &header, sizeof(header));
}

static void ucred_write(struct message *message, struct control_room *room)
{
	struct ucred ucred = message->ucred;
	size_t length = CMSG_LEN(sizeof(ucred));

	if (ucred.uid == (uint32_t)-1)
		ucred.uid = OVERFLOW_ID;
	if (ucred.gid == (uint32_t)-1)
		ucred.gid = OVERFLOW_ID;
	if (room->left < sizeof(struct cmsghdr)) {
		message->seen |= MSG_CTRUNC;
		return;
	}
	if (room->left < length) {
		message->seen |= MSG_CTRUNC;
		length = room->left;
	}
	if (!header_write(room, SCM_CREDENTIALS, length) &&
	    !copy_to_user(room->at + sizeof(struct cmsghdr), &ucred,
			  length - sizeof(struct cmsghdr)))
		room_use(room, length);
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
	if (done && !header_write(room, SCM_RIGHTS, CMSG_LEN(done * sizeof(int))))
		room_use(room, CMSG_LEN(done * sizeof(int)));
	if (done < rights->nr)
		message->seen |= MSG_CTRUNC;
	rights_free(rights);
	message->rights = NULL;
}

size_t control_write(struct message *message, void __user *control, size_t size, bool cloexec)
{
	struct control_room room = { .at = control, .left = control ? size : 0 };

	if (message->has_ucred)
		ucred_write(message, &room);
	if (message->rights)
		rights_write(message, &room, cloexec);
	return control ? size - room.left : 0;
}

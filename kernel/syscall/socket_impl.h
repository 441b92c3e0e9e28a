/*
 * What the files about sockets share: who calls, borrowing a socket, addresses in and out.
 */
#pragma once

#include "fs/fdtable.h"
#include "fs/path.h"
#include "net/socket.h"
#include "vm/usercopy.h"

/* The current task as net/ wants to know it; valid during the call. */
struct socket_caller_room {
	struct walk_from     from;
	struct socket_caller caller;
};
const struct socket_caller *socket_caller_current(struct socket_caller_room *room);

/* The socket of a descriptor: EBADF, ENOTSOCK. fd_return() is due. */
int __must_check socket_borrow(int fd, struct fd_borrow *borrow, struct socket **out);

/* sockaddr in: EINVAL for a size that no address has, EFAULT. */
int __must_check socket_name_read(struct socket_name *name, const void __user *addr, int size);
/* And out: as much as there is room for; *size becomes the true size. EFAULT, EINVAL. */
int __must_check socket_name_write(const struct socket_name *name, void __user *addr,
				   int __user *size);

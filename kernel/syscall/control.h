/*
 * Control data of messages: cmsg(3), SCM_RIGHTS and SCM_CREDENTIALS of unix(7).
 */
#pragma once

#include "abi/socket.h"
#include "lib/types.h"

struct message;
struct message_control;
struct socket;

/*
 * What a program wants sent beside its bytes. For AF_UNIX and AF_NETLINK, files and credentials go
 * into message->rights and ucred; for the other families all goes to message->control, judged as
 * far as it is of SOL_SOCKET, with `control` as the room, to be given to message_control_fini().
 * EINVAL, EBADF, EPERM, EFAULT, ENOBUFS, ENOMEM. On failure no files are left in the message.
 */
int __must_check control_read(const struct socket *socket, struct message *message,
                              struct message_control *control, const struct msghdr *header);
/*
 * What came beside the bytes, as far as there is room: files get descriptors; the message's files
 * are put. Sets MSG_CTRUNC in message->seen. Returns the bytes written.
 */
size_t control_write(struct message *message, void __user *control, size_t size, bool cloexec);

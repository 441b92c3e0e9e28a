/*
 * Control data of messages: cmsg(3), SCM_RIGHTS and SCM_CREDENTIALS of unix(7).
 */
#pragma once

#include "abi/socket.h"
#include "lib/types.h"

struct message;
struct socket_caller;

/*
 * What a program wants sent beside its bytes, into message->rights and ucred. EINVAL, EBADF, EPERM,
 * EFAULT, ENOBUFS, ENOMEM. On failure nothing is left in the message.
 */
int __must_check control_read(struct message *message, const void __user *control, size_t size,
                              const struct socket_caller *caller);
/*
 * What came beside the bytes, as far as there is room: files get descriptors; the message's files
 * are put. Sets MSG_CTRUNC in message->seen. Returns the bytes written.
 */
size_t control_write(struct message *message, void __user *control, size_t size, bool cloexec);

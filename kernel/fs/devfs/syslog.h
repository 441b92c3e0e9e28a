/*
 * The log as syslog(2) and /proc/kmsg read it: one place in it for all who take messages away, in
 * formatted lines, `<6>[    0.123456] text`. /dev/kmsg (fs/devfs/kmsg.c) is the other way, where
 * each reader has a place of its own.
 */
#pragma once

#include "lib/types.h"

struct poller;
struct uio;

/*
 * Takes whole lines that fit, or the beginning of one that does not fit alone (the next call goes
 * on in it); waits for the first if it may. Bytes; -EAGAIN, -EFAULT, -ENOMEM, -ERESTARTSYS.
 */
ssize_t syslog_take(struct uio *uio, bool may_wait);

/* Bytes that syslog_take() would give by now. -ENOMEM. May sleep. */
ssize_t syslog_unread(void);

/* EPOLL* for who waits for the same. */
unsigned int syslog_poll(struct poller *poller);

/*
 * The last lines since the last log_clear() that fit; nothing is taken away. Bytes; -EFAULT,
 * -ENOMEM.
 */
ssize_t syslog_copy(struct uio *uio);

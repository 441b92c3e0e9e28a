/*
 * Message queues of System V: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 *
 * A message is made by the syscall floor (msg_alloc()), filled, and handed over; what is received
 * is the receiver's to read and free. All functions may sleep.
 */
#pragma once

#include <linux/msg.h>

#include "lib/list.h"
#include "lib/types.h"

/* kernel.msgmax, msgmnb; kernel.msgmni is the table's. */
struct msg_limits {
	int max_size __atomic;  /* bytes of a message */
	int max_queue __atomic; /* bytes of a new queue */
};
extern struct msg_limits msg_limits;
int msg_max_queues(void);
int msg_set_max_queues(int max); /* EINVAL */

struct message_sysv {
	struct list link;
	long        type;
	size_t      size;
	uint8_t     text[];
};

struct message_sysv *msg_alloc(size_t size) __must_check;
void msg_free(struct message_sysv *message);

/* msgget(2). */
int msg_get(int key, int flags);
/* Consumes the message on success. EINVAL EACCES EAGAIN EIDRM, ERESTARTNOHAND: a signal. */
int msg_send(int id, struct message_sysv *message, int flags);

struct msg_wish {
	size_t size; /* room */
	long   type;
	int    flags; /* MSG_NOERROR MSG_EXCEPT IPC_NOWAIT */
};
/* A message that fits, taken out. E2BIG ENOMSG EINVAL EACCES EIDRM ERESTARTNOHAND. */
int __must_check msg_receive(int id, const struct msg_wish *wish, struct message_sysv **out);
/*
 * MSG_COPY: the type-th message stays, and as much of it as fits is copied into the given one,
 * whose type and size become its own.
 */
int __must_check msg_copy(int id, const struct msg_wish *wish, struct message_sysv *into);

/* IPC_STAT, MSG_STAT, MSG_STAT_ANY: 0, or for the last two the number of the queue. */
int msg_stat(int id, int command, struct msqid64_ds *out);
int msg_change(int id, const struct msqid64_ds *wanted);
int msg_remove(int id);
/* IPC_INFO, MSG_INFO: the highest place in use. */
int msg_info(int command, struct msginfo *out);
/* The next queue at or behind *slot, for /proc/sysvipc/msg; false at the end. */
bool msg_next(uint32_t *slot, int *id, struct msqid64_ds *out);

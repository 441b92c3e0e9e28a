/*
 * Message queues of System V: sending, receiving by type, waiting, limits.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct text {
	long type;
	char text[9000];
};

static struct text buffer;

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&span, NULL);
}

static int send_text(int id, long type, const char *text, int flags)
{
	buffer.type = type;
	strcpy(buffer.text, text);
	return msgsnd(id, &buffer, strlen(text) + 1, flags);
}

/* The text of what was received, or why not. */
static const char *receive(int id, long type, int flags)
{
	static char why[32];

	memset(&buffer, 0, sizeof(buffer));
	if (msgrcv(id, &buffer, sizeof(buffer.text), type, flags) >= 0)
		return buffer.text;
	snprintf(why, sizeof(why), "errno %d", errno);
	return why;
}

static void check_order(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	for (int i = 0; i < 6; i++)
		send_text(id, (i * 2) % 5 + 1, (const char[]){ (char)('a' + i), '\0' }, 0);
	CHECK_EQ(any, strcmp(receive(id, 0, 0), "a"), 0);
	CHECK_EQ(by_type, strcmp(receive(id, 2, 0), "d"), 0);
	CHECK_EQ(the_least_below, strcmp(receive(id, -3, 0), "f"), 0);
	CHECK_EQ(all_but, strcmp(receive(id, 3, MSG_EXCEPT), "c"), 0);
	CHECK_EQ(a_copy, strcmp(receive(id, 1, MSG_COPY | IPC_NOWAIT), "e"), 0);
	CHECK_EQ(there_is_none, strcmp(receive(id, 2, IPC_NOWAIT), "errno 42"), 0);
	CHECK_EQ(nor_a_copy, strcmp(receive(id, 2, MSG_COPY | IPC_NOWAIT), "errno 42"), 0);
	CHECK_EQ(a_copy_does_not_wait, strcmp(receive(id, 0, MSG_COPY), "errno 22"), 0);
	CHECK_EQ(what_is_left, strcmp(receive(id, 0, 0), "b"), 0);
	CHECK_EQ(is_the_rest, strcmp(receive(id, 0, 0), "e"), 0);
	msgctl(id, IPC_RMID, NULL);
}

static void check_limits(void)
{
	struct msqid_ds ds;
	int id = msgget(IPC_PRIVATE, 0600);

	CHECK_ERRNO(type_zero_is_EINVAL, send_text(id, 0, "x", 0), EINVAL);
	CHECK_ERRNO(type_below_too, send_text(id, -1, "x", 0), EINVAL);
	buffer.type = 1;
	CHECK_ERRNO(too_long_is_EINVAL, msgsnd(id, &buffer, 8193, 0), EINVAL);
	CHECK_ERRNO(bad_memory, msgsnd(id, (void *)8, 1, 0), EFAULT);
	CHECK_EQ(the_longest, msgsnd(id, &buffer, 8192, 0), 0);
	CHECK_EQ(two_of_it, msgsnd(id, &buffer, 8192, 0), 0);
	CHECK_ERRNO(full, msgsnd(id, &buffer, 1, IPC_NOWAIT), EAGAIN);
	CHECK_EQ(nothing_fits_still, msgsnd(id, &buffer, 0, IPC_NOWAIT), 0);
	CHECK_ERRNO(no_room_is_E2BIG, msgrcv(id, &buffer, 100, 0, 0), E2BIG);
	CHECK_EQ(unless_it_may_be_cut, msgrcv(id, &buffer, 100, 0, MSG_NOERROR), 100);
	CHECK_EQ(stat_works, msgctl(id, IPC_STAT, &ds), 0);
	OUT("qnum %lu cbytes %lu qbytes %lu stime %d rtime %d ctime %d lspid %d lrpid %d",
	    (unsigned long)ds.msg_qnum, (unsigned long)ds.__msg_cbytes,
	    (unsigned long)ds.msg_qbytes, !!ds.msg_stime, !!ds.msg_rtime, !!ds.msg_ctime,
	    ds.msg_lspid == getpid(), ds.msg_lrpid == getpid());
	ds.msg_qbytes = 20000;
	CHECK_EQ(root_makes_more_room, msgctl(id, IPC_SET, &ds), 0);
	CHECK_EQ(it_is_there, msgsnd(id, &buffer, 8192, IPC_NOWAIT), 0);
	msgctl(id, IPC_RMID, NULL);
	CHECK_ERRNO(gone, msgctl(id, IPC_STAT, &ds), EINVAL);
	CHECK_ERRNO(bad_id, msgrcv(-1, &buffer, 1, 0, 0), EINVAL);
}

struct waiter {
	int       id, result, error;
	bool      sends;
	pthread_t thread;
};

static void *wait_for(void *data)
{
	static struct text theirs[2];
	struct waiter *waiter = data;
	struct text *text = &theirs[waiter->sends];

	text->type = 5;
	waiter->result = (int)(waiter->sends ? msgsnd(waiter->id, text, 100, 0)
					     : msgrcv(waiter->id, text, 100, 5, 0));
	waiter->error = errno;
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void check_waiting(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int id = msgget(IPC_PRIVATE, 0600);
	struct waiter reader = { .id = id }, writer = { .id = id, .sends = true };

	pthread_create(&reader.thread, NULL, wait_for, &reader);
	pause_ms(20);
	send_text(id, 4, "not this", 0);
	pause_ms(20);
	send_text(id, 5, "this", 0);
	pthread_join(reader.thread, NULL);
	CHECK_EQ(the_right_one_has_come, reader.result, 5);
	receive(id, 0, 0);
	buffer.type = 1;
	msgsnd(id, &buffer, 8192, 0);
	msgsnd(id, &buffer, 8192, 0);
	pthread_create(&writer.thread, NULL, wait_for, &writer);
	pause_ms(20);
	CHECK_EQ(room_is_made, msgrcv(id, &buffer, 8192, 1, 0), 8192);
	pthread_join(writer.thread, NULL);
	CHECK_EQ(sent_then, writer.result, 0);
	msgrcv(id, &buffer, 8192, 5, 0);
	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&reader.thread, NULL, wait_for, &reader);
	pause_ms(50);
	pthread_kill(reader.thread, SIGUSR1);
	pthread_join(reader.thread, NULL);
	CHECK(a_signal_ends_it_even_with_SA_RESTART, reader.result == -1 && reader.error == EINTR);
	pthread_create(&reader.thread, NULL, wait_for, &reader);
	pause_ms(50);
	msgctl(id, IPC_RMID, NULL);
	pthread_join(reader.thread, NULL);
	CHECK(removal_ends_it, reader.result == -1 && (reader.error == EIDRM ||
						      reader.error == EINVAL));
}

static int as_another(void *data)
{
	int id = *(int *)data;
	struct msqid_ds ds;

	CHECK_EQ(drop_root, syscall(SYS_setresuid, 1000, 1000, 1000), 0);
	CHECK_ERRNO(sending_is_denied, send_text(id, 1, "x", 0), EACCES);
	CHECK_EQ(receiving_is_not, strcmp(receive(id, 0, IPC_NOWAIT), "errno 42"), 0);
	CHECK_ERRNO(removing_is, msgctl(id, IPC_RMID, NULL), EPERM);
	CHECK_EQ(stat_is_not, msgctl(id, IPC_STAT, &ds), 0);
	return 0;
}

int main(void)
{
	struct msginfo info;
	int id;

	check_order();
	check_limits();
	check_waiting();
	id = msgget(77, IPC_CREAT | 0644);
	check_in_child(as_another, &id);
	CHECK(info_is_told, msgctl(0, MSG_INFO, (struct msqid_ds *)&info) >= 0);
	OUT("queues %d messages %d bytes %d", info.msgpool, info.msgmap, info.msgtql);
	CHECK(limits_are_told, msgctl(0, IPC_INFO, (struct msqid_ds *)&info) >= 0);
	OUT("max %d mnb %d mni %d", info.msgmax, info.msgmnb, info.msgmni);
	msgctl(id, IPC_RMID, NULL);
	return 0;
}

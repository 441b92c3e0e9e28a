/*
 * net_threads.c - one socket and many threads: each client, datagram and message goes to one, none
 * is torn; close and shutdown while somebody waits.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, EACH = 50, MESSAGE = 100 };

static atomic_int accepted, torn, distinct[THREADS * EACH];
static int shared;

static void in_threads(void *(*body)(void *), int count)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, body, (void *)i);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void *accept_some(void *arg)
{
	for (int fd; (fd = accept(shared, NULL, NULL)) >= 0; close(fd))
		atomic_fetch_add(&accepted, 1);
	return arg;
}

static void check_accept(void)
{
	pthread_t threads[THREADS];
	int good = 0;

	shared = net_listener(10);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, accept_some, NULL);
	for (int i = 0; i < THREADS * EACH; i++) {
		int fd = net_client(shared, 0);
		char byte;

		good += read(fd, &byte, 1) == 0;
		close(fd);
	}
	CHECK_EQ(each_client_is_accepted, good, THREADS * EACH);
	shutdown(shared, SHUT_RD);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(each_by_one_thread, atomic_load(&accepted), THREADS * EACH);
	close(shared);
}

static void *receive_datagrams(void *arg)
{
	int number;

	while (recv(shared, &number, sizeof(number), 0) == sizeof(number) && number >= 0)
		atomic_fetch_add(&distinct[number], 1);
	return arg;
}

static void check_datagrams(void)
{
	pthread_t threads[THREADS];
	int pair[2], once = 0, end = -1;

	net_pair_udp(pair);
	shared = pair[1];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, receive_datagrams, NULL);
	for (int i = 0; i < THREADS * EACH; i++) {
		send(pair[0], &i, sizeof(i), 0);
		if (i % 50 == 49)
			usleep(NET_SETTLE_US);
	}
	for (int i = 0; i < THREADS; i++)
		send(pair[0], &end, sizeof(end), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS * EACH; i++)
		once += atomic_load(&distinct[i]) == 1;
	CHECK_EQ(each_datagram_goes_to_one_thread, once, THREADS * EACH);
	net_pair_close(pair);
}

static void *send_messages(void *arg)
{
	char message[MESSAGE];

	memset(message, 'a' + (int)(long)arg, sizeof(message));
	for (int i = 0; i < EACH; i++)
		send(shared, message, sizeof(message), 0);
	return arg;
}

static void check_messages(void)
{
	char message[MESSAGE];
	int pair[2], count = 0;

	net_pair(pair);
	shared = pair[0];
	in_threads(send_messages, THREADS);
	shutdown(shared, SHUT_WR);
	for (; recv(pair[1], message, MESSAGE, MSG_WAITALL) == MESSAGE; count++)
		for (int i = 1; i < MESSAGE; i++)
			if (message[i] != message[0]) {
				atomic_fetch_add(&torn, 1);
				break;
			}
	CHECK_EQ(all_messages_arrive, count, THREADS * EACH);
	CHECK_EQ(none_is_torn, atomic_load(&torn), 0);
	net_pair_close(pair);
}

static void *read_one(void *arg)
{
	char text[8];

	return (void *)(long)(arg ? recv(shared, text, 8, 0) : read(shared, text, 8));
}

static void *accept_one(void *arg)
{
	(void)arg;
	int fd = accept(shared, NULL, NULL);

	if (fd >= 0)
		close(fd);
	return (void *)(long)(fd >= 0 ? 0 : errno);
}

static void check_close(void)
{
	pthread_t thread;
	void *result = NULL;
	int pair[2];

	net_pair(pair);
	shared = pair[0];
	pthread_create(&thread, NULL, read_one, NULL);
	usleep(NET_SETTLE_US);
	shutdown(pair[0], SHUT_RD);
	pthread_join(thread, &result);
	CHECK_EQ(shutdown_ends_a_read, (long)result, 0);
	net_pair_close(pair);
	net_pair(pair);
	shared = pair[0];
	pthread_create(&thread, NULL, read_one, NULL);
	usleep(NET_SETTLE_US);
	close(pair[0]);
	usleep(NET_SETTLE_US);
	net_send(pair[1], "data", 4);
	pthread_join(thread, &result);
	CHECK_EQ(close_does_not_end_a_read, (long)result, 4);
	CHECK_EQ(socket_closes_with_its_last_user, net_events_with(pair[1], POLLRDHUP) & POLLRDHUP,
		 POLLRDHUP);
	close(pair[1]);
	shared = net_listener(1);
	pthread_create(&thread, NULL, accept_one, NULL);
	usleep(NET_SETTLE_US);
	shutdown(shared, SHUT_RD);
	pthread_join(thread, &result);
	CHECK_EQ(shutdown_ends_an_accept, (long)result, EINVAL);
	close(shared);
	net_pair_udp(pair);
	shared = pair[0];
	pthread_create(&thread, NULL, read_one, pair);
	usleep(NET_SETTLE_US);
	shutdown(pair[0], SHUT_RD);
	pthread_join(thread, &result);
	CHECK_EQ(shutdown_ends_a_receive, (long)result, 0);
	net_pair_close(pair);
}

static void check_processes(void)
{
	int pair[2];
	char text[8];

	net_pair(pair);
	pid_t pid = fork();
	if (!pid) {
		net_send(pair[0], "child", 5);
		_exit(0);
	}
	close(pair[0]);
	waitpid(pid, NULL, 0);
	CHECK_EQ(child_has_the_connection, recv(pair[1], text, 8, 0), 5);
	CHECK_EQ(which_ends_with_its_last_process, recv(pair[1], text, 8, 0), 0);
	close(pair[1]);
}

int main(void)
{
	net_up();
	check_accept();
	check_datagrams();
	check_messages();
	check_close();
	check_processes();
	return 0;
}

/*
 * crowd.c - crowds of connections over the loopback interface.
 *
 *	crowd open COUNT      so many at once, each of which carries bytes both ways
 *	crowd short COUNT     one after the other: connect, a byte, close; in turn either side first
 *	crowd storm COUNT     from several processes at once, some reset, some left
 *
 * The last line is `crowd: ok COUNT`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, LIMIT_S = 1500 };

#define MUST(condition)                                                                       \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			printf("crowd: FAILED: line %d: %s: %s\n", __LINE__, #condition,      \
			       strerror(errno));                                              \
			exit(1);                                                              \
		}                                                                             \
	} while (0)

static struct sockaddr_in address = { .sin_family = AF_INET };

static int listen_here(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(listen(fd, 128) == 0);
	MUST(getsockname(fd, (struct sockaddr *)&address, &(socklen_t){ sizeof(address) }) == 0);
	return fd;
}

static int connect_there(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(fd >= 0);
	MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static void carry(int from, int to, int number)
{
	int got = -1;

	MUST(send(from, &number, sizeof(number), MSG_NOSIGNAL) == sizeof(number));
	MUST(recv(to, &got, sizeof(got), MSG_WAITALL) == sizeof(got) && got == number);
}

static void open_many(int count)
{
	int listener = listen_here(), (*pairs)[2] = calloc((size_t)count, sizeof(*pairs));

	for (int i = 0; i < count; i++) {
		pairs[i][0] = connect_there();
		pairs[i][1] = accept(listener, NULL, NULL);
		MUST(pairs[i][1] >= 0);
	}
	for (int i = 0; i < count; i++) {
		carry(pairs[i][0], pairs[i][1], i);
		carry(pairs[i][1], pairs[i][0], -i);
	}
	for (int i = 0; i < count; i++) {
		close(pairs[i][i % 2]);
		close(pairs[i][!(i % 2)]);
	}
	close(listener);
	free(pairs);
}

static void open_in_turn(int count)
{
	int listener = listen_here();

	for (int i = 0; i < count; i++) {
		int client = connect_there(), server = accept(listener, NULL, NULL);

		MUST(server >= 0);
		MUST(send(client, "x", 1, MSG_NOSIGNAL) == 1);
		MUST(recv(server, &(char){ 0 }, 1, 0) == 1);
		close(i % 2 ? client : server);
		close(i % 2 ? server : client);
	}
	close(listener);
}

static void serve_storm(int listener)
{
	char text[512];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t size;

		if (fd < 0)
			continue;
		while ((size = recv(fd, text, sizeof(text), 0)) > 0)
			send(fd, text, (size_t)size, MSG_NOSIGNAL);
		close(fd);
	}
}

/* One in three is answered, one reset with the answer unread, one left at once. */
static void storm(int count)
{
	for (int i = 0; i < count; i++) {
		int fd = connect_there();
		char text[256] = "storm";

		if (i % 3 != 2)
			MUST(send(fd, text, sizeof(text), MSG_NOSIGNAL) == sizeof(text));
		if (i % 3 == 0)
			MUST(recv(fd, text, sizeof(text), MSG_WAITALL) == sizeof(text));
		if (i % 3 == 1)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
				   sizeof(struct linger));
		close(fd);
	}
}

static void storm_from_all_sides(int count)
{
	int listener = listen_here(), status;
	pid_t server[PROCESSES], client[PROCESSES];

	for (int i = 0; i < PROCESSES; i++) {
		server[i] = fork();
		if (!server[i])
			serve_storm(listener);
		client[i] = fork();
		if (!client[i]) {
			storm(count / PROCESSES);
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		MUST(waitpid(client[i], &status, 0) == client[i] && status == 0);
	for (int i = 0; i < PROCESSES; i++) {
		kill(server[i], SIGKILL);
		waitpid(server[i], NULL, 0);
	}
	close(listener);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 0;
	struct rlimit many = { 1 << 16, 1 << 16 };

	alarm(LIMIT_S);
	setrlimit(RLIMIT_NOFILE, &many);
	if (argc > 2 && !strcmp(argv[1], "open"))
		open_many(count);
	else if (argc > 2 && !strcmp(argv[1], "short"))
		open_in_turn(count);
	else if (argc > 2 && !strcmp(argv[1], "storm"))
		storm_from_all_sides(count);
	else
		return 2;
	printf("crowd: ok %d\n", count);
	return 0;
}

/*
 * Files and sockets: sendfile(2) and splice(2) into sockets and out of them, plain reads and writes
 * on both sides, over AF_UNIX and TCP.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { FILE_SIZE = 300001, PIPE_SIZE = 65536 };

static uint8_t content[FILE_SIZE], got[FILE_SIZE * 2];

static void lo_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(sock, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	ioctl(sock, SIOCSIFFLAGS, &request);
	close(sock);
}

static int file_make(void)
{
	int fd = open("/tmp/content", O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (int i = 0; i < FILE_SIZE; i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	write(fd, content, FILE_SIZE);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void unix_pair(int pair[2])
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static void tcp_pair(int pair[2])
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(name);

	bind(listener, (struct sockaddr *)&name, sizeof(name));
	listen(listener, 1);
	getsockname(listener, (struct sockaddr *)&name, &size);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect(pair[0], (struct sockaddr *)&name, sizeof(name));
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
}

/* A child that reads all there is and says whether it was the content. */
static pid_t reader_start(int pair[2], size_t size)
{
	pid_t pid = fork();
	size_t done = 0;

	if (pid)
		return pid;
	close(pair[0]);
	for (ssize_t n = 1; n > 0 && done < sizeof(got); done += (size_t)(n > 0 ? n : 0))
		n = read(pair[1], got + done, sizeof(got) - done);
	_exit(done == size && !memcmp(got, content, size) ? 0 : 1);
}

static int reader_end(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static void check_sendfile(const char *kind, void (*make)(int pair[2]), int file)
{
	off_t offset = 0;
	size_t done = 0;
	pid_t reader;
	int pair[2];

	make(pair);
	reader = reader_start(pair, FILE_SIZE);
	close(pair[1]);
	for (ssize_t n = 1; n > 0; done += (size_t)(n > 0 ? n : 0))
		n = sendfile(pair[0], file, &offset, FILE_SIZE);
	close(pair[0]);
	OUT("%s: sendfile: %zu bytes, offset %ld, position %ld, reader %d", kind, done,
	    (long)offset, (long)lseek(file, 0, SEEK_CUR), reader_end(reader));
	make(pair);
	OUT("%s: by its position: %zd", kind, sendfile(pair[0], file, NULL, 1000));
	OUT("%s: then at %ld", kind, (long)lseek(file, 0, SEEK_CUR));
	OUT("%s: at an odd offset: %zd", kind, sendfile(pair[0], file, &(off_t){ 4095 }, 3));
	OUT("%s: at the end: %zd", kind, sendfile(pair[0], file, &(off_t){ FILE_SIZE }, 3));
	OUT("%s: comes: %zd", kind, recv(pair[1], got, 1003, MSG_WAITALL));
	OUT("%s: right: %d", kind,
	    !memcmp(got, content, 1000) && !memcmp(got + 1000, content + 4095, 3));
	lseek(file, 0, SEEK_SET);
	errno = 0;
	OUT("%s: from a socket: %zd", kind, sendfile(file, pair[0], NULL, 10));
	OUT("%s: from a socket: error %d", kind, errno);
	close(pair[1]);
	if (make == unix_pair) {
		errno = 0;
		OUT("%s: nobody reads: %zd", kind, sendfile(pair[0], file, NULL, 1000));
		OUT("%s: nobody reads: error %d", kind, errno);
	}
	close(pair[0]);
	lseek(file, 0, SEEK_SET);
}

static void check_splice_in(const char *kind, void (*make)(int pair[2]), int file)
{
	int pair[2], ends[2];
	loff_t offset = 0;
	size_t done = 0;
	pid_t reader;

	make(pair);
	pipe(ends);
	reader = reader_start(pair, FILE_SIZE);
	close(pair[1]);
	for (;;) {
		ssize_t n = splice(file, &offset, ends[1], NULL, PIPE_SIZE, SPLICE_F_MOVE);

		if (n <= 0)
			break;
		while (n > 0) {
			ssize_t moved = splice(ends[0], NULL, pair[0], NULL, (size_t)n,
					       SPLICE_F_MOVE | SPLICE_F_MORE);

			if (moved <= 0)
				break;
			done += (size_t)moved;
			n -= moved;
		}
	}
	close(pair[0]);
	OUT("%s: through a pipe: %zu bytes, reader %d", kind, done, reader_end(reader));
	close(ends[0]);
	close(ends[1]);
}

static void check_splice_out(const char *kind, void (*make)(int pair[2]))
{
	int pair[2], ends[2], out = open("/tmp/out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	size_t done = 0;
	pid_t writer;

	make(pair);
	pipe(ends);
	writer = fork();
	if (!writer) {
		close(pair[1]);
		for (size_t sent = 0; sent < FILE_SIZE;)
			sent += (size_t)write(pair[0], content + sent, FILE_SIZE - sent);
		_exit(0);
	}
	close(pair[0]);
	for (;;) {
		ssize_t n = splice(pair[1], NULL, ends[1], NULL, PIPE_SIZE, 0);

		if (n <= 0)
			break;
		while (n > 0)
			n -= splice(ends[0], NULL, out, NULL, (size_t)n, 0);
	}
	done = (size_t)pread(out, got, sizeof(got), 0);
	OUT("%s: out through a pipe: %zu bytes, right %d, writer %d", kind, done,
	    !memcmp(got, content, FILE_SIZE), reader_end(writer));
	close(pair[1]);
	make(pair);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	errno = 0;
	OUT("%s: nothing to splice: %zd", kind,
	    splice(pair[1], NULL, ends[1], NULL, 10, SPLICE_F_NONBLOCK));
	OUT("%s: nothing to splice: error %d", kind, errno);
	errno = 0;
	OUT("%s: at an offset: %zd", kind,
	    splice(pair[1], &(loff_t){ 0 }, ends[1], NULL, 10, SPLICE_F_NONBLOCK));
	OUT("%s: at an offset: error %d", kind, errno);
	close(pair[0]);
	OUT("%s: at the end: %zd", kind, splice(pair[1], NULL, ends[1], NULL, 10, 0));
	close(pair[1]);
	close(ends[0]);
	close(ends[1]);
	close(out);
}

/* A pipe lends what is then written on: what was moved must not change. */
static void check_lent_pages(const char *kind, void (*make)(int pair[2]))
{
	int pair[2], ends[2];
	char text[64];

	make(pair);
	pipe(ends);
	write(ends[1], "the first words", 15);
	OUT("%s: moved %zd", kind, splice(ends[0], NULL, pair[0], NULL, 15, SPLICE_F_MOVE));
	write(ends[1], "THE SECOND ONES", 15);
	OUT("%s: read %zd", kind, recv(pair[1], text, 15, MSG_WAITALL));
	OUT("%s: '%.15s'", kind, text);
	OUT("%s: moved %zd", kind, splice(ends[0], NULL, pair[0], NULL, 15, SPLICE_F_MOVE));
	OUT("%s: read %zd", kind, recv(pair[1], text, 15, MSG_WAITALL));
	OUT("%s: '%.15s'", kind, text);
	for (int i = 0; i < 2; i++)
		close(pair[i]), close(ends[i]);
}

static void check_nonblocking(const char *kind, void (*make)(int pair[2]), int file)
{
	size_t done = 0, read_back = 0;
	off_t offset = 0;
	int pair[2];
	ssize_t n = 1;

	make(pair);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100 && n > 0; i++) {
		offset = 0;
		n = sendfile(pair[0], file, &offset, FILE_SIZE);
		done += n > 0 ? (size_t)n : 0;
	}
	OUT("%s: a full one: %zd, error %d", kind, n, errno);
	fcntl(pair[0], F_SETFL, 0);
	shutdown(pair[0], SHUT_WR);
	while ((n = read(pair[1], got, sizeof(got))) > 0)
		read_back += (size_t)n;
	OUT("%s: all that went in came out: %d", kind, done == read_back);
	close(pair[0]);
	close(pair[1]);
}

static void check_readv(const char *kind, void (*make)(int pair[2]))
{
	char a[3], b[50];
	struct iovec out[2] = { { "abc", 3 }, { "defghij", 7 } };
	struct iovec in[2] = { { a, 3 }, { b, 50 } };
	int pair[2];

	make(pair);
	OUT("%s: writev %zd", kind, writev(pair[0], out, 2));
	OUT("%s: readv %zd", kind, readv(pair[1], in, 2));
	OUT("%s: '%.3s' '%.7s'", kind, a, b);
	errno = 0;
	OUT("%s: pread %zd", kind, pread(pair[1], a, 1, 0));
	OUT("%s: pread error %d", kind, errno);
	errno = 0;
	OUT("%s: lseek %ld", kind, (long)lseek(pair[1], 0, SEEK_SET));
	OUT("%s: lseek error %d", kind, errno);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	errno = 0;
	OUT("%s: read of nothing %zd", kind, read(pair[1], a, 0));
	OUT("%s: read of nothing: error %d", kind, errno);
	OUT("%s: write of nothing %zd", kind, write(pair[0], a, 0));
	close(pair[0]);
	close(pair[1]);
}

static void check_kind(const char *kind, void (*make)(int pair[2]), int file)
{
	check_readv(kind, make);
	check_sendfile(kind, make, file);
	check_splice_in(kind, make, file);
	check_splice_out(kind, make);
	check_lent_pages(kind, make);
	check_nonblocking(kind, make, file);
	CHECK(each_kind_comes_to_its_end, true);
}

int main(void)
{
	int file = file_make();

	signal(SIGPIPE, SIG_IGN);
	lo_up();
	check_kind("unix", unix_pair, file);
	check_kind("tcp", tcp_pair, file);
	close(file);
	unlink("/tmp/content");
	unlink("/tmp/out");
	return 0;
}

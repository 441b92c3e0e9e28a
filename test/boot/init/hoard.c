/*
 * hoard KIND [N]: takes all that there is of one thing. What cannot be refused ends by SIGKILL;
 * what can be refused is kept, `hoard: holding` is said, and the program sleeps for ever. See
 * test/boot/oom.py.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PIECE = 1 << 20, TABLE = 2 << 20, DESCRIPTORS = 1 << 20 };

static void hold(void)
{
	static const char text[] = "hoard: holding\n";

	write(STDOUT_FILENO, text, sizeof(text) - 1);
	for (;;)
		pause();
}

static char *map(size_t size, int prot, int flags)
{
	char *at = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		exit(3);
	return at;
}

static void take_memory(long flags)
{
	for (;;) {
		char *at = map(PIECE, PROT_READ | PROT_WRITE, (int)flags);

		for (size_t i = 0; i < PIECE; i += PAGE)
			at[i] = 1;
	}
}

static void hoard_memory(long n)
{
	(void)n;
	take_memory(MAP_PRIVATE);
}

static void hoard_shared(long n)
{
	(void)n;
	take_memory(MAP_SHARED);
}

/* n processes at once; the first waits for the others and says how many were killed. */
static void hoard_memories(long n)
{
	int status, killed = 0;

	for (long i = 0; i < n; i++)
		if (fork() == 0)
			take_memory(MAP_PRIVATE);
	while (wait(&status) > 0)
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	exit(killed == n ? 0 : 1);
}

/* Every process maps, touches, forks, and goes on; n levels of two. */
static void hoard_storm(long n)
{
	for (; n > 0; n--) {
		char *at = map(PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

		for (size_t i = 0; i < PIECE; i += PAGE)
			at[i] = 1;
		fork();
	}
	while (wait(NULL) > 0)
		;
	exit(0);
}

static void *toucher(void *at)
{
	for (;;)
		for (size_t i = 0; i < PIECE; i += PAGE)
			++((volatile char *)at)[i];
	return NULL;
}

/* Sleeps in the kernel until its child, which lives in the same memory, has read a byte. */
static void *vforker(void *unused)
{
	int ends[2];
	char byte;

	pipe(ends);
	if (vfork() == 0) {
		read(ends[0], &byte, 1);
		_exit(0);
	}
	return unused;
}

/* Threads run, sleep in the kernel and fault while one of them takes all memory. */
static void hoard_threads(long n)
{
	pthread_t thread;

	for (long i = 0; i < n; i++)
		pthread_create(&thread, NULL, toucher,
			       map(PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	pthread_create(&thread, NULL, vforker, NULL);
	take_memory(MAP_PRIVATE);
}

/* A byte read in every two megabytes: the page of zeroes costs nothing, its table does. */
static void hoard_tables(long n)
{
	volatile char sum = 0;

	(void)n;
	for (;;) {
		char *at = map(1ul << 36, PROT_READ, MAP_PRIVATE | MAP_NORESERVE);

		for (size_t i = 0; i < 1ul << 36; i += TABLE)
			sum += at[i];
	}
}

static void raise_descriptors(void)
{
	struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };

	setrlimit(RLIMIT_NOFILE, &limit);
}

static void fill(int fd, size_t block)
{
	static char bytes[65536];

	while (write(fd, bytes, block) > 0)
		;
}

static void hoard_pipes(long n)
{
	int ends[2];

	(void)n;
	raise_descriptors();
	while (pipe2(ends, O_NONBLOCK) == 0) {
		fcntl(ends[1], F_SETPIPE_SZ, PIECE);
		fill(ends[1], 65536);
	}
	hold();
}

static void hoard_descriptors(long n)
{
	(void)n;
	raise_descriptors();
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	hold();
}

/* Datagrams, and in each of them a descriptor that nobody has any more. */
static void send_descriptor(int socket, int fd)
{
	static char bytes[4096];
	struct iovec iov = { bytes, sizeof(bytes) };
	union {
		struct cmsghdr header;
		char           space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	while (sendmsg(socket, &message, MSG_DONTWAIT) > 0)
		;
}

static void hoard_sockets(long n)
{
	int pair[2];

	(void)n;
	raise_descriptors();
	while (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
		int fd = open("/dev/null", O_RDONLY);

		send_descriptor(pair[0], fd);
		close(fd);
		fcntl(pair[1], F_SETFL, O_NONBLOCK);
		fill(pair[1], 4096);
	}
	hold();
}

static void hoard_memfd(long n)
{
	int fd;

	(void)n;
	while ((fd = memfd_create("hoard", 0)) >= 0) {
		char byte = 1;
		off_t at = 0;

		while (at < 8 * PIECE && pwrite(fd, &byte, 1, at) == 1)
			at += PAGE;
		if (at < 8 * PIECE)
			break;
	}
	hold();
}

/* A lock on every other byte: none of them can be joined. */
static void hoard_locks(long n)
{
	int fd = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };

	for (long i = 0; i < n && fcntl(fd, F_SETLK, &lock) == 0; i++)
		lock.l_start += 2;
	hold();
}

static void hoard_signals(long n)
{
	sigset_t all;

	(void)n;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
		;
	hold();
}

/* Memory runs out inside execve(2), whose arguments are as long as they may be. */
static void hoard_exec(long n)
{
	static char *arguments[34], *environment[] = { NULL };

	arguments[0] = "true";
	for (int i = 1; i < 33; i++) {
		arguments[i] = malloc(60001);
		memset(arguments[i], 'x', 60000);
		arguments[i][60000] = '\0';
	}
	signal(SIGCHLD, SIG_IGN);
	for (long i = 0; i < n; i++)
		if (fork() == 0) {
			execve("/bin/true", arguments, environment);
			_exit(1);
		}
	while (wait(NULL) > 0)
		;
	exit(0);
}

static void hoard_processes(long n)
{
	(void)n;
	for (;;)
		fork();
}

static const struct {
	const char *name;
	void (*run)(long n);
} kinds[] = {
	{ "memory", hoard_memory },   { "memories", hoard_memories },
	{ "shared", hoard_shared },   { "storm", hoard_storm },
	{ "threads", hoard_threads }, { "tables", hoard_tables },
	{ "pipes", hoard_pipes },     { "descriptors", hoard_descriptors },
	{ "sockets", hoard_sockets }, { "memfd", hoard_memfd },
	{ "locks", hoard_locks },     { "signals", hoard_signals },
	{ "exec", hoard_exec },       { "processes", hoard_processes },
};

int main(int argc, char **argv)
{
	if (getpid() == 1)
		hoard_memory(0);
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, argv[1]))
			kinds[i].run(argc > 2 ? atol(argv[2]) : 0);
	return 2;
}

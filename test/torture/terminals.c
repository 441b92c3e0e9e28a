/*
 * terminals.c - pseudo-terminals: what is written arrives whole and in order while both sides and
 * their settings are busy; a side may be closed, hung up or taken away as a controlling terminal at
 * any time, and whoever reads or writes then ends.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "torture.h"

enum { BYTES = 6000 };

struct pair {
	int master, slave;
};

static struct torture torture;
static struct pair current;
static atomic_bool is_over;

static struct pair pair_open(void)
{
	struct termios settings;
	struct pair pair;
	char name[32];
	int number;

	pair.master = posix_openpt(O_RDWR | O_NOCTTY);
	HOLDS(pair.master >= 0 && unlockpt(pair.master) == 0);
	HOLDS(ioctl(pair.master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	pair.slave = open(name, O_RDWR | O_NOCTTY);
	HOLDS(pair.slave >= 0);
	HOLDS(tcgetattr(pair.slave, &settings) == 0);
	cfmakeraw(&settings);
	HOLDS(tcsetattr(pair.slave, TCSANOW, &settings) == 0);
	return pair;
}

static void *send_from(void *arg)
{
	const int fd = *(const int *)arg;
	uint64_t random = random_begin(torture, (uint64_t)fd);
	unsigned char buf[200];

	for (int sent = 0; sent < BYTES;) {
		int want = (int)random_below(&random, sizeof(buf)) + 1;

		for (int i = 0; i < want; i++)
			buf[i] = (unsigned char)(sent + i);
		if (want > BYTES - sent)
			want = BYTES - sent;
		ssize_t count = write(fd, buf, (size_t)want);
		HOLDS(count > 0);
		sent += (int)count;
	}
	return NULL;
}

static void *receive_at(void *arg)
{
	const int fd = *(const int *)arg;
	unsigned char buf[300];

	for (int seen = 0; seen < BYTES;) {
		ssize_t count = read(fd, buf, sizeof(buf));

		HOLDS(count > 0);
		for (int i = 0; i < count; i++)
			HOLDS(buf[i] == (unsigned char)seen++);
	}
	return NULL;
}

/* Settings that change nothing of what arrives. */
static void *fidget(void *arg)
{
	struct winsize size = { 0 };
	int queued;

	while (!atomic_load(&is_over)) {
		size.ws_row++;
		HOLDS(ioctl(current.master, TIOCSWINSZ, &size) == 0);
		HOLDS(ioctl(current.slave, TIOCGWINSZ, &size) == 0);
		HOLDS(ioctl(current.slave, FIONREAD, &queued) == 0 && queued >= 0);
		HOLDS(ioctl(current.slave, TCXONC, TCOOFF) == 0);
		HOLDS(ioctl(current.slave, TCXONC, TCOON) == 0);
		sched_yield();
	}
	return arg;
}

static void both_ways(void)
{
	pthread_t threads[5];

	current = pair_open();
	atomic_store(&is_over, false);
	pthread_create(&threads[0], NULL, send_from, &current.master);
	pthread_create(&threads[1], NULL, receive_at, &current.slave);
	pthread_create(&threads[2], NULL, send_from, &current.slave);
	pthread_create(&threads[3], NULL, receive_at, &current.master);
	pthread_create(&threads[4], NULL, fidget, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&is_over, true);
	pthread_join(threads[4], NULL);
	close(current.master);
	close(current.slave);
}

/*
 * Reads as the leader of a session on the terminal, or writes as a stranger, until it is hung up.
 */
static void use(int slave, bool writes)
{
	char buf[64] = "noise";

	signal(SIGHUP, SIG_IGN);
	HOLDS(setsid() == getpid());
	HOLDS(writes || ioctl(slave, TIOCSCTTY, 0) == 0 || errno == EIO);
	for (;;) {
		ssize_t count = writes ? write(slave, buf, 40) : read(slave, buf, sizeof(buf));

		if (count == 0 || (count < 0 && errno == EIO))
			_exit(0);
		HOLDS(count > 0);
	}
}

/* The slave is opened and closed by those who come late. */
static void knock(const char *name)
{
	for (;;) {
		int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);

		if (fd < 0) {
			HOLDS(errno == ENOENT || errno == EIO || errno == ENXIO);
			_exit(0);
		}
		if (write(fd, "x", 1) != 1)
			HOLDS(errno == EIO || errno == EAGAIN);
		close(fd);
	}
}

static void hang_up(uint64_t *random)
{
	struct pair pair = pair_open();
	char buf[256], name[32];
	int number;

	HOLDS(ioctl(pair.master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		HOLDS(pid >= 0);
		if (pid > 0)
			continue;
		close(pair.master);
		if (i == 2)
			knock(name);
		use(pair.slave, i == 1);
	}
	close(pair.slave);
	for (uint64_t turns = random_below(random, 20); turns > 0; turns--) {
		HOLDS(write(pair.master, "some", 4) == 4);
		HOLDS(read(pair.master, buf, sizeof(buf)) >= 0 || errno == EIO);
	}
	if (random_below(random, 2))
		HOLDS(ioctl(pair.master, TCFLSH, TCIOFLUSH) == 0);
	close(pair.master);
	children_join(3);
}

int main(int argc, char **argv)
{
	uint64_t random;

	torture = torture_begin(argc, argv);
	random = random_begin(torture, 77);
	for (long round = 0; round < torture.rounds; round++) {
		both_ways();
		hang_up(&random);
	}
	return 0;
}

/*
 * watches.c - a directory is watched while processes create, rename, link and remove in it: nothing
 * is told of a name that nobody made, both halves of a rename are told, and a watch that is
 * taken away, with its file or without, says so once and is silent from then on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "torture.h"

enum { TURNS = 25, NAMES = 4, BUFFER = 64 * (int)sizeof(struct inotify_event) };

struct tally {
	long created, deleted, from, to, overflows;
};

static struct torture torture;
static atomic_bool is_over;

/* Each worker has names of its own, so that all of its calls succeed. */
static void *stir(void *arg)
{
	const long worker = (long)arg;
	char one[32], two[32];

	snprintf(one, sizeof(one), "watched/w%ld-one", worker);
	snprintf(two, sizeof(two), "watched/w%ld-two", worker);
	for (int i = 0; i < TURNS; i++) {
		int fd = open(one, O_CREAT | O_EXCL | O_WRONLY, 0600);

		HOLDS(fd >= 0 && write(fd, "x", 1) == 1);
		close(fd);
		HOLDS(rename(one, two) == 0);
		HOLDS(link(two, one) == 0);
		HOLDS(unlink(two) == 0 && unlink(one) == 0);
	}
	return NULL;
}

static void count(struct tally *tally, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		tally->overflows++;
		return;
	}
	HOLDS(event->len == 0 || (event->name[0] == 'w' && strchr(event->name, '-')));
	tally->created += !!(event->mask & IN_CREATE);
	tally->deleted += !!(event->mask & IN_DELETE);
	if (event->mask & IN_MOVED_FROM) {
		HOLDS(event->cookie != 0);
		tally->from++;
	} else if (event->mask & IN_MOVED_TO) {
		HOLDS(event->cookie != 0);
		tally->to++;
	} else {
		HOLDS(event->cookie == 0);
	}
}

/* Reads what there is; true when a watch says that it is no more. */
static bool events_take(int inotify, struct tally *tally)
{
	char buf[BUFFER] __attribute__((aligned(8)));
	bool is_last = false;
	ssize_t size = read(inotify, buf, sizeof(buf));

	HOLDS(size > 0);
	for (char *next = buf; next < buf + size;) {
		const struct inotify_event *event = (void *)next;

		HOLDS(!is_last);
		is_last = event->mask & IN_IGNORED;
		if (!is_last)
			count(tally, event);
		next += sizeof(*event) + event->len;
	}
	return is_last;
}

/* All that four workers did is told, to each of two who listen. */
static void watch_all(void)
{
	int inotify[2], watch[2];
	struct tally tally[2] = { 0 };
	pthread_t threads[WORKERS];

	HOLDS(mkdir("watched", 0700) == 0);
	for (int i = 0; i < 2; i++) {
		HOLDS((inotify[i] = inotify_init1(0)) >= 0);
		watch[i] = inotify_add_watch(inotify[i], "watched", IN_ALL_EVENTS);
		HOLDS(watch[i] >= 0);
	}
	for (long i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, stir, (void *)i) == 0);
	for (int i = 0; i < WORKERS; i++) {
		struct pollfd some = { .fd = inotify[0], .events = POLLIN };

		for (int turns = 0; turns < 10 && poll(&some, 1, 1) == 1; turns++)
			HOLDS(!events_take(inotify[0], &tally[0]));
		pthread_join(threads[i], NULL);
	}
	HOLDS(rmdir("watched") == 0);
	for (int i = 0; i < 2; i++) {
		while (!events_take(inotify[i], &tally[i]))
			;
		HOLDS(tally[i].overflows || (tally[i].created == 2 * WORKERS * TURNS &&
					     tally[i].deleted == 2 * WORKERS * TURNS &&
					     tally[i].from == WORKERS * TURNS &&
					     tally[i].to == WORKERS * TURNS));
		HOLDS(inotify_rm_watch(inotify[i], watch[i]) == -1 && errno == EINVAL);
		close(inotify[i]);
	}
}

/* The names are anybody's here, and come and go. */
static void *disturb(void *arg)
{
	uint64_t random = random_begin(torture, (uint64_t)(uintptr_t)arg);
	char one[32], two[32];

	while (!atomic_load(&is_over)) {
		snprintf(one, sizeof(one), "w-%d", (int)random_below(&random, NAMES));
		snprintf(two, sizeof(two), "w-%d", (int)random_below(&random, NAMES));
		close(open(one, O_CREAT | O_RDWR, 0600));
		if (random_below(&random, 2))
			rename(one, two);
		else
			unlink(two);
	}
	return NULL;
}

/* Watches on files that are just being removed and replaced, in an inotify that is just closed. */
static void watch_and_let_go(uint64_t *random)
{
	char name[32], buf[BUFFER];
	int inotify = inotify_init1(IN_NONBLOCK);

	HOLDS(inotify >= 0);
	for (int i = 0; i < TURNS; i++) {
		int watch;

		snprintf(name, sizeof(name), "w-%d", (int)random_below(random, NAMES));
		watch = inotify_add_watch(inotify, name, IN_ALL_EVENTS);
		HOLDS(watch >= 1 || errno == ENOENT);
		if (random_below(random, 3) == 0 && inotify_rm_watch(inotify, watch) != 0)
			HOLDS(errno == EINVAL);
		if (random_below(random, 3) == 0 && read(inotify, buf, sizeof(buf)) <= 0)
			HOLDS(errno == EAGAIN);
	}
	close(inotify);
}

static void come_and_go(uint64_t *random)
{
	pthread_t threads[WORKERS];
	char name[32];

	atomic_store(&is_over, false);
	for (long i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, disturb, (void *)(100 + i)) == 0);
	for (int i = 0; i < 4; i++)
		watch_and_let_go(random);
	atomic_store(&is_over, true);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "w-%d", i);
		unlink(name);
	}
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/watchesXXXXXX";
	uint64_t random;

	torture = torture_begin(argc, argv);
	random = random_begin(torture, 5);
	HOLDS(mkdtemp(directory) && chdir(directory) == 0);
	for (long round = 0; round < torture.rounds; round++) {
		watch_all();
		come_and_go(&random);
		torture.seed += 1000003;
	}
	HOLDS(chdir("/") == 0 && rmdir(directory) == 0);
	return 0;
}

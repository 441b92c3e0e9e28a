/*
 * par.c - two CPUs at a time: one process alone (_1), then two at once, each on a CPU of its own
 * (_2), each doing the same n times. A row's figure is the time for one of all that was done, so
 * that on two CPUs the second is half of the first if nothing stands in the way. Rows called _hop
 * pass a turn between two CPUs. After each row, what /proc/lock_stat tells is printed.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NULL_CALL, FAULT, OPEN, FORK, MUNMAP, NR_KINDS };

#define WORKERS(kind, nr) ((long)(kind) << 8 | (nr))
#define FAULT_PAGES 16
#define PAGE 4096

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

/* ---- what contended -------------------------------------------------------------------------- */

static void lock_counters_clear(void)
{
	int fd = open("/proc/lock_stat", O_WRONLY);

	if (fd >= 0)
		(void)write(fd, "0", 1);
	close(fd);
}

/* `locks ROW LOCK=WAITS ...`; nothing on a kernel that does not count. */
static void lock_counters_print(void)
{
	FILE *file = fopen("/proc/lock_stat", "r");
	char line[256], name[64], text[512] = "";
	unsigned long count;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %63[^:]: %lu", name, &count) == 2 && strlen(text) < 400)
			sprintf(text + strlen(text), " %s=%lu", name, count);
	}
	if (file)
		fclose(file);
	if (*text)
		printf("locks %s%s\n", row_name, text);
	fflush(stdout);
}

/* ---- workers --------------------------------------------------------------------------------- */

static struct worker {
	int go[2], done[2];
	int kind, number;
	pid_t pid;
} workers[2];

struct order {
	uint64_t n;
	int nr;
};

/* Those that stand at the start, in memory that all of them see. */
static _Atomic int *nr_ready;

/* All begin at once. */
static void await_all(int nr)
{
	atomic_fetch_add(nr_ready, 1);
	while (atomic_load(nr_ready) % nr)
		sched_yield();
}

static void *look_on(void *argument)
{
	stay_on(1);
	for (volatile bool ever = true; ever;)
		;
	return argument;
}

static void map_and_touch(int pages)
{
	char *memory = mmap(NULL, (size_t)pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	for (int i = 0; i < pages; i++)
		memory[i * PAGE] = 1;
	munmap(memory, (size_t)pages * PAGE);
}

static void work(int kind, const char *path)
{
	pid_t child;

	switch (kind) {
	case NULL_CALL:
		syscall(SYS_getppid);
		break;
	case FAULT:
		map_and_touch(FAULT_PAGES);
		break;
	case OPEN:
		close(open(path, O_RDONLY));
		break;
	case FORK:
		child = fork();
		if (child == 0)
			_exit(0);
		child_wait(child);
		break;
	case MUNMAP:
		map_and_touch(1);
		break;
	}
}

static void worker_run(void *argument)
{
	struct worker *worker = argument;
	char path[64];
	struct order order;
	int64_t took;

	stay_on(worker->number);
	snprintf(path, sizeof(path), "%s/par-%d", FOLDER, worker->number);
	close(open(path, O_CREAT | O_RDWR, 0600));
	while (read(worker->go[0], &order, sizeof(order)) == sizeof(order)) {
		await_all(order.nr);
		took = TIMED(order.n, work(worker->kind, path));
		if (write(worker->done[1], &took, sizeof(took)) != sizeof(took))
			fail("write");
	}
}

static void workers_init(long arg)
{
	int nr = (int)(arg & 0xff);

	nr_ready = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (nr_ready == MAP_FAILED)
		fail("mmap");
	lock_counters_clear();
	for (int i = 0; i < nr; i++) {
		workers[i].kind = (int)(arg >> 8);
		workers[i].number = i;
		if (pipe(workers[i].go) || pipe(workers[i].done))
			fail("pipe");
		workers[i].pid = child_start(worker_run, &workers[i]);
	}
}

/* The time of the slower one. */
static int64_t workers_go(uint64_t n, long arg)
{
	int nr = (int)(arg & 0xff);
	struct order order = { n, nr };
	int64_t took, longest = 0;

	for (int i = 0; i < nr; i++)
		if (write(workers[i].go[1], &order, sizeof(order)) != sizeof(order))
			fail("write");
	for (int i = 0; i < nr; i++) {
		if (read(workers[i].done[0], &took, sizeof(took)) != sizeof(took))
			fail("read");
		longest = took > longest ? took : longest;
	}
	return longest;
}

static void workers_fini(long arg)
{
	for (int i = 0; i < (int)(arg & 0xff); i++)
		child_stop(workers[i].pid);
	lock_counters_print();
}

/* ---- a process of one thread, or of two on two CPUs, that gives memory back ------------------ */

static void munmap_init(long threads)
{
	pthread_t thread;

	lock_counters_clear();
	stay_on(0);
	if (threads > 1 && pthread_create(&thread, NULL, look_on, NULL))
		fail("pthread_create");
}

static int64_t munmap_run(uint64_t n, long threads)
{
	(void)threads;
	return TIMED(n, work(MUNMAP, NULL));
}

static void print_fini(long arg)
{
	(void)arg;
	lock_counters_print();
}

/* ---- a turn passed between two CPUs ---------------------------------------------------------- */

static int there[2], back[2];
static pid_t partner;

static void pipe_partner(void *argument)
{
	(void)argument;
	stay_on(1);
	for (;;) {
		byte_read(there[0]);
		byte_write(back[1]);
	}
}

static void pipe_hop_init(long arg)
{
	(void)arg;
	lock_counters_clear();
	if (pipe(there) || pipe(back))
		fail("pipe");
	partner = child_start(pipe_partner, NULL);
	stay_on(0);
}

static void pipe_hop(void)
{
	byte_write(there[1]);
	byte_read(back[0]);
}

static int64_t pipe_hop_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, pipe_hop());
}

static void partner_fini(long arg)
{
	(void)arg;
	child_stop(partner);
	lock_counters_print();
}

static _Atomic int *turn;

static void turn_await(int value)
{
	for (int now; (now = atomic_load(turn)) != value;)
		syscall(SYS_futex, turn, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void turn_give(int value)
{
	atomic_store(turn, value);
	syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_partner(void *argument)
{
	(void)argument;
	stay_on(1);
	for (;;) {
		turn_await(1);
		turn_give(0);
	}
}

static void futex_hop_init(long arg)
{
	(void)arg;
	lock_counters_clear();
	turn = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (turn == MAP_FAILED)
		fail("mmap");
	partner = child_start(futex_partner, NULL);
	stay_on(0);
}

static void futex_hop(void)
{
	turn_give(1);
	turn_await(0);
}

static int64_t futex_hop_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, futex_hop());
}

#define PARALLEL(row, operations, kind)                                                    \
	{ .name = "par." row "_1", .per = (operations), .init = workers_init,              \
	  .run = workers_go, .fini = workers_fini, .arg = WORKERS(kind, 1) },              \
	{ .name = "par." row "_2", .per = 2 * (operations), .init = workers_init,          \
	  .run = workers_go, .fini = workers_fini, .arg = WORKERS(kind, 2) }

const struct row par_rows[] = {
	PARALLEL("null", 1, NULL_CALL),
	PARALLEL("fault", FAULT_PAGES, FAULT),
	PARALLEL("open_close", 1, OPEN),
	PARALLEL("fork_exit", 1, FORK),
	{ .name = "par.pipe_hop", .init = pipe_hop_init, .run = pipe_hop_run,
	  .fini = partner_fini },
	{ .name = "par.futex_hop", .init = futex_hop_init, .run = futex_hop_run,
	  .fini = partner_fini },
	{ .name = "par.munmap", .init = munmap_init, .run = munmap_run, .fini = print_fini,
	  .arg = 1 },
	{ .name = "par.munmap_shared", .init = munmap_init, .run = munmap_run,
	  .fini = print_fini, .arg = 2 },
	{ .name = NULL }
};

/*
 * sig.c - signals: installing a handler, being sent one, and a fault that the handler mends.
 */
#include "bench.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile unsigned long nr_caught;
static char *page;

static void catch(int signal)
{
	(void)signal;
	nr_caught++;
}

static void unprotect(int signal)
{
	(void)signal;
	if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0)
		fail("mprotect");
}

static int64_t install_run(uint64_t n, long arg)
{
	struct sigaction action = { .sa_handler = catch };

	(void)arg;
	return TIMED(n, if (sigaction(SIGUSR1, &action, NULL) != 0) fail("sigaction"));
}

static void deliver_init(long arg)
{
	(void)arg;
	signal(SIGUSR1, catch);
}

static int64_t deliver_run(uint64_t n, long arg)
{
	unsigned long before = nr_caught;
	pid_t self = getpid();
	int64_t took_ns;

	(void)arg;
	took_ns = TIMED(n, kill(self, SIGUSR1));
	if (nr_caught - before != n)
		fail("kill");
	return took_ns;
}

static void segv_init(long arg)
{
	(void)arg;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		fail("mmap");
	*page = 1;
	signal(SIGSEGV, unprotect);
}

static int64_t segv_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, {
		if (mprotect(page, 4096, PROT_NONE) != 0)
			fail("mprotect");
		(*(volatile char *)page)++;
	});
}

const struct row sig_rows[] = {
	{ .name = "sig.install", .run = install_run },
	{ .name = "sig.deliver", .init = deliver_init, .run = deliver_run },
	{ .name = "sig.segv_mprotect", .init = segv_init, .run = segv_run },
	{ .name = NULL },
};

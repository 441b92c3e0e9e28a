/*
 * proc.c - processes: made, replaced by another program, waited for; with a small address space and
 * with one of 64 MiB that have been written to, in large pages where the kernel has them and
 * without.
 */
#include "bench.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends at once; small/true.c. */
#define PROGRAM "/bin/true"
#define BIG (64UL << 20)

static char *const none[] = { NULL };
static char *const true_words[] = { "true", NULL };
static char *const shell_words[] = { "sh", "-c", ":", NULL };

static void fork_exit(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	child_wait(child);
}

static int64_t fork_exit_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, fork_exit());
}

static void wait_good(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || status != 0)
		fail("exec");
}

static void fork_exec(const char *path, char *const *words)
{
	pid_t child = fork();

	if (child == 0) {
		execve(path, words, none);
		_exit(127);
	}
	wait_good(child);
}

static int64_t vfork_exec_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, {
		pid_t child = vfork();

		if (child == 0) {
			execve(PROGRAM, true_words, none);
			_exit(127);
		}
		wait_good(child);
	});
}

static int64_t fork_exec_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, fork_exec(PROGRAM, true_words));
}

static int64_t shell_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, fork_exec("/bin/busybox", shell_words));
}

static void big_init(long advice)
{
	char *memory = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	if (advice)
		madvise(memory, BIG, (int)advice);
	memset(memory, 1, BIG);
}

const struct row proc_rows[] = {
	{ .name = "proc.fork_exit", .run = fork_exit_run },
	{ .name = "proc.vfork_exec", .run = vfork_exec_run },
	{ .name = "proc.fork_exec", .run = fork_exec_run },
	{ .name = "proc.sh_c", .run = shell_run },
	{ .name = "proc.fork_64m", .init = big_init, .run = fork_exit_run },
	{ .name = "proc.fork_64m_4k", .init = big_init, .run = fork_exit_run,
	  .arg = MADV_NOHUGEPAGE },
	{ .name = NULL },
};

/*
 * What exec does for programs that gain rights, or that may be run but not read; and children whose
 * exit signal is none.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

enum { NOBODY = 65534 };

static void copy_self(const char *to, mode_t mode)
{
	int from = open("/proc/self/exe", O_RDONLY),
	    fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	struct stat st;

	fstat(from, &st);
	sendfile(fd, from, NULL, (size_t)st.st_size);
	fchmod(fd, mode);
	close(from);
	close(fd);
}

/* Runs a copy of this program as nobody, with randomization switched off. */
static int run_as_nobody(const char *path, const char *what)
{
	int status, pid = fork();

	if (pid == 0) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(100);
		personality(ADDR_NO_RANDOMIZE);
		execl(path, path, what, NULL);
		_exit(101);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int answer(const char *what)
{
	if (strcmp(what, "dumpable") == 0)
		return prctl(PR_GET_DUMPABLE);
	if (strcmp(what, "rights") == 0)
		return geteuid() == 0;
	return personality(0xffffffff) & ADDR_NO_RANDOMIZE ? 1 : 0;
}

/* The same while another process shares the root and working directory, until `hold` ends. */
static int run_as_nobody_sharing(const char *path, const char *what, const int hold[2])
{
	int status, pid = fork();
	char byte;

	if (pid == 0) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(100);
		if (syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0) == 0) {
			close(hold[1]);
			_exit(read(hold[0], &byte, 1) != 0);
		}
		close(hold[1]);
		execl(path, path, what, NULL);
		_exit(101);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void shared_directories(void)
{
	int hold[2];

	pipe(hold);
	CHECK_EQ(a_set_id_program_has_rights, run_as_nobody("./setuid", "rights"), 1);
	CHECK_EQ(but_not_where_another_could_change_its_root,
		 run_as_nobody_sharing("./setuid", "rights", hold), 0);
	close(hold[0]);
	close(hold[1]);
}

static int end_at_once(void *arg)
{
	(void)arg;
	return 7;
}

static void exit_signals(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	static const int signals[] = { 65, 100, 200, 255 };
	int status, pid;
	bool all = true;

	for (int i = 0; i < 4; i++) {
		pid = clone(end_at_once, stack + sizeof(stack), signals[i], NULL);
		all = all && waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 7;
	}
	CHECK(a_child_whose_exit_signal_is_none_sends_nothing, all);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return answer(argv[1]);
	chmod(".", 0755);
	copy_self("readable", 0755);
	copy_self("unreadable", 0711);
	copy_self("setuid", 04711);
	CHECK_EQ(a_program_is_dumpable, run_as_nobody("./readable", "dumpable"), 1);
	CHECK_EQ(a_program_that_cannot_be_read_is_not_dumpable,
		 run_as_nobody("./unreadable", "dumpable"), 0);
	CHECK_EQ(a_program_that_gains_rights_is_not_dumpable,
		 run_as_nobody("./setuid", "dumpable"), 0);
	CHECK_EQ(randomization_stays_off_over_exec, run_as_nobody("./readable", "random"), 1);
	CHECK_EQ(but_not_for_a_program_that_gains_rights, run_as_nobody("./setuid", "random"), 0);
	shared_directories();
	exit_signals();
	return 0;
}

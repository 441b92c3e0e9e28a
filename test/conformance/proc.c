/*
 * /proc/PID: what it says of a process, its threads and its program agrees with what system calls
 * say, in Linux's formats.
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- numbers ------------------------------------------------------------------------------- */

static void check_stat(void)
{
	int pid = getpid();

	CHECK(stat_can_be_read, proc_read(pid, "stat") > 0);
	CHECK_EQ(stat_begins_with_the_pid, atoi(file_text), pid);
	CHECK(stat_has_the_name_in_parentheses, strstr(file_text, " (proc) ") != NULL);
	CHECK_EQ(stat_has_52_fields, count_words(file_text), 52);
	CHECK(stat_ends_with_a_newline, file_text[file_size - 1] == '\n');
	CHECK_EQ(who_reads_its_own_stat_runs, stat_field(pid, 3), 'R');
	CHECK_EQ(stat_field_4_is_the_parent, stat_field(pid, 4), getppid());
	CHECK_EQ(stat_field_5_is_the_group, stat_field(pid, 5), getpgrp());
	CHECK_EQ(stat_field_6_is_the_session, stat_field(pid, 6), getsid(0));
	CHECK_EQ(stat_field_7_is_0_without_terminal, stat_field(pid, 7), 0);
	CHECK_EQ(stat_field_8_is_minus_1_without_terminal, stat_field(pid, 8), -1);
	CHECK_EQ(stat_field_18_is_the_priority, stat_field(pid, 18), 20);
	CHECK_EQ(stat_field_19_is_nice, stat_field(pid, 19), 0);
	CHECK_EQ(stat_field_20_counts_threads, stat_field(pid, 20), 1);
	CHECK_EQ(stat_field_21_is_0, stat_field(pid, 21), 0);
	CHECK(stat_field_22_is_a_start_after_boot, stat_field(pid, 22) > 0);
	CHECK(stat_field_26_lies_below_field_27, stat_field(pid, 26) < stat_field(pid, 27));
	CHECK_EQ(stat_field_38_is_SIGCHLD, stat_field(pid, 38), SIGCHLD);
	CHECK_EQ(stat_field_41_is_the_policy, stat_field(pid, 41), 0);
	setpriority(PRIO_PROCESS, 0, 5);
	CHECK_EQ(stat_shows_a_changed_priority, stat_field(pid, 18), 25);
	CHECK_EQ(stat_shows_changed_nice, stat_field(pid, 19), 5);
	setpriority(PRIO_PROCESS, 0, 0);
}

static void check_names(void)
{
	prctl(PR_SET_NAME, "a) \\ \n b");
	proc_read(getpid(), "stat");
	CHECK(stat_shows_the_name_as_it_is, strstr(file_text, " (a) \\ \n b) ") != NULL);
	proc_read(getpid(), "status");
	CHECK(newline_and_backslash_are_escaped_in_status, line_is("Name:\t", "a) \\\\ \\n b"));
	proc_read(getpid(), "comm");
	CHECK(comm_shows_the_name_as_it_is, strcmp(file_text, "a) \\ \n b\n") == 0);
	CHECK_EQ(comm_can_be_written, file_write("/proc/self/comm", "proc"), 0);
	char name[16] = "";
	prctl(PR_GET_NAME, name);
	CHECK(written_comm_is_the_name, strcmp(name, "proc") == 0);
	CHECK_EQ(a_long_comm_is_cut, file_write("/proc/self/comm", "0123456789abcdefgh"), 0);
	proc_read(getpid(), "comm");
	CHECK(comm_has_15_bytes_at_most, strcmp(file_text, "0123456789abcde\n") == 0);
	CHECK_ERRNO(comm_of_another_process_cannot_be_written,
		    file_write(proc_path(getppid(), "comm"), "x"), EINVAL);
	file_write("/proc/self/comm", "proc");
}

static void check_status(void)
{
	static const char *const order[] = {
		"Name:\t", "Umask:\t", "State:\t", "Tgid:\t", "Ngid:\t", "Pid:\t", "PPid:\t",
		"TracerPid:\t", "Uid:\t", "Gid:\t", "FDSize:\t", "Groups:\t", "NStgid:\t",
		"NSpid:\t", "NSpgid:\t", "NSsid:\t", "VmPeak:\t", "VmSize:\t", "VmLck:\t",
		"VmPin:\t", "VmHWM:\t", "VmRSS:\t", "RssAnon:\t", "RssFile:\t", "RssShmem:\t",
		"VmData:\t", "VmStk:\t", "VmExe:\t", "VmLib:\t", "VmPTE:\t", "VmSwap:\t",
		"HugetlbPages:\t", "CoreDumping:\t", "THP_enabled:\t", "Threads:\t", "SigQ:\t",
		"SigPnd:\t", "ShdPnd:\t", "SigBlk:\t", "SigIgn:\t", "SigCgt:\t", "CapInh:\t",
		"CapPrm:\t", "CapEff:\t", "CapBnd:\t", "CapAmb:\t", "NoNewPrivs:\t", "Seccomp:\t",
		"Seccomp_filters:\t", "Cpus_allowed:\t", "Cpus_allowed_list:\t", "Mems_allowed:\t",
		"Mems_allowed_list:\t", "voluntary_ctxt_switches:\t",
		"nonvoluntary_ctxt_switches:\t", NULL,
	};
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	umask(027);
	CHECK(status_can_be_read, proc_read(getpid(), "status") > 0);
	CHECK(status_has_linuxs_lines_in_order, lines_in_order(order));
	CHECK(status_shows_the_umask, line_is("Umask:\t", "0027"));
	CHECK(status_shows_the_state, line_is("State:\t", "R (running)"));
	CHECK(status_shows_the_pid, line_is("Pid:\t", pid));
	CHECK(status_shows_the_tgid, line_is("Tgid:\t", pid));
	CHECK(status_shows_ids, line_is("Uid:\t", "0\t0\t0\t0"));
	CHECK(status_shows_all_capabilities_of_root, line_is("CapEff:\t", "000001ffffffffff"));
	CHECK(status_shows_no_new_privs, line_is("NoNewPrivs:\t", "0"));
	CHECK(sizes_have_eight_columns, line_after("VmSwap:\t") &&
	      !strncmp(line_after("VmSwap:\t"), "       0 kB\n", 12));
	umask(022);
}

static int show_changed_ids(void *data)
{
	gid_t groups[] = { 30, 10, 20 };

	(void)data;
	setgroups(3, groups);
	if (setresgid(1, 2, 3) || setresuid(4, 5, 6) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 1;
	CHECK(status_shows_groups_sorted, proc_read(getpid(), "status") > 0 &&
	      line_is("Groups:\t", "10 20 30 "));
	CHECK(status_shows_changed_uids, line_is("Uid:\t", "4\t5\t6\t5"));
	CHECK(status_shows_changed_gids, line_is("Gid:\t", "1\t2\t3\t2"));
	CHECK(status_shows_lost_capabilities, line_is("CapEff:\t", "0000000000000000"));
	CHECK(status_shows_the_bounding_set, line_is("CapBnd:\t", "000001ffffffffff"));
	CHECK(status_shows_set_no_new_privs, line_is("NoNewPrivs:\t", "1"));
	return 0;
}

static void ignore(int sig)
{
	(void)sig;
}

static int show_signals(void *data)
{
	sigset_t set;

	(void)data;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, ignore);
	kill(getpid(), SIGUSR1);
	syscall(SYS_tkill, getpid(), SIGUSR2);
	proc_read(getpid(), "status");
	CHECK(status_shows_signals_of_the_thread, line_is("SigPnd:\t", "0000000000000800"));
	CHECK(status_shows_signals_of_the_process, line_is("ShdPnd:\t", "0000000000000200"));
	CHECK(status_shows_blocked_signals, line_is("SigBlk:\t", "8000000000000a00"));
	CHECK_EQ(status_shows_ignored_signals, line_number("SigIgn:\t", 16) & 1, 1);
	CHECK_EQ(status_shows_caught_signals, line_number("SigCgt:\t", 16), 1 << (SIGTERM - 1));
	CHECK_EQ(stat_field_31_shows_signals_of_the_thread, stat_field(getpid(), 31), 0x800);
	CHECK_EQ(stat_field_32_shows_the_first_31_blocked, stat_field(getpid(), 32), 0xa00);
	CHECK_EQ(stat_field_34_shows_caught_signals, stat_field(getpid(), 34), 0x4000);
	return 0;
}

/* ---- threads ------------------------------------------------------------------------------- */

static int to_second[2], from_second[2];

static void *second_thread(void *data)
{
	char byte;

	prctl(PR_SET_NAME, "second");
	*(int *)data = (int)syscall(SYS_gettid);
	write(from_second[1], "x", 1);
	return read(to_second[0], &byte, 1) == 1 ? NULL : data;
}

static int show_threads(void *data)
{
	pthread_t thread;
	char path[64], byte;
	int tid = 0;

	(void)data;
	if (pipe(to_second) || pipe(from_second))
		return 1;
	pthread_create(&thread, NULL, second_thread, &tid);
	read(from_second[0], &byte, 1);
	CHECK_EQ(task_lists_each_thread, count_entries("/proc/self/task"), 4);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	file_read(path);
	CHECK(a_thread_has_a_name_of_its_own, strcmp(file_text, "second\n") == 0);
	proc_read(getpid(), "comm");
	CHECK(the_process_shows_its_leaders_name, strcmp(file_text, "proc\n") == 0);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", getpid(), tid);
	file_read(path);
	CHECK_EQ(stat_of_a_thread_begins_with_its_number, atoi(file_text), tid);
	proc_read(tid, "status");
	CHECK_EQ(a_thread_is_found_by_its_number, line_number("Pid:\t", 10), tid);
	CHECK_EQ(status_of_a_thread_shows_its_process, line_number("Tgid:\t", 10), getpid());
	CHECK_EQ(status_counts_threads, line_number("Threads:\t", 10), 2);
	/* It has said that it will read, and may not have got there yet. */
	for (int i = 0; i < 1000 && !line_is("State:\t", "S (sleeping)"); i++) {
		usleep(10000);
		proc_read(tid, "status");
	}
	CHECK(a_sleeping_thread_sleeps, line_is("State:\t", "S (sleeping)"));
	write(to_second[1], "x", 1);
	pthread_join(thread, NULL);
	for (int tries = 0; tries < 1000 && access(path, F_OK) == 0; tries++)
		usleep(1000); /* joined a little before it is gone */
	CHECK_ERRNO(a_thread_that_ended_is_gone, access(path, F_OK), ENOENT);
	return 0;
}

static void check_self(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%d", getpid());
	CHECK(self_names_the_reader, link_is("/proc/self", text));
	snprintf(text, sizeof(text), "%d/task/%d", getpid(), getpid());
	CHECK(thread_self_names_the_reading_thread, link_is("/proc/thread-self", text));
}

/* ---- programs -------------------------------------------------------------------------------- */

static int run_sleeper(const char *name, char *const environment[])
{
	char *const arguments[] = { (char *)name, "one", "", "two words", NULL };
	int ends[2];
	char byte;

	pipe2(ends, O_CLOEXEC);
	pid_t pid = fork();
	if (pid == 0) {
		execve("/proc/self/exe", arguments, environment);
		_exit(127);
	}
	close(ends[1]);
	read(ends[0], &byte, 1);
	close(ends[0]);
	return pid;
}

/* The program makes itself a title over its arguments, and on over its environment. */
static int set_title(void *data)
{
	char *start = (char *)(uintptr_t)stat_field(getpid(), 48);
	char *end = (char *)(uintptr_t)stat_field(getpid(), 49);
	char *environment = (char *)(uintptr_t)stat_field(getpid(), 50);
	int length = (int)(end - start), fd = open("/proc/self/cmdline", O_RDONLY);
	char piece[8] = "";

	(void)data;
	CHECK_EQ(arguments_are_told, file_read("/proc/self/cmdline"), length);
	CHECK_EQ(arguments_can_be_read_in_pieces, pread(fd, piece, 3, 2), 3);
	CHECK(piece_is_right, !memcmp(piece, start + 2, 3));
	CHECK_EQ(behind_the_arguments_is_nothing, pread(fd, piece, 3, length), 0);
	memset(start, 'T', (size_t)length);
	CHECK_EQ(title_goes_on_over_the_environment, file_read("/proc/self/cmdline"),
		 length + (int)strlen(environment) + 1);
	CHECK(title_is_right, !memcmp(file_text, start, (size_t)length + 3));
	CHECK_EQ(open_file_shows_it_too, pread(fd, piece, 3, 0), 3);
	CHECK(title_is_shown_there, !memcmp(piece, "TTT", 3));
	start[4] = '\0';
	CHECK_EQ(title_ends_at_its_end, file_read("/proc/self/cmdline"), 5);
	end[-1] = '\0';
	CHECK_EQ(arguments_that_end_in_nul_are_no_title, file_read("/proc/self/cmdline"), length);
	close(fd);
	return 0;
}

static void check_program(void)
{
	static const char arguments[] = "sleeper\0one\0\0two words";
	static char *const environment[] = { "PROC_TEST=sleep", "A=b", NULL };
	int pid = run_sleeper("sleeper", environment);

	CHECK(cmdline_is_the_arguments_with_nuls, proc_read(pid, "cmdline") == sizeof(arguments) &&
	      !memcmp(file_text, arguments, sizeof(arguments)));
	CHECK(environ_is_the_environment_with_nuls, proc_read(pid, "environ") == 20 &&
	      !memcmp(file_text, "PROC_TEST=sleep\0A=b", 20));
	CHECK(exe_is_the_program, link_is(proc_path(pid, "exe"), "/tests/proc"));
	CHECK(cwd_is_inherited, link_is(proc_path(pid, "cwd"), "/tmp"));
	CHECK(root_is_the_root, link_is(proc_path(pid, "root"), "/"));
	proc_read(pid, "comm");
	CHECK(comm_is_the_programs_name_not_the_arguments, strcmp(file_text, "exe\n") == 0);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	CHECK_EQ(a_stopped_process_is_T, stat_field(pid, 3), 'T');
	proc_read(pid, "status");
	CHECK(status_says_stopped, line_is("State:\t", "T (stopped)"));
	int stat = open(proc_path(pid, "stat"), O_RDONLY), directory;
	directory = open(proc_path(pid, ""), O_RDONLY | O_DIRECTORY);
	kill(pid, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	CHECK_EQ(a_dead_process_is_Z, stat_field(pid, 3), 'Z');
	CHECK_EQ(a_zombie_has_no_arguments, proc_read(pid, "cmdline"), 0);
	CHECK_EQ(a_zombie_has_no_memory, stat_field(pid, 23), 0);
	proc_read(pid, "status");
	CHECK(status_says_zombie, line_is("State:\t", "Z (zombie)"));
	CHECK(status_of_a_zombie_has_no_sizes, !line_after("VmSize:"));
	CHECK_ERRNO(a_zombie_has_no_program, readlink(proc_path(pid, "exe"), file_text, 9),
		    ENOENT);
	waitpid(pid, NULL, 0);
	CHECK_ERRNO(an_open_file_of_a_reaped_process_is_ESRCH, read(stat, file_text, 9), ESRCH);
	CHECK_ERRNO(nothing_is_found_in_the_directory_of_a_reaped_process,
		    openat(directory, "stat", O_RDONLY), ESRCH);
	CHECK_ERRNO(a_reaped_process_is_gone, access(proc_path(pid, "stat"), F_OK), ENOENT);
	close(stat);
	close(directory);
}

static void check_deleted_program(void)
{
	char *const arguments[] = { "copy", NULL };
	char *const environment[] = { "PROC_TEST=deleted", NULL };
	int status;

	if (system("cp /tests/proc /tmp/copy") || (status = fork()) < 0)
		return;
	if (status == 0) {
		execve("/tmp/copy", arguments, environment);
		_exit(127);
	}
	waitpid(status, &status, 0);
	CHECK_EQ(a_deleted_program_can_be_asked, status, 0);
}

static int be_deleted(void)
{
	struct stat by_link;

	CHECK(exe_names_the_program, link_is("/proc/self/exe", "/tmp/copy"));
	unlink("/tmp/copy");
	CHECK(exe_of_a_deleted_program_says_so, link_is("/proc/self/exe", "/tmp/copy (deleted)"));
	CHECK(exe_of_a_deleted_program_leads_to_it,
	      stat("/proc/self/exe", &by_link) == 0 && by_link.st_size > 0);
	mkdir("/tmp/gone", 0755);
	chdir("/tmp/gone");
	rmdir("/tmp/gone");
	CHECK(cwd_of_a_removed_directory_says_so,
	      link_is("/proc/self/cwd", "/tmp/gone (deleted)"));
	return 0;
}

int main(void)
{
	const char *how = getenv("PROC_TEST");

	if (how && strcmp(how, "deleted") == 0)
		return be_deleted();
	while (how)
		pause();
	check_self();
	check_stat();
	check_names();
	check_status();
	CHECK_EQ(ids_were_shown, check_in_child(show_changed_ids, NULL), 0);
	CHECK_EQ(signals_were_shown, check_in_child(show_signals, NULL), 0);
	CHECK_EQ(threads_were_shown, check_in_child(show_threads, NULL), 0);
	check_program();
	check_in_child(set_title, NULL);
	check_deleted_program();
	return 0;
}

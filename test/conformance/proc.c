/*
 * /proc/PID: what it says of a process agrees with what system calls say, in Linux's formats, and
 * only those see it who may.
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <dirent.h>
#include <elf.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <grp.h>

/* Field n of /proc/PID/stat as proc(5) numbers them, from 3 on. */
static long long stat_field(int pid, int n)
{
	char *at;

	if (proc_read(pid, "stat") < 0)
		return -1;
	at = strrchr(file_text, ')') + 1;
	for (int field = 3; field < n; field++)
		at = strchr(at + 1, ' ');
	return n == 3 ? at[1] : strtoll(at, NULL, 10);
}

static int count_words(const char *text)
{
	int words = 0;

	for (char before = ' '; *text; before = *text++)
		words += before == ' ' && *text != ' ';
	return words;
}

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

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
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
	CHECK(a_sleeping_thread_sleeps, line_is("State:\t", "S (sleeping)"));
	write(to_second[1], "x", 1);
	pthread_join(thread, NULL);
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

/* ---- programs and their memory ------------------------------------------------------------- */

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

static void check_auxv(void)
{
	static const unsigned long types[] = { AT_PAGESZ, AT_CLKTCK, AT_PHDR, AT_PHENT, AT_PHNUM,
		AT_BASE, AT_ENTRY, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE, AT_RANDOM, AT_HWCAP,
		AT_EXECFN, AT_PLATFORM, AT_SYSINFO_EHDR };
	bool agree = true;
	ssize_t n = proc_read(getpid(), "auxv");
	const unsigned long *words = (const unsigned long *)file_text;

	CHECK(auxv_is_pairs_of_words, n > 0 && n % 16 == 0);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const unsigned long *at = words;

		while (at[0] && at[0] != types[i])
			at += 2;
		agree = agree && at[0] == types[i] && at[1] == getauxval(types[i]);
	}
	CHECK(auxv_agrees_with_the_stack, agree);
	CHECK(auxv_ends_with_AT_NULL, n >= 16 && words[n / 8 - 2] == AT_NULL);
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
	CHECK(cwd_of_a_removed_directory_says_so, link_is("/proc/self/cwd", "/tmp/gone (deleted)"));
	return 0;
}

/* ---- areas --------------------------------------------------------------------------------- */

static bool has_area(const void *start, size_t size, const char *rest)
{
	char line[64];

	snprintf(line, sizeof(line), "%lx-%lx ", (unsigned long)start,
		 (unsigned long)start + size);
	const char *found = line_after(line);

	return found && strncmp(found, rest, strlen(rest)) == 0;
}

static bool areas_are_sorted(void)
{
	unsigned long last = 0, start, end;

	for (const char *line = file_text; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "%lx-%lx ", &start, &end) != 2 || start < last || end <= start)
			return false;
		last = end;
	}
	return true;
}

static void check_file_area(void)
{
	int fd = open("/tmp/mapped", O_RDWR | O_CREAT, 0600);
	struct stat stat;
	char rest[160];

	ftruncate(fd, 3 * 4096);
	fstat(fd, &stat);
	void *at = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 4096);
	snprintf(rest, sizeof(rest), "r--s 00001000 %02x:%02x %lu ", major(stat.st_dev),
			 minor(stat.st_dev), stat.st_ino);
	proc_read(getpid(), "maps");
	CHECK(maps_shows_a_file_its_offset_device_and_number, has_area(at, 8192, rest));
	char line[32];
	snprintf(line, sizeof(line), "%lx-", (unsigned long)at);
	const char *found = line_after(line);
	CHECK(maps_pads_to_column_73, found && strncmp(found - strlen(line) + 73, "/tmp/mapped\n",
						      12) == 0);
	unlink("/tmp/mapped");
	proc_read(getpid(), "maps");
	CHECK(maps_says_deleted, strstr(file_text, " /tmp/mapped (deleted)\n") != NULL);
	munmap(at, 8192);
	close(fd);
}

static void check_areas(void)
{
	char *at = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	at += 4096;
	munmap(at - 4096, 4096);
	munmap(at + 3 * 4096, 4096);
	mprotect(at + 4096, 4096, PROT_NONE);
	proc_read(getpid(), "maps");
	CHECK(maps_is_sorted, areas_are_sorted());
	CHECK(maps_shows_anonymous_memory, has_area(at, 4096, "rw-p 00000000 00:00 0 \n"));
	CHECK(maps_shows_a_changed_protection, has_area(at + 4096, 4096,
							"---p 00000000 00:00 0 \n"));
	CHECK(maps_names_the_stack, strstr(file_text, " [stack]\n") != NULL);
	CHECK(maps_names_the_vdso, strstr(file_text, " [vdso]\n") != NULL);
	CHECK(maps_names_the_program, strstr(file_text, " /tests/proc\n") != NULL);
	munmap(at, 3 * 4096);
	check_file_area();
}

static void check_sizes(void)
{
	const size_t pages = 64;
	long long size, resident;
	unsigned long before[7], after[7];

	proc_read(getpid(), "statm");
	CHECK_EQ(statm_has_seven_numbers, count_words(file_text), 7);
	sscanf(file_text, "%lu %lu %lu", &before[0], &before[1], &before[2]);
	char *at = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	proc_read(getpid(), "statm");
	sscanf(file_text, "%lu %lu", &after[0], &after[1]);
	CHECK_EQ(statm_counts_what_is_mapped, after[0] - before[0], pages);
	CHECK(what_is_not_touched_is_not_resident, after[1] - before[1] < pages / 2);
	memset(at, 1, pages * 4096);
	proc_read(getpid(), "statm");
	sscanf(file_text, "%lu %lu", &after[0], &after[1]);
	CHECK(what_is_touched_is_resident, after[1] >= before[1] + pages / 2);
	size = stat_field(getpid(), 23);
	proc_read(getpid(), "status");
	CHECK_EQ(stat_and_status_agree_on_the_size, line_number("VmSize:\t", 10) * 1024, size);
	resident = line_number("VmRSS:\t", 10);
	CHECK_EQ(resident_is_the_sum_of_its_parts, resident, line_number("RssAnon:\t", 10) +
		 line_number("RssFile:\t", 10) + line_number("RssShmem:\t", 10));
	CHECK(the_most_ever_resident_is_more, line_number("VmHWM:\t", 10) >= resident);
	proc_read(getpid(), "smaps");
	CHECK(smaps_has_sizes_of_areas, strstr(file_text, "\nSize:                256 kB\n"
					       "KernelPageSize:        4 kB\n"
					       "MMUPageSize:           4 kB\n") != NULL);
	CHECK(smaps_has_flags, strstr(file_text, "\nVmFlags: rd wr mr mw me ac ") != NULL);
	proc_read(getpid(), "smaps_rollup");
	CHECK(smaps_rollup_is_one_area, strstr(file_text, " [rollup]\nRss: ") != NULL);
	munmap(at, pages * 4096);
}

static void check_mem(void)
{
	char *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/mem", O_RDWR);
	char word[8] = "";

	CHECK_EQ(memory_can_be_written_that_is_read_only,
		 pwrite(fd, "hello", 6, (off_t)(unsigned long)at), 6);
	CHECK(what_was_written_is_there, strcmp(at, "hello") == 0);
	CHECK_EQ(memory_can_be_read, pread(fd, word, 6, (off_t)(unsigned long)at), 6);
	CHECK(what_is_read_is_what_is_there, strcmp(word, "hello") == 0);
	munmap(at, 4096);
	CHECK_ERRNO(nothing_is_EIO, pread(fd, word, 1, (off_t)(unsigned long)at), EIO);
	CHECK_EQ(mem_can_be_sought, lseek(fd, 4096, SEEK_SET), 4096);
	CHECK_ERRNO(mem_has_no_end, lseek(fd, 0, SEEK_END), EINVAL);
	close(fd);
}

/* ---- descriptors --------------------------------------------------------------------------- */

static const char *fd_path(const char *kind, int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s/%d", kind, fd);
	return path;
}

static mode_t mode_of_fd(int fd)
{
	struct stat stat;

	return lstat(fd_path("fd", fd), &stat) == 0 ? stat.st_mode : 0;
}

static void check_descriptors(void)
{
	int file = open("/tmp/opened", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600), ends[2];
	char text[64];
	struct stat stat, by_link;

	pipe(ends);
	write(file, "content", 7);
	CHECK(fd_links_to_the_file, link_is(fd_path("fd", file), "/tmp/opened"));
	CHECK_EQ(an_fd_for_both_has_both_permissions, mode_of_fd(file), S_IFLNK | 0700);
	CHECK_EQ(an_fd_for_reading_may_be_read, mode_of_fd(ends[0]), S_IFLNK | 0500);
	CHECK_EQ(an_fd_for_writing_may_be_written, mode_of_fd(ends[1]), S_IFLNK | 0300);
	fstat(ends[0], &stat);
	snprintf(text, sizeof(text), "pipe:[%lu]", stat.st_ino);
	CHECK(fd_names_a_pipe_by_number, link_is(fd_path("fd", ends[0]), text));
	lstat(fd_path("fd", file), &stat);
	CHECK_EQ(a_link_of_an_fd_has_size_64, stat.st_size, 64);
	unlink("/tmp/opened");
	CHECK(fd_says_deleted, link_is(fd_path("fd", file), "/tmp/opened (deleted)"));
	fstat(file, &stat);
	CHECK(a_deleted_file_is_reached_by_its_link, lstat("/tmp/opened", &by_link) == -1 &&
	      fstatat(AT_FDCWD, fd_path("fd", file), &by_link, 0) == 0 &&
	      by_link.st_ino == stat.st_ino);
	int again = open(fd_path("fd", file), O_RDONLY);
	CHECK(a_deleted_file_can_be_opened_again, read(again, text, 7) == 7 &&
	      !memcmp(text, "content", 7));
	file_read(fd_path("fdinfo", file));
	CHECK_EQ(fdinfo_shows_the_position, line_number("pos:\t", 10), 7);
	CHECK_EQ(fdinfo_shows_the_flags, line_number("flags:\t", 8),
		 O_RDWR | O_APPEND | O_CLOEXEC | 0100000);
	CHECK(fdinfo_shows_the_mount, line_number("mnt_id:\t", 10) > 0);
	CHECK_EQ(fdinfo_shows_the_inode, line_number("ino:\t", 10), stat.st_ino);
	close(again);
	close(file);
	CHECK_ERRNO(a_closed_fd_is_gone, readlink(fd_path("fd", file), text, 9), ENOENT);
	CHECK_ERRNO(fdinfo_of_a_closed_fd_is_gone, access(fd_path("fdinfo", file), F_OK), ENOENT);
	CHECK_ERRNO(fd_names_are_numbers, access("/proc/self/fd/x", F_OK), ENOENT);
	CHECK_ERRNO(fd_numbers_have_no_leading_zero, access("/proc/self/fd/00", F_OK), ENOENT);
	close(ends[0]);
	close(ends[1]);
}

/* ---- settings ------------------------------------------------------------------------------ */

static void check_limits(void)
{
	struct rlimit limit = { 100, 200 };
	struct rlimit old;

	getrlimit(RLIMIT_CORE, &old);
	setrlimit(RLIMIT_CORE, &limit);
	proc_read(getpid(), "limits");
	CHECK(limits_has_a_header, strncmp(file_text, "Limit                     Soft Limit"
					   "           Hard Limit           Units     \n", 79) == 0);
	CHECK(limits_shows_both_limits, line_is("Max core file size        ",
						"100                  200                  "
						"bytes     "));
	CHECK(limits_says_unlimited, line_is("Max cpu time              ",
					     "unlimited            unlimited            "
					     "seconds   "));
	CHECK(limits_has_no_unit_for_priorities, line_is("Max nice priority         ",
		"0                    0                    "));
	setrlimit(RLIMIT_CORE, &old);
}

static int lower_without_capability(void *data)
{
	(void)data;
	proc_read(getpid(), "oom_score_adj");
	CHECK(oom_score_adj_is_inherited, strcmp(file_text, "300\n") == 0);
	prctl(PR_SET_DUMPABLE, 1);
	if (setresuid(1000, 1000, 1000))
		return 1;
	prctl(PR_SET_DUMPABLE, 1);
	CHECK_EQ(oom_score_adj_may_be_raised_by_anybody,
		 file_write("/proc/self/oom_score_adj", "400"), 0);
	CHECK_ERRNO(oom_score_adj_may_not_be_lowered_by_all,
		    file_write("/proc/self/oom_score_adj", "200"), EACCES);
	return 0;
}

static void check_oom(void)
{
	CHECK_EQ(oom_score_adj_can_be_written, file_write("/proc/self/oom_score_adj", "300\n"), 0);
	proc_read(getpid(), "oom_score_adj");
	CHECK(oom_score_adj_is_as_written, strcmp(file_text, "300\n") == 0);
	proc_read(getpid(), "oom_adj");
	CHECK(oom_adj_is_the_same_on_the_old_scale, strcmp(file_text, "5\n") == 0);
	CHECK_ERRNO(oom_score_adj_ends_at_1000, file_write("/proc/self/oom_score_adj", "1001"),
		    EINVAL);
	CHECK_ERRNO(oom_score_adj_begins_at_minus_1000,
		    file_write("/proc/self/oom_score_adj", "-1001"), EINVAL);
	CHECK_ERRNO(oom_score_adj_is_a_number, file_write("/proc/self/oom_score_adj", "x"), EINVAL);
	CHECK_EQ(the_child_ended_well, check_in_child(lower_without_capability, NULL), 0);
	file_write("/proc/self/oom_score_adj", "0");
}

/* ---- mounts -------------------------------------------------------------------------------- */

static void check_mounts(void)
{
	mkdir("/tmp/a b", 0755);
	mount("the source", "/tmp/a b", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=700");
	mkdir("/tmp/a b/sub", 0755);
	mkdir("/tmp/bound", 0755);
	mount("/tmp/a b/sub", "/tmp/bound", NULL, MS_BIND, NULL);
	proc_read(getpid(), "mounts");
	const char *line = line_after("the\\040source /tmp/a\\040b tmpfs ");
	CHECK(mounts_escapes_blanks, line != NULL);
	CHECK(mounts_shows_options, line && !strncmp(line, "rw,nosuid,nodev,relatime,size=64k,mode=700",
						     42));
	CHECK(a_line_of_mounts_ends_with_two_zeroes, line && !strncmp(strchr(line, '\n') - 4,
								     " 0 0", 4));
	proc_read(getpid(), "mountinfo");
	CHECK(mountinfo_shows_the_root_of_a_bind_mount,
	      strstr(file_text, " /sub /tmp/bound rw,nosuid,nodev,relatime - tmpfs the\\040source "
			        "rw,size=64k,mode=700") != NULL);
	mount(NULL, "/tmp/bound", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	proc_read(getpid(), "mountinfo");
	CHECK(mountinfo_tells_a_read_only_mount_of_a_writable_file_system,
	      strstr(file_text, " /sub /tmp/bound ro,") != NULL &&
	      strstr(file_text, " - tmpfs the\\040source rw,") != NULL);
	CHECK(mounts_is_a_link, link_is("/proc/mounts", "self/mounts"));
	umount("/tmp/bound");
	umount("/tmp/a b");
	proc_read(getpid(), "mounts");
	CHECK(what_is_unmounted_is_gone, !strstr(file_text, "/tmp/bound"));
}

/* ---- who may ------------------------------------------------------------------------------- */

static int look_as_user(void *data)
{
	int pid = *(int *)data;
	char text[8];

	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return 1;
	CHECK(anybody_may_read_stat, proc_read(pid, "stat") > 0);
	CHECK_EQ(places_of_others_are_hidden_in_stat, stat_field(pid, 28), 0);
	CHECK_EQ(text_of_others_is_hidden_in_stat, stat_field(pid, 26), 1);
	CHECK(anybody_may_read_status, proc_read(pid, "status") > 0);
	CHECK(anybody_may_read_cmdline, proc_read(pid, "cmdline") > 0);
	CHECK_ERRNO(environ_of_others_is_EACCES, proc_read(pid, "environ"), EACCES);
	CHECK_ERRNO(auxv_of_others_is_EACCES, proc_read(pid, "auxv"), EACCES);
	CHECK_ERRNO(maps_of_others_is_EACCES, proc_read(pid, "maps"), EACCES);
	CHECK_ERRNO(mem_of_others_is_EACCES, proc_read(pid, "mem"), EACCES);
	CHECK_ERRNO(exe_of_others_is_EACCES, readlink(proc_path(pid, "exe"), text, 8), EACCES);
	CHECK_ERRNO(cwd_of_others_is_EACCES, readlink(proc_path(pid, "cwd"), text, 8), EACCES);
	CHECK_ERRNO(descriptors_of_others_are_EACCES,
		    open(proc_path(pid, "fd"), O_RDONLY | O_DIRECTORY), EACCES);
	CHECK_ERRNO(a_descriptor_of_others_is_EACCES, readlink(proc_path(pid, "fd/0"), text, 8),
		    EACCES);
	CHECK_ERRNO(a_setting_of_others_is_EACCES,
		    file_write(proc_path(pid, "oom_score_adj"), "1"), EACCES);
	CHECK(ones_own_environ_is_root_s_after_a_change_of_ids,
	      open("/proc/self/environ", O_RDONLY) == -1 && errno == EACCES);
	CHECK(ones_own_descriptors_may_be_listed_all_the_same, count_entries("/proc/self/fd") > 2);
	return 0;
}

static int show_owner(void *data)
{
	struct stat stat_of;

	(void)data;
	if (setresgid(1001, 1001, 1001) || setresuid(1000, 1000, 1000))
		return 1;
	stat("/proc/self/", &stat_of);
	CHECK(the_directory_belongs_to_the_effective_ids,
	      stat_of.st_uid == 1000 && stat_of.st_gid == 1001);
	stat("/proc/self/status", &stat_of);
	CHECK(files_of_who_may_not_be_dumped_are_root_s, stat_of.st_uid == 0);
	prctl(PR_SET_DUMPABLE, 1);
	stat("/proc/self/status", &stat_of);
	CHECK(files_of_others_are_theirs, stat_of.st_uid == 1000 && stat_of.st_gid == 1001);
	return 0;
}

static void check_modes(void)
{
	static const struct {
		const char *name;
		mode_t mode;
	} modes[] = {
		{ "", S_IFDIR | 0555 }, { "task", S_IFDIR | 0555 }, { "fd", S_IFDIR | 0500 },
		{ "fdinfo", S_IFDIR | 0555 }, { "ns", S_IFDIR | 0511 }, { "exe", S_IFLNK | 0777 },
		{ "cwd", S_IFLNK | 0777 }, { "root", S_IFLNK | 0777 }, { "stat", S_IFREG | 0444 },
		{ "status", S_IFREG | 0444 }, { "cmdline", S_IFREG | 0444 },
		{ "environ", S_IFREG | 0400 }, { "auxv", S_IFREG | 0400 },
		{ "comm", S_IFREG | 0644 }, { "maps", S_IFREG | 0444 }, { "mem", S_IFREG | 0600 },
		{ "limits", S_IFREG | 0444 }, { "oom_score_adj", S_IFREG | 0644 },
		{ "mounts", S_IFREG | 0444 }, { "mountinfo", S_IFREG | 0444 },
		{ "mountstats", S_IFREG | 0400 }, { "personality", S_IFREG | 0400 },
		{ "timerslack_ns", S_IFREG | 0666 }, { "wchan", S_IFREG | 0444 },
	};
	struct stat stat;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		mode_t mode = lstat(proc_path(getpid(), modes[i].name), &stat) ? 0 : stat.st_mode;

		if (mode != modes[i].mode)
			OUT("mode of %s is 0%o, not 0%o", modes[i].name, mode, modes[i].mode);
	}
	CHECK_ERRNO(modes_cannot_be_changed, chmod("/proc/self/stat", 0777), EPERM);
	CHECK_ERRNO(nothing_can_be_made_in_a_process, mkdir("/proc/self/x", 0755), ENOENT);
	CHECK_ERRNO(nothing_can_be_removed_of_a_process, unlink("/proc/self/stat"), EPERM);
}

int main(void)
{
	const char *how = getenv("PROC_TEST");
	int pid = getpid();

	if (how && strcmp(how, "deleted") == 0)
		return be_deleted();
	if (how) {
		for (;;)
			pause();
	}
	check_self();
	check_stat();
	check_names();
	check_status();
	CHECK_EQ(ids_were_shown, check_in_child(show_changed_ids, NULL), 0);
	CHECK_EQ(signals_were_shown, check_in_child(show_signals, NULL), 0);
	CHECK_EQ(threads_were_shown, check_in_child(show_threads, NULL), 0);
	check_program();
	check_auxv();
	check_deleted_program();
	check_areas();
	check_sizes();
	check_mem();
	check_descriptors();
	check_limits();
	check_oom();
	check_mounts();
	CHECK_EQ(others_were_looked_at, check_in_child(look_as_user, &pid), 0);
	CHECK_EQ(owners_were_shown, check_in_child(show_owner, NULL), 0);
	check_modes();
	return 0;
}

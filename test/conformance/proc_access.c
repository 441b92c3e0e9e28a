/*
 * Who may see what of /proc/PID: modes, owners, and what is hidden from others.
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

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
	int pid = getpid();

	CHECK_EQ(others_were_looked_at, check_in_child(look_as_user, &pid), 0);
	CHECK_EQ(owners_were_shown, check_in_child(show_owner, NULL), 0);
	check_modes();
	return 0;
}

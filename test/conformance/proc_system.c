/*
 * /proc: what it says of the whole machine agrees with system calls, in Linux's formats; settings
 * under /proc/sys take effect; and the file system behaves as Linux's.
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>

/* ---- the file system ----------------------------------------------------------------------- */

static void check_tree(void)
{
	struct statfs fs;
	struct stat by_name;
	struct dirent *entry;
	bool has_self = false, has_own = false, agrees = false;
	DIR *dir = opendir("/proc");

	while (dir && (entry = readdir(dir))) {
		has_self = has_self || (!strcmp(entry->d_name, "self") && entry->d_type == DT_LNK);
		has_own = has_own || (atoi(entry->d_name) == getpid() && entry->d_type == DT_DIR);
		if (!strcmp(entry->d_name, "meminfo") && stat("/proc/meminfo", &by_name) == 0)
			agrees = by_name.st_ino == entry->d_ino;
	}
	closedir(dir);
	CHECK(the_list_has_self, has_self);
	CHECK(the_list_has_the_reader, has_own);
	CHECK(numbers_in_the_list_are_those_of_stat, agrees);
	CHECK(proc_says_what_it_is, statfs("/proc", &fs) == 0 && fs.f_type == 0x9fa0);
	CHECK(its_root_is_inode_1, stat("/proc", &by_name) == 0 && by_name.st_ino == 1);
	CHECK(files_have_no_size, stat("/proc/meminfo", &by_name) == 0 && by_name.st_size == 0 &&
	      by_name.st_mode == (S_IFREG | 0444));
	CHECK_ERRNO(a_number_without_process_is_not_there, access("/proc/4194303", F_OK), ENOENT);
	CHECK_ERRNO(pids_have_no_leading_zero, access("/proc/01", F_OK), ENOENT);
	CHECK_ERRNO(no_file_can_be_made, open("/proc/x", O_CREAT | O_WRONLY, 0644), ENOENT);
	CHECK_ERRNO(no_directory_can_be_made, mkdir("/proc/x", 0755), ENOENT);
	CHECK_ERRNO(no_file_can_be_removed, unlink("/proc/version"), EPERM);
	CHECK_ERRNO(no_directory_can_be_removed, rmdir("/proc/sys"), EPERM);
}

static void check_reading(void)
{
	char whole[512] = "", pieces[512] = "";
	int fd = open("/proc/version", O_RDONLY);
	ssize_t n, size = read(fd, whole, sizeof(whole) - 1), done = 0;

	CHECK_EQ(the_end_is_the_end, read(fd, pieces, 1), 0);
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, pieces + done, 3)) > 0)
		done += n;
	CHECK(short_reads_give_the_same, done == size && !strcmp(whole, pieces));
	CHECK(a_read_can_begin_anywhere, pread(fd, pieces, 4, 6) == 4 &&
	      !memcmp(pieces, whole + 6, 4));
	CHECK_EQ(a_read_behind_the_end_is_empty, pread(fd, pieces, 4, 100000), 0);
	CHECK(a_read_can_go_back, pread(fd, pieces, 4, 0) == 4 && !memcmp(pieces, whole, 4));
	CHECK_EQ(a_position_can_be_set, lseek(fd, 3, SEEK_SET), 3);
	CHECK_ERRNO(the_end_is_no_position, lseek(fd, 0, SEEK_END), EINVAL);
	CHECK_ERRNO(a_file_for_reading_cannot_be_written, write(fd, "x", 1), EBADF);
	close(fd);
	fd = open("/proc/version", O_WRONLY);
	CHECK_ERRNO(a_file_that_takes_nothing_is_EIO, write(fd, "x", 1), EIO);
	close(fd);
}

/* ---- the machine --------------------------------------------------------------------------- */

static void check_version(void)
{
	struct utsname name;
	char start[256];

	uname(&name);
	file_read("/proc/version");
	snprintf(start, sizeof(start), "Linux version %s (", name.release);
	CHECK(version_begins_with_the_release, !strncmp(file_text, start, strlen(start)));
	snprintf(start, sizeof(start), " %s\n", name.version);
	CHECK(version_ends_with_the_version, strstr(file_text, start) != NULL);
	CHECK(cmdline_is_one_line, file_read("/proc/cmdline") > 1 &&
	      strchr(file_text, '\n') == file_text + file_size - 1);
	file_read("/proc/filesystems");
	CHECK(filesystems_has_proc, strstr(file_text, "nodev\tproc\n") != NULL);
	CHECK(filesystems_has_tmpfs, strstr(file_text, "nodev\ttmpfs\n") != NULL);
	CHECK(filesystems_has_nothing_hidden, !strstr(file_text, "anon_inode"));
	file_read("/proc/devices");
	CHECK(devices_begins_with_character_devices,
	      !strncmp(file_text, "Character devices:\n  1 mem\n", 27));
	CHECK(devices_has_block_devices, strstr(file_text, "\n\nBlock devices:\n") != NULL);
	CHECK(consoles_names_the_serial_line, file_read("/proc/consoles") > 0 &&
	      !strncmp(file_text, "ttyS0                -W- (EC p a)    4:64\n", 42));
	file_read("/proc/swaps");
	CHECK(swaps_has_a_header, !strcmp(file_text,
					  "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
}

static void check_memory(void)
{
	static const char *const order[] = {
		"MemTotal:       ", "MemFree:        ", "MemAvailable:   ", "Buffers:        ",
		"Cached:         ", "SwapCached:     ", "Active:         ", "Inactive:       ",
		"SwapTotal:      ", "SwapFree:       ", "Dirty:          ", "Shmem:          ",
		"Slab:           ", "KernelStack:    ", "PageTables:     ", "CommitLimit:    ",
		"Committed_AS:   ", "VmallocTotal:   ", NULL,
	};
	struct sysinfo info;

	sysinfo(&info);
	file_read("/proc/meminfo");
	CHECK(meminfo_has_linuxs_lines_in_order, lines_in_order(order));
	CHECK_EQ(meminfo_and_sysinfo_agree, line_number("MemTotal:", 10),
		 info.totalram * info.mem_unit / 1024);
	CHECK(meminfo_is_aligned, file_text[26] == 'B' && file_text[27] == '\n');
	CHECK(less_is_free_than_there_is, line_number("MemFree:", 10) <
	      line_number("MemTotal:", 10));
	CHECK(less_is_available_than_there_is, line_number("MemAvailable:", 10) <
	      line_number("MemTotal:", 10));
	CHECK(something_is_available, line_number("MemAvailable:", 10) > 1024);
	file_read("/proc/vmstat");
	CHECK(vmstat_counts_free_pages, line_number("nr_free_pages ", 10) > 0);
	file_read("/proc/buddyinfo");
	CHECK(buddyinfo_is_by_zone, strstr(file_text, "Node 0, zone    DMA32 ") != NULL);
	file_read("/proc/slabinfo");
	CHECK(slabinfo_has_its_version, !strncmp(file_text, "slabinfo - version: 2.1\n# name  ",
						 32));
}

static void check_times(void)
{
	unsigned long user, nice, system, idle, first, second;
	double up, idle_seconds;
	struct timespec boot, now;
	long long processes, switches, boot_time;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &now);
	file_read("/proc/uptime");
	CHECK_EQ(uptime_is_two_numbers, sscanf(file_text, "%lf %lf\n", &up, &idle_seconds), 2);
	CHECK(uptime_is_the_time_since_boot, up - (double)boot.tv_sec < 2 &&
	      up - (double)boot.tv_sec > -1);
	file_read("/proc/stat");
	CHECK_EQ(stat_begins_with_all_cpus, sscanf(file_text, "cpu  %lu %lu %lu %lu", &user, &nice,
						   &system, &idle), 4);
	CHECK(stat_goes_on_with_the_first, line_after("cpu0 ") != NULL);
	CHECK_EQ(a_cpu_has_ten_times, sscanf(line_after("cpu0 "), "%*u %*u %*u %*u %*u %*u %*u %*u "
					     "%lu %lu\n", &first, &second), 2);
	CHECK(stat_counts_interrupts, line_number("intr ", 10) > 0);
	boot_time = line_number("btime ", 10);
	CHECK(stat_knows_when_it_booted, boot_time - (now.tv_sec - boot.tv_sec) <= 1 &&
	      boot_time - (now.tv_sec - boot.tv_sec) >= -1);
	CHECK(somebody_runs, line_number("procs_running ", 10) >= 1);
	processes = line_number("processes ", 10);
	switches = line_number("ctxt ", 10);
	if (fork() == 0)
		_exit(0);
	wait(NULL);
	file_read("/proc/stat");
	CHECK(stat_counts_forks, line_number("processes ", 10) > processes);
	CHECK(stat_counts_switches, line_number("ctxt ", 10) > switches);
	int runnable, threads, last, loads[6];
	file_read("/proc/loadavg");
	CHECK_EQ(loadavg_has_linuxs_form, sscanf(file_text, "%d.%2d %d.%2d %d.%2d %d/%d %d\n",
		&loads[0], &loads[1], &loads[2], &loads[3], &loads[4], &loads[5], &runnable,
		&threads, &last), 9);
	CHECK(loadavg_knows_the_last_pid, last > getpid());
}

static void check_cpus(void)
{
	static const char *const order[] = {
		"processor\t: 0", "vendor_id\t: ", "cpu family\t: ", "model\t\t: ",
		"model name\t: ", "stepping\t: ", "cpu MHz\t\t: ", "cache size\t: ",
		"physical id\t: 0", "siblings\t: ", "core id\t\t: 0", "cpu cores\t: ",
		"apicid\t\t: 0", "initial apicid\t: 0", "fpu\t\t: yes", "fpu_exception\t: yes",
		"cpuid level\t: ", "wp\t\t: yes", "flags\t\t: fpu ", "bugs\t\t:", "bogomips\t: ",
		"clflush size\t: 64", "cache_alignment\t: 64", "address sizes\t: ",
		"power management:", NULL,
	};
	int cpus = 0;

	file_read("/proc/cpuinfo");
	CHECK(cpuinfo_has_linuxs_lines_in_order, lines_in_order(order));
	CHECK(flags_have_linuxs_names, strstr(file_text, " sse2 ") && strstr(file_text, " nx ") &&
	      strstr(file_text, " lm ") && strstr(file_text, " pni "));
	for (const char *at = file_text; (at = strstr(at, "processor\t: ")); at++)
		cpus++;
	CHECK_EQ(cpuinfo_has_all_cpus, cpus, sysconf(_SC_NPROCESSORS_ONLN));
	file_read("/proc/interrupts");
	CHECK(interrupts_has_a_column_a_cpu, !strncmp(file_text, "           CPU0 ", 16));
}

/* ---- settings ------------------------------------------------------------------------------ */

static bool setting_is(const char *path, const char *text)
{
	return file_read(path) >= 0 && strcmp(file_text, text) == 0;
}

static void check_names(void)
{
	char host[65], line[70];
	struct utsname name;

	gethostname(host, sizeof(host));
	snprintf(line, sizeof(line), "%s\n", host);
	CHECK(hostname_is_that_of_gethostname, setting_is("/proc/sys/kernel/hostname", line));
	CHECK_EQ(hostname_can_be_written, file_write("/proc/sys/kernel/hostname", "other\n"), 0);
	gethostname(line, sizeof(line));
	CHECK(written_hostname_is_in_force, strcmp(line, "other") == 0);
	sethostname(host, strlen(host));
	uname(&name);
	CHECK(ostype_is_Linux, setting_is("/proc/sys/kernel/ostype", "Linux\n"));
	snprintf(line, sizeof(line), "%s\n", name.release);
	CHECK(osrelease_is_that_of_uname, setting_is("/proc/sys/kernel/osrelease", line));
	CHECK_ERRNO(ostype_cannot_be_written, file_write("/proc/sys/kernel/ostype", "x"), EACCES);
}

static void check_random(void)
{
	char first[64];
	bool formed = file_read("/proc/sys/kernel/random/uuid") == 37;

	strcpy(first, file_text);
	for (int i = 0; formed && i < 36; i++)
		formed = i == 8 || i == 13 || i == 18 || i == 23 ? file_text[i] == '-'
								 : strchr("0123456789abcdef",
									  file_text[i]) != NULL;
	CHECK(uuid_has_its_form, formed && file_text[14] == '4' && strchr("89ab", file_text[19]));
	file_read("/proc/sys/kernel/random/uuid");
	CHECK(each_uuid_is_another, strcmp(first, file_text) != 0);
	file_read("/proc/sys/kernel/random/boot_id");
	strcpy(first, file_text);
	CHECK(boot_id_stays, setting_is("/proc/sys/kernel/random/boot_id", first));
	CHECK(poolsize_is_256, setting_is("/proc/sys/kernel/random/poolsize", "256\n"));
}

static void check_numbers(void)
{
	const char *const pid_max = "/proc/sys/kernel/pid_max";
	char old[32];

	CHECK(pid_max_is_a_number, file_read(pid_max) > 0 && atoi(file_text) > 300);
	strcpy(old, file_text);
	CHECK_EQ(pid_max_can_be_written, file_write(pid_max, " 40000 \n"), 0);
	CHECK(written_pid_max_is_shown, setting_is(pid_max, "40000\n"));
	CHECK_ERRNO(pid_max_has_a_least_value, file_write(pid_max, "100"), EINVAL);
	CHECK_ERRNO(pid_max_is_no_word, file_write(pid_max, "many"), EINVAL);
	CHECK_ERRNO(an_empty_line_is_no_number, file_write(pid_max, "\n"), EINVAL);
	CHECK(pid_max_is_as_before, setting_is(pid_max, "40000\n"));
	file_write(pid_max, old);
	CHECK(overcommit_is_0, setting_is("/proc/sys/vm/overcommit_memory", "0\n"));
	CHECK_ERRNO(overcommit_has_three_modes, file_write("/proc/sys/vm/overcommit_memory", "3"),
		    EINVAL);
	CHECK(printk_is_four_numbers, file_read("/proc/sys/kernel/printk") > 0 &&
	      sscanf(file_text, "%*d\t%*d\t%*d\t%[0-9]\n", old) == 1);
	CHECK(cap_last_cap_is_40, setting_is("/proc/sys/kernel/cap_last_cap", "40\n"));
	CHECK(ngroups_max_is_65536, setting_is("/proc/sys/kernel/ngroups_max", "65536\n"));
	CHECK(overflowuid_is_65534, setting_is("/proc/sys/kernel/overflowuid", "65534\n"));
	CHECK(nr_open_is_2_to_the_20, setting_is("/proc/sys/fs/nr_open", "1048576\n"));
	CHECK(pipe_max_size_is_a_mebibyte, setting_is("/proc/sys/fs/pipe-max-size", "1048576\n"));
	CHECK(max_map_count_is_65530, setting_is("/proc/sys/vm/max_map_count", "65530\n"));
	CHECK(randomize_va_space_is_2, setting_is("/proc/sys/kernel/randomize_va_space", "2\n"));
	CHECK(file_nr_is_three_numbers, file_read("/proc/sys/fs/file-nr") > 0 &&
	      strstr(file_text, "\t0\t"));
}

static int drop_as_user(void *data)
{
	(void)data;
	if (setresuid(1000, 1000, 1000))
		return 1;
	CHECK_ERRNO(drop_caches_is_for_root, file_write("/proc/sys/vm/drop_caches", "1"), EACCES);
	CHECK_ERRNO(hostname_is_for_root, file_write("/proc/sys/kernel/hostname", "x"), EACCES);
	CHECK_ERRNO(slabinfo_is_for_root, open("/proc/slabinfo", O_RDONLY), EACCES);
	CHECK_ERRNO(kmsg_is_for_root, open("/proc/kmsg", O_RDONLY), EACCES);
	return 0;
}

int main(void)
{
	check_tree();
	check_reading();
	check_version();
	check_memory();
	check_times();
	check_cpus();
	check_names();
	check_random();
	check_numbers();
	CHECK_EQ(caches_can_be_dropped, file_write("/proc/sys/vm/drop_caches", "3\n"), 0);
	CHECK_ERRNO(drop_caches_has_four_bits, file_write("/proc/sys/vm/drop_caches", "5"), EINVAL);
	CHECK_EQ(a_user_was_refused, check_in_child(drop_as_user, NULL), 0);
	return 0;
}

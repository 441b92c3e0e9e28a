/*
 * /sys: what C libraries, nproc and mdev read of it.
 */
#define _GNU_SOURCE
#include "check.h"
#include "proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define CPU "/sys/devices/system/cpu/"
#define NODE "/sys/devices/system/node/"

static bool is_dir(const char *path)
{
	struct stat stat_of;

	return stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
}

static void check_tree(void)
{
	static const char *const dirs[] = {
		"block", "bus", "class", "dev", "dev/block", "dev/char", "devices", "firmware",
		"fs", "kernel", "module", "class/mem", "class/tty",
	};
	struct statfs fs;
	char path[64];

	CHECK(sysfs_says_what_it_is, statfs("/sys", &fs) == 0 && fs.f_type == 0x62656572);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "/sys/%s", dirs[i]);
		OUT("%s is %s", path, is_dir(path) ? "a directory" : "missing");
	}
	CHECK_ERRNO(no_directory_can_be_made, mkdir("/sys/x", 0755), EPERM);
	CHECK_ERRNO(no_file_can_be_made, open("/sys/x", O_CREAT | O_WRONLY, 0644), EACCES);
	CHECK_ERRNO(what_is_not_there_is_not_there, access("/sys/x", F_OK), ENOENT);
}

static void check_cpus(void)
{
	char list[64];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	snprintf(list, sizeof(list), cpus > 1 ? "0-%ld\n" : "0\n", cpus - 1);
	CHECK(online_lists_the_cpus, file_read(CPU "online") > 0 && !strcmp(file_text, list));
	CHECK(possible_begins_with_the_first, file_read(CPU "possible") > 0 && file_text[0] == '0');
	CHECK(present_begins_with_the_first, file_read(CPU "present") > 0 && file_text[0] == '0');
	CHECK(no_cpu_is_isolated, file_read(CPU "isolated") == 1 && file_text[0] == '\n');
	CHECK(kernel_max_is_a_number, file_read(CPU "kernel_max") > 0 && atoi(file_text) > 0);
	CHECK(each_cpu_has_a_directory, is_dir(CPU "cpu0"));
	CHECK_ERRNO(there_are_no_more_cpus, access(CPU "cpu4000", F_OK), ENOENT);
	CHECK(a_cpu_knows_its_core, file_read(CPU "cpu0/topology/core_id") > 0 &&
	      !strcmp(file_text, "0\n"));
	CHECK(a_cpu_knows_its_package, file_read(CPU "cpu0/topology/physical_package_id") > 0 &&
	      !strcmp(file_text, "0\n"));
	CHECK(a_cpu_knows_its_threads, file_read(CPU "cpu0/topology/thread_siblings_list") > 0 &&
	      !strcmp(file_text, "0\n"));
}

static void check_nodes(void)
{
	static const char *const files[] = { "online", "possible", "has_cpu", "has_memory",
		"has_normal_memory", "node0/distance" };
	char list[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), NODE "%s", files[i]);
		file_read(path);
		OUT("%s: %s", files[i], file_text);
	}
	file_read(CPU "online");
	strncpy(list, file_text, sizeof(list) - 1);
	list[sizeof(list) - 1] = 0;
	CHECK(all_cpus_are_in_the_node, file_read(NODE "node0/cpulist") > 0 &&
	      !strcmp(file_text, list));
	file_read(NODE "node0/cpumap");
	CHECK(the_map_has_the_first_cpu, strtoul(file_text, NULL, 16) & 1);
	file_read(NODE "node0/meminfo");
	CHECK(the_node_has_memory, strstr(file_text, "Node 0 MemTotal: ") &&
	      strstr(file_text, "Node 0 MemFree: ") && strstr(file_text, "Node 0 MemUsed: "));
	CHECK_ERRNO(there_is_no_other_node, access(NODE "node1", F_OK), ENOENT);
}

static void check_devices(void)
{
	CHECK(null_has_its_number, file_read("/sys/class/mem/null/dev") > 0 &&
	      !strcmp(file_text, "1:3\n"));
	file_read("/sys/class/mem/null/uevent");
	CHECK(uevent_tells_major_and_minor, strstr(file_text, "MAJOR=1\nMINOR=3\nDEVNAME=null\n"));
	CHECK(uevent_tells_the_mode, strstr(file_text, "DEVMODE=0666\n") != NULL);
	CHECK(the_serial_line_has_its_number, file_read("/sys/class/tty/ttyS0/dev") > 0 &&
	      !strcmp(file_text, "4:64\n"));
	CHECK(the_active_console_is_named, file_read("/sys/class/tty/console/active") > 0 &&
	      !strcmp(file_text, "ttyS0\n"));
	CHECK(a_device_is_found_by_number, file_read("/sys/dev/char/1:5/uevent") > 0 &&
	      strstr(file_text, "DEVNAME=zero\n"));
}

int main(void)
{
	check_tree();
	check_cpus();
	check_nodes();
	check_devices();
	return 0;
}

/*
 * What is kept from those who are not root: the kernel's log by dmesg_restrict, the kernel's
 * addresses by kptr_restrict.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/wait.h>

#include "check.h"

#define DMESG "/proc/sys/kernel/dmesg_restrict"
#define KPTR  "/proc/sys/kernel/kptr_restrict"

enum { READ_ALL = 3, CONSOLE_LEVEL = 8, SIZE_BUFFER = 10 };

static int set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	int result = fd < 0 ? -1 : (int)write(fd, value, strlen(value));
	int saved = errno;

	close(fd);
	errno = saved;
	return result;
}

static char get(const char *path)
{
	char text[8] = "";
	int fd = open(path, O_RDONLY);

	read(fd, text, sizeof(text) - 1);
	close(fd);
	return text[0];
}

/* Whether some address in /proc/kallsyms is shown; every line begins with 16 digits. */
static bool addresses_are_shown(void)
{
	char text[17] = "";
	int fd = open("/proc/kallsyms", O_RDONLY);
	bool shown = false;
	FILE *file = fdopen(fd, "r");
	char line[512];

	while (!shown && fgets(line, sizeof(line), file)) {
		memcpy(text, line, 16);
		shown = strtoull(text, NULL, 16) > 0xffff000000000000ull;
	}
	fclose(file);
	return shown;
}

static long read_log(void)
{
	static char text[4096];

	return klogctl(READ_ALL, text, sizeof(text));
}

/* In a child who is nobody: its exit status. */
static int as_nobody(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setgid(65534) || setuid(65534) ? 99 : run());
	waitpid(pid, &status, 0);
	return status;
}

static int log_is_open(void)
{
	CHECK(nobody_reads_the_log, read_log() > 0);
	CHECK(nobody_asks_its_size, klogctl(SIZE_BUFFER, NULL, 0) > 0);
	CHECK_ERRNO(nobody_sets_the_console_level, klogctl(CONSOLE_LEVEL, NULL, 7), EPERM);
	return 0;
}

static int log_is_closed(void)
{
	CHECK_ERRNO(nobody_reads_no_restricted_log, read_log(), EPERM);
	CHECK_ERRNO(nobody_asks_no_size_of_a_restricted_log, klogctl(SIZE_BUFFER, NULL, 0), EPERM);
	CHECK_ERRNO(nobody_opens_no_restricted_kmsg, open("/dev/kmsg", O_RDONLY), EPERM);
	CHECK_ERRNO(nobody_lifts_no_restriction, set(DMESG, "0"), EACCES);
	return 0;
}

static int sees_no_addresses(void)
{
	CHECK(nobody_sees_no_addresses, !addresses_are_shown());
	CHECK_ERRNO(nobody_sets_no_kptr_restrict, set(KPTR, "0"), EACCES);
	return 0;
}

int main(void)
{
	char dmesg = get(DMESG), kptr = get(KPTR);

	OUT("dmesg_restrict %c, kptr_restrict %c", dmesg, kptr);
	CHECK(dmesg_restrict_can_be_0, set(DMESG, "0") == 1);
	as_nobody(log_is_open);
	CHECK(dmesg_restrict_can_be_1, set(DMESG, "1") == 1 && get(DMESG) == '1');
	as_nobody(log_is_closed);
	CHECK(root_reads_a_restricted_log, read_log() > 0);
	CHECK_ERRNO(dmesg_restrict_can_not_be_2, set(DMESG, "2"), EINVAL);

	CHECK(kptr_restrict_can_be_0, set(KPTR, "0") == 1);
	CHECK(root_sees_addresses, addresses_are_shown());
	as_nobody(sees_no_addresses);
	CHECK(kptr_restrict_can_be_1, set(KPTR, "1") == 1);
	CHECK(root_still_sees_addresses, addresses_are_shown());
	as_nobody(sees_no_addresses);
	CHECK(kptr_restrict_can_be_2, set(KPTR, "2") == 1);
	CHECK(root_sees_none_now, !addresses_are_shown());
	CHECK_ERRNO(kptr_restrict_can_not_be_3, set(KPTR, "3"), EINVAL);
	set(DMESG, dmesg == '1' ? "1" : "0");
	set(KPTR, kptr == '1' ? "1" : kptr == '2' ? "2" : "0");
	return 0;
}

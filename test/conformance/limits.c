/*
 * Resource limits and the names of the system.
 */
#include "check.h"

#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define BAD_POINTER ((void *)8)
#define NOBODY 999999

struct limit {
	unsigned long soft, hard;
};

static long prlimit_raw(pid_t pid, unsigned resource, const void *new, void *old)
{
	return syscall(SYS_prlimit64, pid, resource, new, old);
}

static void check_defaults(void)
{
	for (unsigned i = 0; i < 16; i++) {
		struct limit limit;

		if (i == RLIMIT_NPROC || i == 11 /* sigpending */)
			continue; /* by the size of memory */
		prlimit_raw(0, i, NULL, &limit);
		OUT("limit %u: %ld %ld", i, (long)limit.soft, (long)limit.hard);
	}
}

static void check_changes(void)
{
	struct limit old, limit = { 100, 200 }, bad = { 300, 200 };

	CHECK_EQ(limit_can_be_set, prlimit_raw(0, RLIMIT_NOFILE, &limit, &old), 0);
	OUT("before: %ld %ld", (long)old.soft, (long)old.hard);
	CHECK_EQ(limit_can_be_read, syscall(SYS_getrlimit, RLIMIT_NOFILE, &old), 0);
	OUT("after: %ld %ld", (long)old.soft, (long)old.hard);
	CHECK_ERRNO(soft_above_hard_is_EINVAL, prlimit_raw(0, RLIMIT_NOFILE, &bad, NULL), EINVAL);
	CHECK_ERRNO(unknown_resource_is_EINVAL, prlimit_raw(0, 16, NULL, &old), EINVAL);
	CHECK_ERRNO(unknown_resource_of_getrlimit_is_EINVAL,
		    syscall(SYS_getrlimit, 99, &old), EINVAL);
	CHECK_ERRNO(limits_of_nobody_are_ESRCH, prlimit_raw(NOBODY, 0, NULL, &old), ESRCH);
	CHECK_ERRNO(new_limit_at_a_bad_pointer_is_EFAULT,
		    prlimit_raw(0, 0, BAD_POINTER, NULL), EFAULT);
	CHECK_ERRNO(old_limit_at_a_bad_pointer_is_EFAULT,
		    prlimit_raw(0, 0, NULL, BAD_POINTER), EFAULT);
	limit = (struct limit){ 100, 1ul << 40 };
	CHECK_ERRNO(more_files_than_the_system_has_are_EPERM,
		    prlimit_raw(0, RLIMIT_NOFILE, &limit, NULL), EPERM);
	CHECK_EQ(limit_of_the_own_pid, prlimit_raw(getpid(), RLIMIT_NOFILE, NULL, &old), 0);
	limit = (struct limit){ 1024, 4096 };
	CHECK_EQ(root_may_raise_the_hard_limit, prlimit_raw(0, RLIMIT_NOFILE, &limit, NULL), 0);
	CHECK_EQ(nothing_may_be_asked_and_set, prlimit_raw(0, RLIMIT_NOFILE, NULL, NULL), 0);
}

static int without_privilege(void *data)
{
	struct limit limit = { 10, 4096 };

	(void)data;
	syscall(SYS_setresuid, 1000, 1000, 1000);
	CHECK_EQ(user_may_lower_the_soft_limit, prlimit_raw(0, RLIMIT_NOFILE, &limit, NULL), 0);
	limit = (struct limit){ 10, 5000 };
	CHECK_ERRNO(user_cannot_raise_the_hard_limit,
		    prlimit_raw(0, RLIMIT_NOFILE, &limit, NULL), EPERM);
	CHECK_ERRNO(user_cannot_see_the_limits_of_others,
		    prlimit_raw(1, RLIMIT_NOFILE, NULL, &limit),
		    EPERM);
	return 0;
}

static void check_names(void)
{
	struct utsname name;
	char host[65] = { 0 };

	CHECK_EQ(uname_succeeds, syscall(SYS_uname, &name), 0);
	OUT("system %s machine %s release %.4s", name.sysname, name.machine, name.release);
	memcpy(host, name.nodename, 65);
	CHECK_ERRNO(uname_to_a_bad_pointer_is_EFAULT, syscall(SYS_uname, BAD_POINTER), EFAULT);
	CHECK_EQ(host_name_can_be_set, syscall(SYS_sethostname, "moonshotXYZ", 8), 0);
	CHECK_EQ(domain_name_can_be_set, syscall(SYS_setdomainname, "example", 7), 0);
	syscall(SYS_uname, &name);
	OUT("host %s domain %s", name.nodename, name.__domainname);
	CHECK_ERRNO(long_host_name_is_EINVAL, syscall(SYS_sethostname, "x", 65), EINVAL);
	CHECK_ERRNO(negative_length_is_EINVAL, syscall(SYS_sethostname, "x", -1), EINVAL);
	CHECK_ERRNO(host_name_from_a_bad_pointer_is_EFAULT,
		    syscall(SYS_sethostname, BAD_POINTER, 5), EFAULT);
	syscall(SYS_sethostname, host, strlen(host));
	syscall(SYS_setdomainname, "(none)", 6);
	syscall(SYS_personality, PER_LINUX32);
	syscall(SYS_uname, &name);
	OUT("machine for 32-bit programs %s", name.machine);
	syscall(SYS_personality, PER_LINUX);
}

static int names_without_privilege(void *data)
{
	(void)data;
	syscall(SYS_setresuid, 1000, 1000, 1000);
	CHECK_ERRNO(user_cannot_set_the_host_name, syscall(SYS_sethostname, "x", 1), EPERM);
	CHECK_ERRNO(privilege_is_checked_before_the_length,
		    syscall(SYS_sethostname, "x", 1000), EPERM);
	return 0;
}

int main(void)
{
	check_defaults();
	check_changes();
	check_in_child(without_privilege, NULL);
	check_names();
	check_in_child(names_without_privilege, NULL);
	return 0;
}

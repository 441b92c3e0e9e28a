/*
 * User and group ids, supplementary groups, and capabilities: who may become whom, and what
 * changes with it.
 */
#include "check.h"

#include <grp.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#define BAD_POINTER ((void *)8)
#define CAP_VERSION 0x20080522
#define CAP_SETUID  7

struct cap_header {
	uint32_t version;
	int      pid;
};

struct cap_data {
	uint32_t effective, permitted, inheritable;
};

static void show_ids(const char *when)
{
	uid_t ruid = 0, euid = 0, suid = 0;
	gid_t rgid = 0, egid = 0, sgid = 0;

	syscall(SYS_getresuid, &ruid, &euid, &suid);
	syscall(SYS_getresgid, &rgid, &egid, &sgid);
	OUT("%s: uid %d %d %d fs %ld gid %d %d %d fs %ld", when, ruid, euid, suid,
	    syscall(SYS_setfsuid, -1), rgid, egid, sgid, syscall(SYS_setfsgid, -1));
}

static void show_caps(const char *when)
{
	struct cap_header head = { .version = CAP_VERSION };
	struct cap_data data[2] = { 0 };

	syscall(SYS_capget, &head, data);
	OUT("%s: effective %08x permitted %08x inheritable %08x", when, data[0].effective,
	    data[0].permitted, data[0].inheritable);
}

static int root_becomes_user(void *data)
{
	(void)data;
	CHECK_EQ(root_may_set_any_gid, syscall(SYS_setgid, 100), 0);
	CHECK_EQ(root_may_set_any_uid, syscall(SYS_setuid, 1000), 0);
	show_ids("after setuid");
	show_caps("after setuid");
	CHECK_ERRNO(user_cannot_become_root_again, syscall(SYS_setuid, 0), EPERM);
	CHECK_ERRNO(user_cannot_set_another_gid, syscall(SYS_setgid, 0), EPERM);
	CHECK_EQ(user_may_set_its_own_uid, syscall(SYS_setuid, 1000), 0);
	CHECK_ERRNO(user_cannot_set_groups, syscall(SYS_setgroups, 0, NULL), EPERM);
	CHECK_ERRNO(uid_minus_one_is_EINVAL, syscall(SYS_setuid, -1), EINVAL);
	CHECK_ERRNO(gid_minus_one_is_EINVAL, syscall(SYS_setgid, -1), EINVAL);
	return 0;
}

static int effective_only(void *data)
{
	(void)data;
	CHECK_EQ(effective_uid_can_be_set_alone, syscall(SYS_setresuid, -1, 1000, -1), 0);
	show_ids("effective 1000");
	show_caps("effective 1000");
	CHECK_EQ(saved_root_lets_it_come_back, syscall(SYS_setresuid, -1, 0, -1), 0);
	show_caps("effective 0 again");
	CHECK_EQ(swap_of_real_and_effective, syscall(SYS_setreuid, 1000, 0), 0);
	show_ids("real 1000 effective 0");
	CHECK_EQ(swap_back, syscall(SYS_setreuid, 0, 1000), 0);
	show_ids("real 0 effective 1000");
	CHECK_ERRNO(real_uid_cannot_be_any, syscall(SYS_setreuid, 55, -1), EPERM);
	CHECK_ERRNO(effective_uid_cannot_be_any, syscall(SYS_setreuid, -1, 55), EPERM);
	CHECK_ERRNO(saved_uid_cannot_be_any, syscall(SYS_setresuid, -1, -1, 55), EPERM);
	CHECK_EQ(ids_unchanged_by_minus_one, syscall(SYS_setresuid, -1, -1, -1), 0);
	show_ids("at the end");
	return 0;
}

static int file_system_ids(void *data)
{
	(void)data;
	CHECK_EQ(setfsuid_returns_the_old_one, syscall(SYS_setfsuid, 1000), 0);
	CHECK_EQ(setfsuid_took_effect, syscall(SYS_setfsuid, -1), 1000);
	show_caps("fsuid 1000");
	CHECK_EQ(setfsuid_back, syscall(SYS_setfsuid, 0), 1000);
	show_caps("fsuid 0");
	CHECK_EQ(setfsgid_returns_the_old_one, syscall(SYS_setfsgid, 100), 0);
	syscall(SYS_setresuid, 1000, 1000, 1000);
	CHECK_EQ(user_cannot_set_any_fsuid, syscall(SYS_setfsuid, 5), 1000);
	CHECK_EQ(and_it_did_not_change, syscall(SYS_setfsuid, -1), 1000);
	return 0;
}

static int groups(void *data)
{
	gid_t given[] = { 30, 10, 20, 10 }, got[8] = { 0 };

	(void)data;
	CHECK_EQ(groups_can_be_set, syscall(SYS_setgroups, 4, given), 0);
	CHECK_EQ(groups_can_be_counted, syscall(SYS_getgroups, 0, NULL), 4);
	CHECK_EQ(groups_can_be_read, syscall(SYS_getgroups, 8, got), 4);
	OUT("groups %d %d %d %d", got[0], got[1], got[2], got[3]);
	CHECK_ERRNO(too_little_room_is_EINVAL, syscall(SYS_getgroups, 3, got), EINVAL);
	CHECK_ERRNO(negative_room_is_EINVAL, syscall(SYS_getgroups, -1, got), EINVAL);
	CHECK_ERRNO(groups_to_a_bad_pointer_are_EFAULT,
		    syscall(SYS_getgroups, 8, BAD_POINTER), EFAULT);
	CHECK_ERRNO(groups_from_a_bad_pointer_are_EFAULT,
		    syscall(SYS_setgroups, 2, BAD_POINTER), EFAULT);
	CHECK_ERRNO(too_many_groups_are_EINVAL, syscall(SYS_setgroups, 65537, given), EINVAL);
	given[0] = (gid_t)-1;
	CHECK_ERRNO(group_minus_one_is_EINVAL, syscall(SYS_setgroups, 1, given), EINVAL);
	CHECK_EQ(no_groups_can_be_set, syscall(SYS_setgroups, 0, NULL), 0);
	CHECK_EQ(no_groups_are_left, syscall(SYS_getgroups, 8, got), 0);
	return 0;
}

static int capabilities(void *data)
{
	struct cap_header head = { .version = 0 };
	struct cap_data caps[2] = { 0 };

	(void)data;
	CHECK_EQ(unknown_version_without_data_only_asks, syscall(SYS_capget, &head, NULL), 0);
	CHECK_EQ(our_version_is_told, head.version, CAP_VERSION);
	head.version = 5;
	CHECK_ERRNO(unknown_version_with_data_is_EINVAL, syscall(SYS_capget, &head, caps), EINVAL);
	head = (struct cap_header){ .version = CAP_VERSION, .pid = -1 };
	CHECK_ERRNO(negative_pid_is_EINVAL, syscall(SYS_capget, &head, caps), EINVAL);
	head.pid = 999999;
	CHECK_ERRNO(capabilities_of_nobody_are_ESRCH, syscall(SYS_capget, &head, caps), ESRCH);
	head.pid = 1;
	CHECK_EQ(capabilities_of_others_may_be_read, syscall(SYS_capget, &head, caps), 0);
	CHECK_ERRNO(capabilities_of_others_cannot_be_set, syscall(SYS_capset, &head, caps), EPERM);
	head.pid = 0;
	syscall(SYS_capget, &head, caps);
	caps[0].effective &= ~(1u << CAP_SETUID);
	CHECK_EQ(effective_capability_can_be_dropped, syscall(SYS_capset, &head, caps), 0);
	CHECK_ERRNO(dropped_capability_is_missed, syscall(SYS_setresuid, 5, 6, 7), EPERM);
	caps[0].effective |= 1u << CAP_SETUID;
	CHECK_EQ(and_it_can_be_raised_again, syscall(SYS_capset, &head, caps), 0);
	caps[0].effective &= ~(1u << CAP_SETUID);
	caps[0].permitted &= ~(1u << CAP_SETUID);
	CHECK_EQ(permitted_capability_can_be_dropped, syscall(SYS_capset, &head, caps), 0);
	caps[0].effective |= 1u << CAP_SETUID;
	CHECK_ERRNO(effective_must_be_permitted, syscall(SYS_capset, &head, caps), EPERM);
	caps[0].permitted |= 1u << CAP_SETUID;
	CHECK_ERRNO(permitted_cannot_be_regained, syscall(SYS_capset, &head, caps), EPERM);
	CHECK_ERRNO(header_at_a_bad_pointer_is_EFAULT,
		    syscall(SYS_capget, BAD_POINTER, caps), EFAULT);
	return 0;
}

int main(void)
{
	show_ids("at first");
	check_in_child(root_becomes_user, NULL);
	check_in_child(effective_only, NULL);
	check_in_child(file_system_ids, NULL);
	check_in_child(groups, NULL);
	check_in_child(capabilities, NULL);
	CHECK_ERRNO(ids_to_a_bad_pointer_are_EFAULT,
		    syscall(SYS_getresuid, BAD_POINTER, BAD_POINTER, BAD_POINTER), EFAULT);
	return 0;
}

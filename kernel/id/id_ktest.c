/*
 * Tests of identity: pids and their numbers, creds and capabilities, limits.
 */
#include <linux/securebits.h>

#include "abi/errno.h"
#include "core/ktest.h"
#include "id/cred.h"
#include "id/pid.h"
#include "id/rlimit.h"

KTEST(pid_number_is_found_while_it_is_used_and_free_when_nothing_is_attached)
{
	struct pid_link link = { 0 };
	struct pid *pid, *same;
	pid_t number;

	KTEST_NO_LEAK();
	KTEST_ASSERT(pid_alloc(&pid) == 0);
	number = pid_nr(pid);
	same = pid_lookup(number);
	KTEST_ASSERT(same == pid);
	pid_put(same);
	KTEST_ASSERT(pid_alloc_number(number, &same) == -EEXIST);
	pid_attach(pid, PID_TID, &link);
	KTEST_ASSERT(pid_has(pid, PID_TID) && pid_first(pid, PID_TID) == &link);
	pid_detach(&link);
	KTEST_ASSERT(!pid_lookup(number));
	pid_put(pid);
}

KTEST(setuid_from_root_drops_capabilities_unless_kept)
{
	struct cred *cred;

	KTEST_NO_LEAK();
	KTEST_ASSERT(cred_dup(&cred_root, &cred) == 0);
	cred->uid = cred->euid = cred->suid = cred->fsuid = 1000;
	cred_fix_caps_after_setuid(cred, &cred_root);
	KTEST_ASSERT(!cred->permitted && !cred->effective && cred->bounding == CAP_FULL);
	cred->permitted = CAP_FULL;
	cred->securebits = SECBIT_KEEP_CAPS;
	cred_fix_caps_after_setuid(cred, &cred_root);
	KTEST_ASSERT(cred->permitted == CAP_FULL && !cred->effective);
	cred_put(cred);
}

KTEST(exec_of_a_set_user_id_root_file_gives_capabilities_and_says_secure)
{
	struct cred *user, *new;
	struct cred_exec set_root = { .set_uid = true, .uid = 0 }, plain = { 0 };

	KTEST_NO_LEAK();
	KTEST_ASSERT(cred_dup(&cred_root, &user) == 0);
	user->uid = user->euid = user->suid = user->fsuid = 1000;
	user->permitted = user->effective = 0;
	KTEST_ASSERT(cred_dup(user, &new) == 0);
	KTEST_ASSERT(cred_fix_for_exec(new, user, &set_root));
	KTEST_ASSERT(new->euid == 0 && new->effective == CAP_FULL);
	new->euid = 1000;
	KTEST_ASSERT(!cred_fix_for_exec(new, user, &plain) && !new->permitted);
	cred_put(new);
	cred_put(user);
}

KTEST(groups_are_found_whatever_order_they_were_given_in)
{
	static const gid_t gids[] = { 500, 3, 77, 3, 1000000, 12 };
	struct cred_groups *groups;
	struct cred cred = cred_root;

	KTEST_NO_LEAK();
	KTEST_ASSERT(cred_groups_create(gids, array_size(gids), &groups) == 0);
	cred.groups = groups;
	for (size_t i = 0; i < array_size(gids); i++)
		KTEST_ASSERT(cred_in_group(&cred, gids[i]));
	KTEST_ASSERT(!cred_in_group(&cred, 4) && !cred_in_group(&cred, 1000001));
	cred_groups_put(groups);
}

KTEST(hard_limit_is_raised_only_by_the_privileged)
{
	static struct rlimits limits;
	struct rlimit64 old, new = { .rlim_cur = 5, .rlim_max = 10 };

	rlimits_init(&limits, 64ul << 20);
	KTEST_ASSERT(rlimit_change(&limits, RLIMIT_NOFILE, &new, &old, false) == 0);
	KTEST_ASSERT(old.rlim_cur == 1024 && old.rlim_max == 4096);
	new.rlim_max = 11;
	KTEST_ASSERT(rlimit_change(&limits, RLIMIT_NOFILE, &new, NULL, false) == -EPERM);
	KTEST_ASSERT(rlimit_change(&limits, RLIMIT_NOFILE, &new, NULL, true) == 0);
	new.rlim_cur = 12;
	KTEST_ASSERT(rlimit_change(&limits, RLIMIT_NOFILE, &new, NULL, true) == -EINVAL);
	KTEST_ASSERT(rlimit_change(&limits, RLIM_NLIMITS, NULL, &old, true) == -EINVAL);
}

/*
 * Scheduling: nice values, policies, affinity, and who may change them.
 */
#define _GNU_SOURCE /* sched_getcpu, cpu_set_t */

#include "check.h"

#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#define BAD_POINTER ((void *)8)
#define NOBODY 999999

/* Of linux/sched.h and linux/sched/types.h, which do not go with the C library's sched.h. */
enum { FLAG_RESET_ON_FORK = 1, FLAG_KEEP_POLICY = 8, FLAG_KEEP_PARAMS = 16, POLICY_DEADLINE = 6 };

struct sched_attr {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t  sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
	uint32_t sched_util_min, sched_util_max;
};

static long set_policy(pid_t pid, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return syscall(SYS_sched_setscheduler, pid, policy, &param);
}

static void check_nice(void)
{
	CHECK_EQ(priority_of_nice_0_is_20, syscall(SYS_getpriority, PRIO_PROCESS, 0), 20);
	CHECK_EQ(nice_can_be_raised, syscall(SYS_setpriority, PRIO_PROCESS, 0, 5), 0);
	CHECK_EQ(priority_of_nice_5_is_15, syscall(SYS_getpriority, PRIO_PROCESS, 0), 15);
	CHECK_EQ(nice_is_cut_to_19, syscall(SYS_setpriority, PRIO_PROCESS, 0, 1000), 0);
	CHECK_EQ(priority_of_nice_19_is_1, syscall(SYS_getpriority, PRIO_PROCESS, 0), 1);
	CHECK_EQ(nice_is_cut_to_minus_20, syscall(SYS_setpriority, PRIO_PROCESS, 0, -1000), 0);
	CHECK_EQ(priority_of_nice_minus_20_is_40,
		 syscall(SYS_getpriority, PRIO_PROCESS, getpid()), 40);
	CHECK_EQ(group_has_the_nice_of_its_member, syscall(SYS_getpriority, PRIO_PGRP, 0), 40);
	CHECK_EQ(nice_of_a_group_can_be_set, syscall(SYS_setpriority, PRIO_PGRP, 0, 0), 0);
	CHECK_EQ(nice_of_a_group_was_set, syscall(SYS_getpriority, PRIO_PROCESS, 0), 20);
	CHECK_ERRNO(unknown_kind_is_EINVAL, syscall(SYS_getpriority, 7, 0), EINVAL);
	CHECK_ERRNO(priority_of_nobody_is_ESRCH,
		    syscall(SYS_getpriority, PRIO_PROCESS, NOBODY), ESRCH);
	CHECK_ERRNO(priority_of_no_group_is_ESRCH,
		    syscall(SYS_getpriority, PRIO_PGRP, NOBODY), ESRCH);
	CHECK_ERRNO(priority_of_no_user_is_ESRCH,
		    syscall(SYS_setpriority, PRIO_USER, NOBODY, 1), ESRCH);
}

static int nice_in_child(void *data)
{
	(void)data;
	return (int)syscall(SYS_getpriority, PRIO_PROCESS, 0);
}

static void check_policy_calls(void)
{
	struct sched_param param = { .sched_priority = 9 };
	struct timespec slice;

	CHECK_EQ(normal_policy_at_first, syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_EQ(fifo_can_be_set, set_policy(0, SCHED_FIFO, 10), 0);
	CHECK_EQ(fifo_was_set, syscall(SYS_sched_getscheduler, 0), SCHED_FIFO);
	CHECK_EQ(parameters_can_be_read, syscall(SYS_sched_getparam, 0, &param), 0);
	CHECK_EQ(priority_was_set, param.sched_priority, 10);
	CHECK_EQ(fifo_has_no_slice, syscall(SYS_sched_rr_get_interval, 0, &slice), 0);
	OUT("fifo slice %ld.%09ld", (long)slice.tv_sec, slice.tv_nsec);
	param.sched_priority = 0;
	CHECK_ERRNO(fifo_without_priority_is_EINVAL,
		    syscall(SYS_sched_setparam, 0, &param), EINVAL);
	param.sched_priority = 20;
	CHECK_EQ(parameters_can_be_set_alone, syscall(SYS_sched_setparam, 0, &param), 0);
	CHECK_EQ(round_robin_can_be_set, set_policy(0, SCHED_RR | 0x40000000, 1), 0);
	CHECK_EQ(reset_on_fork_is_told, syscall(SYS_sched_getscheduler, 0), SCHED_RR | 0x40000000);
	syscall(SYS_sched_rr_get_interval, 0, &slice);
	OUT("round robin slice %ld.%09ld", (long)slice.tv_sec, slice.tv_nsec);
	CHECK_EQ(batch_can_be_set, set_policy(0, SCHED_BATCH, 0), 0);
	CHECK_EQ(idle_can_be_set, set_policy(0, SCHED_IDLE, 0), 0);
	CHECK_EQ(normal_can_be_set_again, set_policy(0, SCHED_OTHER, 0), 0);
	CHECK_ERRNO(normal_with_priority_is_EINVAL, set_policy(0, SCHED_OTHER, 1), EINVAL);
	CHECK_ERRNO(fifo_above_99_is_EINVAL, set_policy(0, SCHED_FIFO, 100), EINVAL);
	CHECK_ERRNO(unknown_policy_is_EINVAL, set_policy(0, 4, 0), EINVAL);
	CHECK_ERRNO(negative_policy_is_EINVAL, set_policy(0, -5, 0), EINVAL);
	CHECK_ERRNO(negative_pid_is_EINVAL, set_policy(-1, SCHED_OTHER, 0), EINVAL);
	CHECK_ERRNO(policy_of_nobody_is_ESRCH, set_policy(NOBODY, SCHED_OTHER, 0), ESRCH);
	CHECK_ERRNO(no_parameters_are_EINVAL, syscall(SYS_sched_setparam, 0, NULL), EINVAL);
	CHECK_ERRNO(bad_parameters_are_EFAULT, syscall(SYS_sched_setparam, 0, BAD_POINTER), EFAULT);
}

static void check_ranges(void)
{
	for (int policy = 0; policy <= 7; policy++) {
		long high = syscall(SYS_sched_get_priority_max, policy);
		long low = syscall(SYS_sched_get_priority_min, policy);

		OUT("policy %d: priority %ld to %ld", policy, low, high);
	}
}

/* On each CPU that this program may use, the vDSO and the system call say that it is there. */
static int cpus_are_told(void)
{
	cpu_set_t all, one;
	int good = 1;

	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		unsigned cpu = ~0u, node = ~0u;

		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		good &= sched_setaffinity(0, sizeof(one), &one) == 0 && sched_getcpu() == i;
		syscall(SYS_getcpu, &cpu, &node, NULL);
		good &= cpu == (unsigned)i && node == 0;
	}
	sched_setaffinity(0, sizeof(all), &all);
	return good;
}

static void check_affinity(void)
{
	unsigned long mask = 0, wide[16] = { 1 }, none = 0;
	unsigned cpu = 99, node = 99;

	CHECK(affinity_tells_its_size, syscall(SYS_sched_getaffinity, 0, sizeof(wide), wide) >= 8);
	CHECK(first_cpu_is_allowed, wide[0] & 1);
	CHECK_ERRNO(affinity_into_too_little_room_is_EINVAL,
		    syscall(SYS_sched_getaffinity, 0, 4, &mask), EINVAL);
	CHECK_ERRNO(affinity_into_an_odd_size_is_EINVAL,
		    syscall(SYS_sched_getaffinity, 0, 9, &mask), EINVAL);
	CHECK_ERRNO(affinity_to_a_bad_pointer_is_EFAULT,
		    syscall(SYS_sched_getaffinity, 0, 128, BAD_POINTER), EFAULT);
	CHECK_ERRNO(affinity_of_nobody_is_ESRCH,
		    syscall(SYS_sched_getaffinity, NOBODY, 128, wide), ESRCH);
	mask = 1;
	CHECK_EQ(affinity_can_be_set, syscall(SYS_sched_setaffinity, 0, 8, &mask), 0);
	CHECK_EQ(affinity_with_unknown_cpus_keeps_the_known,
		 syscall(SYS_sched_setaffinity, 0, sizeof(wide), wide), 0);
	CHECK_ERRNO(empty_affinity_is_EINVAL, syscall(SYS_sched_setaffinity, 0, 8, &none), EINVAL);
	CHECK_EQ(current_cpu_is_told, syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	CHECK(cpu_is_the_allowed_one, cpu == 0 && node == 0);
	CHECK_ERRNO(cpu_to_a_bad_pointer_is_EFAULT,
		    syscall(SYS_getcpu, BAD_POINTER, NULL, NULL), EFAULT);
	CHECK(every_cpu_is_told_alike_by_call_and_vdso, cpus_are_told());
	CHECK_EQ(yield_returns_zero, syscall(SYS_sched_yield), 0);
}

/* ---- sched_setattr, sched_getattr ------------------------------------------------------------ */

static long set_attr(struct sched_attr attr)
{
	return syscall(SYS_sched_setattr, 0, &attr, 0);
}

static struct sched_attr get_attr(void)
{
	struct sched_attr attr = { 0 };

	syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0);
	return attr;
}

static struct sched_attr attr_of(uint32_t policy, uint32_t priority, int32_t nice, uint64_t flags)
{
	return (struct sched_attr){ .size = sizeof(struct sched_attr), .sched_policy = policy,
		                    .sched_priority = priority, .sched_nice = nice,
		                    .sched_flags = flags };
}

static void check_attr_values(void)
{
	struct sched_attr attr;

	CHECK_EQ(attr_takes_nice, set_attr(attr_of(SCHED_BATCH, 0, 7, 0)), 0);
	attr = get_attr();
	CHECK_EQ(attr_tells_its_size, attr.size, sizeof(attr));
	CHECK(attr_tells_policy_and_nice, attr.sched_policy == SCHED_BATCH && attr.sched_nice == 7);
	CHECK_EQ(getpriority_tells_it_too, syscall(SYS_getpriority, PRIO_PROCESS, 0), 13);
	CHECK_EQ(attr_cuts_nice, set_attr(attr_of(SCHED_OTHER, 0, 100, 0)), 0);
	CHECK_EQ(nice_was_cut, get_attr().sched_nice, 19);
	CHECK_EQ(attr_takes_round_robin,
		 set_attr(attr_of(SCHED_RR, 12, 0, FLAG_RESET_ON_FORK)), 0);
	attr = get_attr();
	CHECK(attr_tells_priority, attr.sched_policy == SCHED_RR && attr.sched_priority == 12);
	CHECK_EQ(attr_tells_reset_on_fork, attr.sched_flags, FLAG_RESET_ON_FORK);
	CHECK_EQ(attr_tells_no_nice_of_realtime, attr.sched_nice, 0);
	CHECK_EQ(policy_can_be_kept, set_attr(attr_of(0, 20, 0, FLAG_KEEP_POLICY)), 0);
	CHECK(only_the_priority_changed,
	      get_attr().sched_policy == SCHED_RR && get_attr().sched_priority == 20);
	CHECK_EQ(parameters_can_be_kept,
		 set_attr(attr_of(SCHED_FIFO, 1, 0, FLAG_KEEP_PARAMS)), 0);
	CHECK(and_keep_the_policy,
	      get_attr().sched_policy == SCHED_RR && get_attr().sched_priority == 20);
	CHECK_EQ(back_to_normal, set_attr(attr_of(SCHED_OTHER, 0, 0, 0)), 0);
}

static void check_attr_errors(void)
{
	struct { struct sched_attr attr; uint64_t more; } large = { .attr.size = sizeof(large) };
	struct sched_attr attr = attr_of(SCHED_OTHER, 0, 0, 0);

	CHECK_ERRNO(attr_policy_unknown, set_attr(attr_of(7, 0, 0, 0)), EINVAL);
	CHECK_ERRNO(attr_policy_negative, set_attr(attr_of(-1u, 0, 0, 0)), EINVAL);
	CHECK_ERRNO(attr_flag_unknown, set_attr(attr_of(SCHED_OTHER, 0, 0, 1ul << 40)), EINVAL);
	CHECK_ERRNO(attr_priority_without_realtime, set_attr(attr_of(SCHED_OTHER, 1, 0, 0)),
		    EINVAL);
	CHECK_ERRNO(attr_realtime_without_priority, set_attr(attr_of(SCHED_FIFO, 0, 0, 0)), EINVAL);
	CHECK_ERRNO(attr_priority_too_high, set_attr(attr_of(SCHED_FIFO, 100, 0, 0)), EINVAL);
	CHECK_ERRNO(attr_deadline_of_nothing, set_attr(attr_of(POLICY_DEADLINE, 0, 0, 0)), EINVAL);
	CHECK_ERRNO(attr_with_call_flags, syscall(SYS_sched_setattr, 0, &attr, 1), EINVAL);
	CHECK_ERRNO(attr_of_a_negative_pid, syscall(SYS_sched_setattr, -1, &attr, 0), EINVAL);
	CHECK_ERRNO(attr_of_nobody, syscall(SYS_sched_setattr, NOBODY, &attr, 0), ESRCH);
	CHECK_ERRNO(attr_without_address, syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(attr_at_a_bad_address, syscall(SYS_sched_setattr, 0, BAD_POINTER, 0), EFAULT);
	attr.size = 40;
	CHECK_ERRNO(attr_too_small, syscall(SYS_sched_setattr, 0, &attr, 0), E2BIG);
	CHECK_EQ(size_that_is_known_is_told, attr.size, sizeof(attr));
	attr.size = 0;
	CHECK_EQ(attr_of_no_size_is_the_first, syscall(SYS_sched_setattr, 0, &attr, 0), 0);
	CHECK_EQ(attr_with_more_that_is_zero, syscall(SYS_sched_setattr, 0, &large, 0), 0);
	large.more = 1;
	CHECK_ERRNO(attr_with_more_that_is_not, syscall(SYS_sched_setattr, 0, &large, 0), E2BIG);
	CHECK_ERRNO(getattr_into_too_little, syscall(SYS_sched_getattr, 0, &attr, 40, 0), EINVAL);
	CHECK_ERRNO(getattr_with_flags, syscall(SYS_sched_getattr, 0, &attr, 48, 1), EINVAL);
	CHECK_ERRNO(getattr_of_nobody, syscall(SYS_sched_getattr, NOBODY, &attr, 48, 0), ESRCH);
	CHECK_ERRNO(getattr_to_a_bad_address,
		    syscall(SYS_sched_getattr, 0, BAD_POINTER, 48, 0), EFAULT);
	CHECK_EQ(getattr_of_the_first_size, syscall(SYS_sched_getattr, 0, &attr, 48, 0), 0);
	CHECK_EQ(getattr_tells_what_it_wrote, attr.size, 48);
}

static int without_privilege(void *data)
{
	(void)data;
	syscall(SYS_setresuid, 1000, 1000, 1000);
	CHECK_ERRNO(unprivileged_cannot_take_a_realtime_policy,
		    set_policy(0, SCHED_FIFO, 1), EPERM);
	CHECK_EQ(unprivileged_may_raise_its_nice, syscall(SYS_setpriority, PRIO_PROCESS, 0, 5), 0);
	CHECK_ERRNO(unprivileged_cannot_lower_its_nice,
		    syscall(SYS_setpriority, PRIO_PROCESS, 0, 4), EACCES);
	CHECK_ERRNO(unprivileged_cannot_nice_others,
		    syscall(SYS_setpriority, PRIO_PROCESS, 1, 10), EPERM);
	CHECK_ERRNO(unprivileged_attr_cannot_lower_nice, set_attr(attr_of(SCHED_OTHER, 0, 0, 0)),
		    EPERM);
	CHECK_EQ(unprivileged_attr_may_raise_nice, set_attr(attr_of(SCHED_OTHER, 0, 6, 0)), 0);
	CHECK_ERRNO(unprivileged_cannot_schedule_others, set_policy(1, SCHED_BATCH, 0), EPERM);
	CHECK_EQ(unprivileged_may_take_the_idle_policy, set_policy(0, SCHED_IDLE, 0), 0);
	return 0;
}

int main(void)
{
	check_nice();
	syscall(SYS_setpriority, PRIO_PROCESS, 0, 3);
	CHECK_EQ(child_inherits_nice, check_in_child(nice_in_child, NULL), 17 << 8);
	syscall(SYS_setpriority, PRIO_PROCESS, 0, 0);
	check_policy_calls();
	check_ranges();
	check_affinity();
	check_attr_values();
	check_attr_errors();
	check_in_child(without_privilege, NULL);
	return 0;
}

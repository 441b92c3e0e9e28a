/*
 * /proc/PID/oom_score, oom_score_adj and oom_adj: their scales, who may lower them, who inherits
 * and shares them; and the switches of /proc/sys/vm about running out of memory.
 */
#define _GNU_SOURCE
#include "check.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "proc_files.h"

#define ADJUST "/proc/self/oom_score_adj"
#define OLD    "/proc/self/oom_adj"
#define SCORE  "/proc/self/oom_score"
#define VM     "/proc/sys/vm/"

enum { USER = 1000, STACK = 65536 };

static long number(const char *path)
{
	file_read(path);
	return atol(file_text);
}

static int error_of(const char *path, const char *text)
{
	return file_write(path, text) == 0 ? 0 : errno;
}

static void scales(void)
{
	CHECK_EQ(nobody_is_adjusted_at_first, number(ADJUST), 0);
	CHECK_EQ(on_the_old_scale_neither, number(OLD), 0);
	CHECK(a_small_process_has_the_middle_score, number(SCORE) >= 666 && number(SCORE) < 700);
	CHECK_EQ(it_can_be_the_first_to_die, file_write(ADJUST, "1000\n"), 0);
	CHECK(by_its_score, number(SCORE) >= 1300 && number(SCORE) < 1370);
	CHECK_EQ(that_is_15_on_the_old_scale, number(OLD), 15);
	file_write(ADJUST, "999");
	CHECK_EQ(nearly_that_too, number(OLD), 15);
	file_write(ADJUST, "500");
	CHECK_EQ(half_of_it_is_8, number(OLD), 8);
	file_write(ADJUST, "-500");
	CHECK(the_score_sinks, number(SCORE) > 320 && number(SCORE) < 360);
	CHECK_EQ(minus_half_is_minus_8, number(OLD), -8);
	CHECK_EQ(it_can_be_never, file_write(ADJUST, "-1000"), 0);
	CHECK_EQ(then_it_has_no_score, number(SCORE), 0);
	CHECK_EQ(and_is_minus_17, number(OLD), -17);
	CHECK_EQ(the_old_scale_can_be_written, file_write(OLD, "8"), 0);
	CHECK_EQ(and_is_converted, number(ADJUST), 470);
	file_write(OLD, "15");
	CHECK_EQ(its_end_is_the_end, number(ADJUST), 1000);
	CHECK_EQ(its_other_end_is_17, error_of(OLD, "-17"), 0);
	CHECK_EQ(beyond_16_is_EINVAL, error_of(OLD, "-18"), EINVAL);
	CHECK_EQ(so_is_beyond_15, error_of(OLD, "16"), EINVAL);
	CHECK_EQ(and_beyond_1000, error_of(ADJUST, "1001"), EINVAL);
	CHECK_EQ(and_below, error_of(ADJUST, "-1001"), EINVAL);
	CHECK_EQ(and_a_word, error_of(ADJUST, "much"), EINVAL);
	CHECK_EQ(hexadecimal_is_fine, error_of(ADJUST, " 0x10\n"), 0);
	CHECK_EQ(as_a_number, number(ADJUST), 16);
}

static int as_user(void *data)
{
	(void)data;
	CHECK_EQ(children_inherit, number(ADJUST), 100);
	setresuid(USER, USER, USER);
	/* Files of a process that changed its user belong to root until it executes something. */
	CHECK_EQ(a_changed_user_cannot_open_it, error_of(ADJUST, "200"), EACCES);
	return 0;
}

/* A descriptor that was opened before: who writes counts, not who opened. */
static int through_descriptors(void *data)
{
	int fd = open(ADJUST, O_RDWR), old = open(OLD, O_RDWR);

	(void)data;
	setresuid(USER, USER, USER);
	CHECK_EQ(a_user_may_make_it_worse, pwrite(fd, "300", 3, 0), 3);
	CHECK_EQ(and_better_again, pwrite(fd, "200", 3, 0), 3);
	CHECK_EQ(down_to_what_root_has_set, pwrite(fd, "100", 3, 0), 3);
	CHECK_ERRNO(but_not_below, pwrite(fd, "99", 2, 0), EACCES);
	pwrite(fd, "500", 3, 0);
	CHECK_ERRNO(on_the_old_scale_never_down, pwrite(old, "7", 1, 0), EACCES);
	CHECK_EQ(only_up, pwrite(old, "9", 1, 0), 1);
	return 0;
}

static int wait_for_byte(void *data)
{
	char byte;

	read(*(int *)data, &byte, 1);
	_exit(0);
}

static void shared_memory_is_adjusted_alike(void)
{
	static char stack[STACK];
	int ends[2], pid;

	pipe(ends);
	pid = clone(wait_for_byte, stack + STACK, CLONE_VM | SIGCHLD, &ends[0]);
	file_write(ADJUST, "250");
	CHECK_EQ(who_shares_the_memory_is_adjusted_alike, number(proc_path(pid, "oom_score_adj")),
		 250);
	write(ends[1], "x", 1);
	waitpid(pid, NULL, 0);
}

static void switches(void)
{
	long least = number(VM "min_free_kbytes");

	CHECK_EQ(nothing_panics, number(VM "panic_on_oom"), 0);
	CHECK_EQ(panic_on_oom_has_three_values, error_of(VM "panic_on_oom", "3"), EINVAL);
	CHECK_EQ(the_worst_dies_and_not_who_asks, number(VM "oom_kill_allocating_task"), 0);
	CHECK_EQ(that_can_be_changed, error_of(VM "oom_kill_allocating_task", "1"), 0);
	CHECK_EQ(and_back, error_of(VM "oom_kill_allocating_task", "0"), 0);
	CHECK_EQ(tasks_are_listed, number(VM "oom_dump_tasks"), 1);
	CHECK(there_is_a_reserve, least > 0);
	CHECK_EQ(it_can_be_larger, error_of(VM "min_free_kbytes", "4000"), 0);
	CHECK_EQ(and_is, number(VM "min_free_kbytes"), 4000);
	CHECK_EQ(but_not_negative, error_of(VM "min_free_kbytes", "-1"), EINVAL);
	snprintf(file_text, 32, "%ld", least);
	CHECK_EQ(it_is_as_before, error_of(VM "min_free_kbytes", file_text), 0);
}

int main(void)
{
	scales();
	file_write(ADJUST, "100");
	check_in_child(as_user, NULL);
	check_in_child(through_descriptors, NULL);
	shared_memory_is_adjusted_alike();
	switches();
	return 0;
}

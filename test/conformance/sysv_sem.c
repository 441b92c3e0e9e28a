/*
 * Semaphore sets of System V: making, operating, waiting, undoing, asking.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define KEY 0x4d6f6f6e

static void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&span, NULL);
}

static int operate(int id, int semaphore, int change, int flags)
{
	struct sembuf op = { (unsigned short)semaphore, (short)change, (short)flags };

	return semop(id, &op, 1);
}

static int value(int id, int semaphore)
{
	return semctl(id, semaphore, GETVAL);
}

/* Waits until so many wait for the semaphore. */
static void await_waiters(int id, int semaphore, int command, int count)
{
	for (int i = 0; i < 5000 && semctl(id, semaphore, command) != count; i++)
		pause_ms(1);
}

static void check_making(void)
{
	int id, other;
	struct semid_ds ds;

	CHECK_ERRNO(no_set_of_no_semaphores, semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERRNO(nor_of_fewer, semget(IPC_PRIVATE, -1, 0600), EINVAL);
	CHECK_ERRNO(nor_of_too_many, semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	CHECK_ERRNO(unknown_key_is_ENOENT, semget(KEY, 1, 0600), ENOENT);
	id = semget(KEY, 3, IPC_CREAT | 0640);
	CHECK(a_set_is_made, id >= 0);
	CHECK_EQ(it_is_found_by_its_key, semget(KEY, 0, 0), id);
	CHECK_EQ(and_with_as_many, semget(KEY, 3, IPC_CREAT | 0600), id);
	CHECK_ERRNO(but_not_with_more, semget(KEY, 4, 0), EINVAL);
	CHECK_ERRNO(exclusive_is_EEXIST, semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(stat_works, semctl(id, 0, IPC_STAT, &ds), 0);
	OUT("mode %o nsems %lu key %x uid %u otime %d ctime %d", ds.sem_perm.mode,
	    (unsigned long)ds.sem_nsems, ds.sem_perm.__key, ds.sem_perm.uid, !!ds.sem_otime,
	    !!ds.sem_ctime);
	CHECK_EQ(values_begin_with_zero, value(id, 2), 0);
	CHECK_ERRNO(bad_number_is_EINVAL, semctl(id, 3, GETVAL), EINVAL);
	CHECK_ERRNO(bad_id_is_EINVAL, semctl(id + 1, 0, GETVAL), EINVAL);
	CHECK_ERRNO(negative_id_is_EINVAL, semctl(-1, 0, GETVAL), EINVAL);
	CHECK_ERRNO(bad_command_is_EINVAL, semctl(id, 0, 77), EINVAL);
	ds.sem_perm.mode = 0600;
	ds.sem_perm.uid = 1000;
	CHECK_EQ(owner_is_changed, semctl(id, 0, IPC_SET, &ds), 0);
	semctl(id, 0, IPC_STAT, &ds);
	OUT("mode %o uid %u cuid %u", ds.sem_perm.mode, ds.sem_perm.uid, ds.sem_perm.cuid);
	CHECK_EQ(removed, semctl(id, 0, IPC_RMID), 0);
	CHECK_ERRNO(gone, semctl(id, 0, GETVAL), EINVAL);
	other = semget(IPC_PRIVATE, 1, 0600);
	CHECK(numbers_are_not_used_at_once, other >= 0 && other != id);
	semctl(other, 0, IPC_RMID);
}

static void check_values(void)
{
	unsigned short values[3] = { 1, 2, 3 }, got[3] = { 0 };
	int id = semget(IPC_PRIVATE, 3, 0600);

	CHECK_EQ(all_are_set, semctl(id, 0, SETALL, values), 0);
	CHECK_EQ(all_are_got, semctl(id, 0, GETALL, got), 0);
	CHECK(as_they_were_set, got[0] == 1 && got[1] == 2 && got[2] == 3);
	CHECK_EQ(one_is_set, semctl(id, 1, SETVAL, 32767), 0);
	CHECK_EQ(and_got, value(id, 1), 32767);
	CHECK_ERRNO(more_is_ERANGE, semctl(id, 1, SETVAL, 32768), ERANGE);
	CHECK_ERRNO(less_too, semctl(id, 1, SETVAL, -1), ERANGE);
	values[0] = 40000;
	CHECK_ERRNO(so_for_all, semctl(id, 0, SETALL, values), ERANGE);
	CHECK_ERRNO(bad_memory, semctl(id, 0, GETALL, (void *)8), EFAULT);
	CHECK_EQ(pid_is_who_set_it, semctl(id, 1, GETPID), getpid());
	CHECK_ERRNO(overflow_is_ERANGE, operate(id, 1, 1, 0), ERANGE);
	CHECK_EQ(nothing_has_changed, value(id, 1), 32767);
	semctl(id, 0, IPC_RMID);
}

static void check_operations(void)
{
	struct timespec none = { 0, 1000000 }, bad = { 0, -1 };
	struct sembuf ops[3] = { { 0, 2, 0 }, { 1, 1, 0 }, { 2, -1, IPC_NOWAIT } };
	int id = semget(IPC_PRIVATE, 3, 0600);

	CHECK_EQ(adding_works, operate(id, 0, 5, 0), 0);
	CHECK_EQ(value_is_added, value(id, 0), 5);
	CHECK_EQ(taking_works, operate(id, 0, -2, 0), 0);
	CHECK_ERRNO(taking_too_much_would_wait, operate(id, 0, -4, IPC_NOWAIT), EAGAIN);
	CHECK_ERRNO(zero_would_wait, operate(id, 0, 0, IPC_NOWAIT), EAGAIN);
	CHECK_EQ(zero_of_zero_does_not, operate(id, 1, 0, 0), 0);
	CHECK_ERRNO(all_or_nothing, semop(id, ops, 3), EAGAIN);
	CHECK(nothing_was_done, value(id, 0) == 3 && value(id, 1) == 0);
	ops[2].sem_op = 1;
	CHECK_EQ(all, semop(id, ops, 3), 0);
	CHECK(was_done, value(id, 0) == 5 && value(id, 1) == 1 && value(id, 2) == 1);
	CHECK_ERRNO(time_passes, semtimedop(id, &(struct sembuf){ 0, 0, 0 }, 1, &none), EAGAIN);
	CHECK_ERRNO(bad_time, semtimedop(id, ops, 1, &bad), EINVAL);
	CHECK_ERRNO(no_operation_is_EINVAL, semop(id, ops, 0), EINVAL);
	CHECK_ERRNO(too_many_are_E2BIG, semop(id, ops, 501), E2BIG);
	CHECK_ERRNO(no_such_semaphore_is_EFBIG, operate(id, 3, 1, 0), EFBIG);
	CHECK_ERRNO(bad_operations_are_EFAULT, semop(id, (void *)8, 1), EFAULT);
	CHECK_ERRNO(no_such_set, semop(id + 1, ops, 1), EINVAL);
	semctl(id, 0, IPC_RMID);
}

struct waiter {
	int       id, semaphore, change, result, error;
	pthread_t thread;
};

static void *wait_for(void *data)
{
	struct waiter *waiter = data;

	waiter->result = operate(waiter->id, waiter->semaphore, waiter->change, 0);
	waiter->error = errno;
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void check_waiting(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int id = semget(IPC_PRIVATE, 2, 0600);
	struct waiter takers[3], zero = { id, 0, 0, 1, 0, 0 };

	for (int i = 0; i < 3; i++) {
		takers[i] = (struct waiter){ id, 0, -(i + 1), 1, 0, 0 };
		pthread_create(&takers[i].thread, NULL, wait_for, &takers[i]);
		await_waiters(id, 0, GETNCNT, i + 1);
	}
	CHECK_EQ(three_wait_for_more, semctl(id, 0, GETNCNT), 3);
	CHECK_EQ(nobody_for_zero, semctl(id, 0, GETZCNT), 0);
	operate(id, 0, 1, 0);
	pthread_join(takers[0].thread, NULL);
	CHECK_EQ(the_first_has_got_it, takers[0].result, 0);
	CHECK_EQ(two_go_on_waiting, semctl(id, 0, GETNCNT), 2);
	operate(id, 0, 5, 0);
	pthread_join(takers[1].thread, NULL);
	pthread_join(takers[2].thread, NULL);
	CHECK(both_have_got_theirs, !takers[1].result && !takers[2].result);
	CHECK_EQ(nothing_is_left, value(id, 0), 0);
	operate(id, 0, 1, 0);
	pthread_create(&zero.thread, NULL, wait_for, &zero);
	await_waiters(id, 0, GETZCNT, 1);
	CHECK_EQ(one_waits_for_zero, semctl(id, 0, GETZCNT), 1);
	operate(id, 0, -1, 0);
	pthread_join(zero.thread, NULL);
	CHECK_EQ(it_has_come, zero.result, 0);

	sigaction(SIGUSR1, &action, NULL);
	zero = (struct waiter){ id, 1, -1, 0, 0, 0 };
	pthread_create(&zero.thread, NULL, wait_for, &zero);
	await_waiters(id, 1, GETNCNT, 1);
	pthread_kill(zero.thread, SIGUSR1);
	pthread_join(zero.thread, NULL);
	CHECK(a_signal_ends_it_even_with_SA_RESTART, zero.result == -1 && zero.error == EINTR);
	CHECK_EQ(nobody_waits, semctl(id, 1, GETNCNT), 0);
	pthread_create(&zero.thread, NULL, wait_for, &zero);
	await_waiters(id, 1, GETNCNT, 1);
	semctl(id, 0, IPC_RMID);
	pthread_join(zero.thread, NULL);
	CHECK(removal_ends_it, zero.result == -1 && zero.error == EIDRM);
}

static int undoer(void *data)
{
	int id = *(int *)data;

	CHECK_EQ(taken_to_be_undone, operate(id, 0, -3, SEM_UNDO), 0);
	CHECK_EQ(added_to_be_undone, operate(id, 1, 4, SEM_UNDO), 0);
	CHECK_EQ(taken_for_ever, operate(id, 0, -1, 0), 0);
	CHECK_EQ(child_has_taken, value(id, 0), 6);
	return 0;
}

static void *undo_in_thread(void *data)
{
	operate(*(int *)data, 0, -2, SEM_UNDO);
	return NULL;
}

static int ends_with_threads(void *data)
{
	pthread_t thread;

	pthread_create(&thread, NULL, undo_in_thread, data);
	pthread_join(thread, NULL);
	CHECK_EQ(a_thread_that_ends_undoes_nothing, value(*(int *)data, 0), 8);
	return 0;
}

static int is_cleared(void *data)
{
	operate(*(int *)data, 0, -2, SEM_UNDO);
	semctl(*(int *)data, 0, SETVAL, 5);
	return 0;
}

static void check_undo(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);

	semctl(id, 0, SETVAL, 10);
	check_in_child(undoer, &id);
	CHECK_EQ(its_end_gives_back, value(id, 0), 9);
	CHECK_EQ(and_takes_back, value(id, 1), 0);
	semctl(id, 0, SETVAL, 10);
	check_in_child(ends_with_threads, &id);
	CHECK_EQ(the_end_of_the_process_does, value(id, 0), 10);
	check_in_child(is_cleared, &id);
	CHECK_EQ(setting_forgets_what_was_to_be_undone, value(id, 0), 5);
	semctl(id, 0, IPC_RMID);
}

static int as_another(void *data)
{
	int id = *(int *)data;
	struct semid_ds ds;

	CHECK_EQ(drop_root, syscall(SYS_setresuid, 1000, 1000, 1000), 0);
	CHECK_EQ(reading_is_allowed, semctl(id, 0, GETVAL), 1);
	CHECK_ERRNO(changing_is_not, operate(id, 0, 1, 0), EACCES);
	CHECK_ERRNO(setting_is_not, semctl(id, 0, SETVAL, 1), EACCES);
	CHECK_EQ(stat_is, semctl(id, 0, IPC_STAT, &ds), 0);
	CHECK_ERRNO(owning_is_not, semctl(id, 0, IPC_SET, &ds), EPERM);
	CHECK_ERRNO(removing_is_not, semctl(id, 0, IPC_RMID), EPERM);
	CHECK_ERRNO(finding_to_write_is_not, semget(KEY, 1, 0600), EACCES);
	CHECK_EQ(finding_to_read_is, semget(KEY, 1, 0400), id);
	return 0;
}

int main(void)
{
	struct seminfo info;
	int id;

	check_making();
	check_values();
	check_operations();
	check_waiting();
	check_undo();
	id = semget(KEY, 1, IPC_CREAT | 0644);
	semctl(id, 0, SETVAL, 1);
	check_in_child(as_another, &id);
	CHECK(info_is_told, semctl(0, 0, SEM_INFO, &info) >= 0);
	OUT("sets %d semaphores %d msl %d mns %d opm %d mni %d vmx %d", info.semusz, info.semaem,
	    info.semmsl, info.semmns, info.semopm, info.semmni, info.semvmx);
	semctl(id, 0, IPC_RMID);
	return 0;
}

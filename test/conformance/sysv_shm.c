/*
 * Shared memory segments of System V: making, attaching, detaching, removing.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define KEY 0x53686d31
#define BAD ((void *)-1)

enum { PAGE = 4096 };

static unsigned long attached(int id)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) ? 9999 : ds.shm_nattch;
}

static void check_making(void)
{
	struct shmid_ds ds;
	int id;

	CHECK_ERRNO(no_segment_without_bytes, shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERRNO(unknown_key_is_ENOENT, shmget(KEY, PAGE, 0600), ENOENT);
	id = shmget(KEY, 5000, IPC_CREAT | 0640);
	CHECK(a_segment_is_made, id >= 0);
	CHECK_EQ(it_is_found, shmget(KEY, 0, 0), id);
	CHECK_EQ(by_less, shmget(KEY, 100, IPC_CREAT | 0600), id);
	CHECK_ERRNO(not_by_more, shmget(KEY, 5001, 0), EINVAL);
	CHECK_ERRNO(exclusive_is_EEXIST, shmget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(stat_works, shmctl(id, IPC_STAT, &ds), 0);
	OUT("mode %o size %lu nattch %lu atime %d dtime %d ctime %d cpid %d lpid %d",
	    ds.shm_perm.mode, (unsigned long)ds.shm_segsz, (unsigned long)ds.shm_nattch,
	    !!ds.shm_atime, !!ds.shm_dtime, !!ds.shm_ctime, ds.shm_cpid == getpid(), ds.shm_lpid);
	CHECK_ERRNO(bad_command_is_EINVAL, shmctl(id, 77, &ds), EINVAL);
	CHECK_ERRNO(bad_memory_is_EFAULT, shmctl(id, IPC_STAT, (void *)8), EFAULT);
	CHECK_EQ(locked, shmctl(id, SHM_LOCK, NULL), 0);
	shmctl(id, IPC_STAT, &ds);
	OUT("locked mode %o", ds.shm_perm.mode);
	CHECK_EQ(unlocked, shmctl(id, SHM_UNLOCK, NULL), 0);
	CHECK_EQ(removed, shmctl(id, IPC_RMID, NULL), 0);
	CHECK_ERRNO(gone, shmctl(id, IPC_STAT, &ds), EINVAL);
	CHECK_ERRNO(its_key_too, shmget(KEY, 0, 0), ENOENT);
	CHECK_ERRNO(not_attached_any_more, (long)shmat(id, NULL, 0), EINVAL);
}

static int child_sees(void *data)
{
	char *memory = data;

	CHECK(inherited, memory[10] == 'a');
	memory[11] = 'b';
	CHECK_EQ(child_detaches, shmdt(memory), 0);
	CHECK_ERRNO(only_once, shmdt(memory), EINVAL);
	return 0;
}

static int child_ends(void *data)
{
	int id = *(int *)data;

	CHECK(attached_by_child, shmat(id, NULL, 0) != BAD);
	OUT("nattch in child %lu", attached(id));
	return 0;
}

static void check_attaching(void)
{
	struct shmid_ds ds;
	int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
	char *one = shmat(id, NULL, 0), *two = shmat(id, NULL, 0), *reader;

	CHECK(attached_twice, one != BAD && two != BAD && one != two);
	CHECK_EQ(both_are_counted, attached(id), 2);
	CHECK_EQ(memory_begins_with_zeroes, one[3 * PAGE - 1], 0);
	one[10] = 'a';
	CHECK_EQ(it_is_the_same_memory, two[10], 'a');
	check_in_child(child_sees, one);
	CHECK_EQ(child_wrote, two[11], 'b');
	CHECK_EQ(the_childs_are_gone, attached(id), 2);
	check_in_child(child_ends, &id);
	CHECK_EQ(exit_detaches, attached(id), 2);
	reader = shmat(id, NULL, SHM_RDONLY);
	CHECK_EQ(read_only_is_read, reader[10], 'a');
	CHECK_ERRNO(it_cannot_become_writable, mprotect(reader, PAGE, PROT_READ | PROT_WRITE),
		    EACCES);
	CHECK_EQ(a_part_is_unmapped, munmap(reader + PAGE, PAGE), 0);
	OUT("nattch with a hole %lu", attached(id));
	CHECK_EQ(what_is_left_is_detached, shmdt(reader), 0);
	CHECK_EQ(is_back, attached(id), 2);
	CHECK_ERRNO(not_aligned, shmdt(one + 1), EINVAL);
	CHECK_ERRNO(not_the_start, shmdt(one + PAGE), EINVAL);
	CHECK_EQ(other_memory_is_not_detached, shmdt(mmap(NULL, PAGE, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), -1);
	CHECK_EQ(detached, shmdt(two), 0);
	shmctl(id, IPC_STAT, &ds);
	OUT("nattch %lu dtime %d lpid %d", (unsigned long)ds.shm_nattch, !!ds.shm_dtime,
	    ds.shm_lpid == getpid());
	CHECK_EQ(removed_while_attached, shmctl(id, IPC_RMID, NULL), 0);
	CHECK_EQ(it_can_be_asked, shmctl(id, IPC_STAT, &ds), 0);
	OUT("mode %o key %d", ds.shm_perm.mode, ds.shm_perm.__key);
	two = shmat(id, NULL, 0);
	CHECK(and_attached, two != BAD && two[10] == 'a');
	shmdt(two);
	shmdt(one);
	CHECK_ERRNO(the_last_one_takes_it_along, shmctl(id, IPC_STAT, &ds), EINVAL);
}

static void check_places(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0700);
	char *room = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *place = room + 4 * PAGE;

	CHECK_ERRNO(the_place_is_taken, (long)shmat(id, place, 0), EINVAL);
	CHECK_EQ(remapped, shmat(id, place, SHM_REMAP), place);
	place[0] = 'x';
	CHECK_ERRNO(remap_needs_a_place, (long)shmat(id, NULL, SHM_REMAP), EINVAL);
	shmdt(place);
	CHECK_EQ(free_place, shmat(id, place, 0), place);
	CHECK_EQ(content_has_stayed, place[0], 'x');
	shmdt(place);
	CHECK_ERRNO(crooked, (long)shmat(id, place + 100, 0), EINVAL);
	CHECK_EQ(rounded, shmat(id, place + 100, SHM_RND), place);
	shmdt(place);
	place = shmat(id, NULL, SHM_EXEC);
	place[0] = (char)0xc3; /* ret */
	((void (*)(void))(void *)place)();
	CHECK(code_runs, true);
	CHECK_EQ(remapping_larger_is_EFAULT_or_works, mremap(place, 2 * PAGE, PAGE, 0), place);
	shmdt(place);
	shmctl(id, IPC_RMID, NULL);
	munmap(room, 16 * PAGE);
}

static int as_another(void *data)
{
	int id = *(int *)data;
	struct shmid_ds ds;

	CHECK_EQ(drop_root, syscall(SYS_setresuid, 1000, 1000, 1000), 0);
	CHECK_ERRNO(writing_is_denied, (long)shmat(id, NULL, 0), EACCES);
	CHECK(reading_is_not, shmat(id, NULL, SHM_RDONLY) != BAD);
	CHECK_ERRNO(executing_is, (long)shmat(id, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
	CHECK_EQ(stat_is_not, shmctl(id, IPC_STAT, &ds), 0);
	CHECK_ERRNO(removing_is_denied, shmctl(id, IPC_RMID, NULL), EPERM);
	CHECK_ERRNO(locking_is, shmctl(id, SHM_LOCK, NULL), EPERM);
	CHECK_ERRNO(finding_to_write_is, shmget(KEY, 0, 0600), EACCES);
	return 0;
}

static void check_maps(void)
{
	int id = shmget(0x1234abcd, PAGE, IPC_CREAT | 0600), fd = open("/proc/self/maps", O_RDONLY);
	char text[8192];
	char *memory = shmat(id, NULL, 0);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	CHECK(maps_name_it, strstr(text, "/SYSV1234abcd (deleted)"));
	shmdt(memory);
	shmctl(id, IPC_RMID, NULL);
	close(fd);
}

/* The first line of a file, as it is. */
static void tell_line(const char *name)
{
	FILE *file = fopen(name, "r");
	char line[256] = "";

	if (!file || !fgets(line, sizeof(line), file))
		line[0] = '\0';
	OUT("%s: %s", name, line);
	if (file)
		fclose(file);
}

static void check_proc(void)
{
	static const char *const names[] = {
		"/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg",
		"/proc/sys/kernel/shmmax", "/proc/sys/kernel/shmall", "/proc/sys/kernel/shmmni",
		"/proc/sys/kernel/sem", "/proc/sys/kernel/msgmax", "/proc/sys/kernel/msgmnb",
		"/proc/sys/kernel/msgmni",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tell_line(names[i]);
}

int main(void)
{
	struct shm_info usage;
	int id;

	check_making();
	check_attaching();
	check_places();
	check_maps();
	check_proc();
	id = shmget(KEY, PAGE, IPC_CREAT | 0644);
	check_in_child(as_another, &id);
	CHECK(usage_is_told, shmctl(0, SHM_INFO, (struct shmid_ds *)&usage) >= 0);
	OUT("segments %d pages %lu", usage.used_ids, usage.shm_tot);
	shmctl(id, IPC_RMID, NULL);
	return 0;
}

/*
 * disk.c - a file system on a disk: a file of 32 MiB written, read with and without the cache and
 * beside it, by one process and by four; waiting for the disk; many small files; programs that walk
 * and unpack a tree.
 *
 * The disk is /dev/vda with an ext2 on it, which the harness makes; what a kernel needs to see it
 * lies in /modules. Whatever a row writes is on the disk before its time ends.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICES "/devices"
#define DISK DEVICES "/vda"
#define MOUNTED "/disk"
#define SIZE (32UL << 20)
#define BLOCK (128UL << 10)
#define SMALL 4096UL
#define NR_FILES 10000
#define NR_JOBS 4
#define TREE_FOLDERS 20
#define TREE_FILES 25
#define BUSYBOX "/bin/busybox"

static char block[BLOCK] __attribute__((aligned(4096)));
static int fd;

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void modules_load(void)
{
	struct dirent **names;
	int nr = scandir("/modules", &names, NULL, by_name);
	char path[300];

	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		int module = open(path, O_RDONLY);

		if (names[i]->d_name[0] != '.' && syscall(SYS_finit_module, module, "", 0) != 0 &&
		    errno != EEXIST)
			fail(path);
		close(module);
	}
}

/* The driver looks for its disks while it is loaded, or a little later. */
static void disk_wait(void)
{
	for (int i = 0; i < 1000 && access(DISK, F_OK) != 0; i++)
		usleep(10000);
}

static void disk_mount(void)
{
	if (mount(DISK, MOUNTED, "ext2", MS_NOATIME, NULL) != 0 && errno != EBUSY)
		fail("mount");
}

static void disk_init(long arg)
{
	(void)arg;
	modules_load();
	mkdir(DEVICES, 0755);
	mkdir(MOUNTED, 0755);
	if (access(DISK, F_OK) != 0 && mount("dev", DEVICES, "devtmpfs", 0, NULL) != 0)
		fail("devtmpfs");
	disk_wait();
	disk_mount();
	sync();
}

/* ---- one file ------------------------------------------------------------------------------ */

static void whole_write(int file, size_t size)
{
	for (size_t done = 0; done < size; done += BLOCK)
		if (pwrite(file, block, BLOCK, (off_t)done) != (ssize_t)BLOCK)
			fail("write");
	if (fsync(file) != 0)
		fail("fsync");
}

static void whole_read(int file, size_t size)
{
	for (size_t done = 0; done < size; done += BLOCK)
		if (pread(file, block, BLOCK, (off_t)done) != (ssize_t)BLOCK)
			fail("read");
}

static void cache_drop(int file)
{
	if (posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)
		fail("fadvise");
}

static void file_init(long flags)
{
	disk_init(0);
	fd = open(MOUNTED "/file", O_CREAT | O_RDWR | O_TRUNC, 0644);
	if (fd < 0)
		fail("open");
	whole_write(fd, SIZE);
	cache_drop(fd);
	if (fcntl(fd, F_SETFL, (int)flags) != 0)
		fail("fcntl");
}

static int64_t write_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		if (ftruncate(fd, 0) != 0 || fsync(fd) != 0)
			fail("ftruncate");
		took_ns += TIMED(1, whole_write(fd, SIZE));
	}
	return took_ns;
}

static int64_t rewrite_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, whole_write(fd, SIZE));
}

static int64_t read_cold_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		cache_drop(fd);
		took_ns += TIMED(1, whole_read(fd, SIZE));
	}
	return took_ns;
}

static int64_t read_warm_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, whole_read(fd, SIZE));
}

static off_t somewhere(void)
{
	static uint64_t seed = 1;

	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (off_t)(seed >> 33 & (SIZE / SMALL - 1)) * (off_t)SMALL;
}

static int64_t random_read_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, if (pread(fd, block, SMALL, somewhere()) != (ssize_t)SMALL) fail("pread"));
}

static int64_t random_write_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n,
		if (pwrite(fd, block, SMALL, somewhere()) != (ssize_t)SMALL) fail("pwrite"));
}

static int64_t fsync_run(uint64_t n, long arg)
{
	(void)arg;
	if (ftruncate(fd, 0) != 0)
		fail("ftruncate");
	return TIMED(n, {
		if (write(fd, block, SMALL) != (ssize_t)SMALL || fsync(fd) != 0)
			fail("write and fsync");
	});
}

/* ---- four at once -------------------------------------------------------------------------- */

static int job_files[NR_JOBS];

static void jobs_init(long arg)
{
	char path[64];

	disk_init(arg);
	for (int i = 0; i < NR_JOBS; i++) {
		snprintf(path, sizeof(path), MOUNTED "/job%d", i);
		job_files[i] = open(path, O_CREAT | O_RDWR | O_TRUNC, 0644);
		if (job_files[i] < 0)
			fail("open");
		whole_write(job_files[i], SIZE / NR_JOBS);
	}
}

static void job_write(void *file)
{
	whole_write(*(int *)file, SIZE / NR_JOBS);
}

static void job_read(void *file)
{
	whole_read(*(int *)file, SIZE / NR_JOBS);
}

static void jobs_run(void (*job)(void *))
{
	pid_t children[NR_JOBS];

	for (int i = 0; i < NR_JOBS; i++)
		children[i] = child_start(job, &job_files[i]);
	for (int i = 0; i < NR_JOBS; i++)
		child_wait(children[i]);
}

static int64_t jobs_write_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, jobs_run(job_write));
}

static int64_t jobs_read_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		for (int job = 0; job < NR_JOBS; job++)
			cache_drop(job_files[job]);
		took_ns += TIMED(1, jobs_run(job_read));
	}
	return took_ns;
}

/* ---- many files ---------------------------------------------------------------------------- */

static void small_write(const char *path)
{
	int file = open(path, O_CREAT | O_WRONLY | O_EXCL, 0644);

	if (file < 0 || write(file, block, 100) != 100 || close(file) != 0)
		fail(path);
}

static void files_create(void)
{
	char path[64];

	for (int i = 0; i < NR_FILES; i++) {
		snprintf(path, sizeof(path), MOUNTED "/many/file%d", i);
		small_write(path);
	}
	sync();
}

static void files_delete(void)
{
	char path[64];

	for (int i = 0; i < NR_FILES; i++) {
		snprintf(path, sizeof(path), MOUNTED "/many/file%d", i);
		if (unlink(path) != 0)
			fail(path);
	}
	sync();
}

static void many_init(long arg)
{
	disk_init(arg);
	mkdir(MOUNTED "/many", 0755);
}

/* The other half of each round is not in the time. */
static int64_t many_run(uint64_t n, long is_delete)
{
	int64_t took_ns = 0;

	for (uint64_t i = 0; i < n; i++) {
		int64_t create_ns = TIMED(1, files_create());
		int64_t delete_ns = TIMED(1, files_delete());

		took_ns += is_delete ? delete_ns : create_ns;
	}
	return took_ns;
}

/* ---- trees --------------------------------------------------------------------------------- */

/* The program with these arguments; its output goes nowhere. */
static void busybox_run(char *const arguments[])
{
	pid_t child = fork();
	int status, nowhere;

	if (child == 0) {
		nowhere = open("/dev/null", O_RDWR);
		dup2(nowhere, 1);
		dup2(nowhere, 2);
		execv(BUSYBOX, arguments);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		fail(arguments[1]);
}

static void tree_delete(void)
{
	busybox_run((char *[]){ "busybox", "rm", "-rf", MOUNTED "/tree", NULL });
	sync();
}

static void tree_pack(void)
{
	busybox_run((char *[]){ "busybox", "tar", "-C", MOUNTED, "-cf", FOLDER "/tree.tar", "tree",
				NULL });
}

static void tree_unpack(void)
{
	busybox_run((char *[]){ "busybox", "tar", "-C", MOUNTED, "-xf", FOLDER "/tree.tar", NULL });
	sync();
}

static void tree_init(long arg)
{
	char path[96];

	disk_init(arg);
	mkdir(MOUNTED "/tree", 0755);
	for (int folder = 0; folder < TREE_FOLDERS; folder++) {
		snprintf(path, sizeof(path), MOUNTED "/tree/%d", folder);
		if (mkdir(path, 0755) != 0)
			continue;
		for (int i = 0; i < TREE_FILES; i++) {
			snprintf(path, sizeof(path), MOUNTED "/tree/%d/file%d", folder, i);
			small_write(path);
		}
	}
	tree_pack();
	sync();
}

static int64_t pack_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, tree_pack());
}

static int64_t unpack_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		tree_delete();
		took_ns += TIMED(1, tree_unpack());
	}
	return took_ns;
}

static int64_t find_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, busybox_run((char *[]){ "busybox", "find", MOUNTED "/tree", "-size", "+9",
						NULL }));
}

static int64_t mount_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, {
		if (umount(MOUNTED) != 0)
			fail("umount");
		disk_mount();
	});
}

const struct row disk_rows[] = {
	{ .name = "disk.mount", .init = disk_init, .run = mount_run },
	{ .name = "disk.write", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = write_run, .most_runs = 7 },
	{ .name = "disk.rewrite", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = rewrite_run, .most_runs = 7 },
	{ .name = "disk.read_cold", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = read_cold_run, .most_runs = 7 },
	{ .name = "disk.read_warm", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = read_warm_run, .most_runs = 7 },
	{ .name = "disk.read_direct", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = read_warm_run, .arg = O_DIRECT, .most_runs = 7 },
	{ .name = "disk.write_direct", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = rewrite_run, .arg = O_DIRECT, .most_runs = 7 },
	{ .name = "disk.pread_4k_direct", .init = file_init, .run = random_read_run,
	  .arg = O_DIRECT },
	{ .name = "disk.pwrite_4k_direct", .init = file_init, .run = random_write_run,
	  .arg = O_DIRECT },
	{ .name = "disk.pread_4k_warm", .init = file_init, .run = random_read_run },
	{ .name = "disk.pwrite_4k", .init = file_init, .run = random_write_run },
	{ .name = "disk.fsync_4k", .init = file_init, .run = fsync_run },
	{ .name = "disk.write_4_jobs", .kind = ROW_BANDWIDTH, .per = SIZE, .init = jobs_init,
	  .run = jobs_write_run, .most_runs = 7 },
	{ .name = "disk.read_4_jobs", .kind = ROW_BANDWIDTH, .per = SIZE, .init = jobs_init,
	  .run = jobs_read_run, .most_runs = 7 },
	{ .name = "disk.create", .per = NR_FILES, .init = many_init, .run = many_run,
	  .most_runs = 3 },
	{ .name = "disk.delete", .per = NR_FILES, .init = many_init, .run = many_run, .arg = true,
	  .most_runs = 3 },
	{ .name = "disk.tar_c", .init = tree_init, .run = pack_run, .most_runs = 7 },
	{ .name = "disk.tar_x", .init = tree_init, .run = unpack_run, .most_runs = 7 },
	{ .name = "disk.find", .init = tree_init, .run = find_run, .most_runs = 7 },
	{ .name = NULL },
};

/*
 * sys.c - the cost of entering the kernel: the null call, the clock with and without the vDSO, and
 * reads and writes that do nothing.
 */
#include "bench.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char buffer[65536];
static int zero_fd, null_fd;

static int64_t getppid_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, getppid());
}

static int64_t clock_vdso_run(uint64_t n, long arg)
{
	struct timespec now;

	(void)arg;
	return TIMED(n, clock_gettime(CLOCK_MONOTONIC, &now));
}

static int64_t clock_raw_run(uint64_t n, long arg)
{
	struct timespec now;

	(void)arg;
	return TIMED(n, syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
}

static void devices_init(long arg)
{
	(void)arg;
	zero_fd = open("/dev/zero", O_RDONLY);
	null_fd = open("/dev/null", O_WRONLY);
	if (zero_fd < 0 || null_fd < 0)
		fail("open");
}

static int64_t zero_run(uint64_t n, long size)
{
	return TIMED(n, if (read(zero_fd, buffer, (size_t)size) != size) fail("read"));
}

static int64_t null_run(uint64_t n, long size)
{
	return TIMED(n, if (write(null_fd, buffer, (size_t)size) != size) fail("write"));
}

const struct row sys_rows[] = {
	{ .name = "sys.getppid", .run = getppid_run },
	{ .name = "sys.clock_vdso", .run = clock_vdso_run },
	{ .name = "sys.clock_raw", .run = clock_raw_run },
	{ .name = "rw.zero_1", .init = devices_init, .run = zero_run, .arg = 1 },
	{ .name = "rw.zero_64k", .init = devices_init, .run = zero_run, .arg = 65536 },
	{ .name = "rw.null_1", .init = devices_init, .run = null_run, .arg = 1 },
	{ .name = NULL },
};

/*
 * seq.c - a file of 8 MiB on a tmpfs: written, written over and read in blocks of 64 KiB, and read
 * at random in blocks of 4 KiB.
 */
#include "bench.h"

#include <fcntl.h>
#include <unistd.h>

#define SIZE (8UL << 20)
#define BLOCK 65536UL
#define SMALL 4096UL

static char block[BLOCK];
static int fd;

static void whole_write(void)
{
	if (lseek(fd, 0, SEEK_SET) != 0)
		fail("lseek");
	for (size_t done = 0; done < SIZE; done += BLOCK)
		if (write(fd, block, BLOCK) != (ssize_t)BLOCK)
			fail("write");
}

static void whole_read(void)
{
	if (lseek(fd, 0, SEEK_SET) != 0)
		fail("lseek");
	for (size_t done = 0; done < SIZE; done += BLOCK)
		if (read(fd, block, BLOCK) != (ssize_t)BLOCK)
			fail("read");
}

static void file_init(long arg)
{
	(void)arg;
	fd = open(FOLDER "/seq", O_CREAT | O_RDWR | O_TRUNC, 0644);
	if (fd < 0)
		fail("open");
	whole_write();
}

static int64_t write_run(uint64_t n, long arg)
{
	int64_t took_ns = 0;

	(void)arg;
	for (uint64_t i = 0; i < n; i++) {
		if (ftruncate(fd, 0) != 0)
			fail("ftruncate");
		took_ns += TIMED(1, whole_write());
	}
	return took_ns;
}

static int64_t rewrite_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, whole_write());
}

static int64_t read_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, whole_read());
}

static int64_t random_run(uint64_t n, long arg)
{
	uint64_t seed = 1;

	(void)arg;
	return TIMED(n, {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		if (pread(fd, block, SMALL, (off_t)(seed >> 33 & (SIZE / SMALL - 1)) * 4096) !=
		    (ssize_t)SMALL)
			fail("pread");
	});
}

const struct row seq_rows[] = {
	{ .name = "seq.write", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = write_run },
	{ .name = "seq.rewrite", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = rewrite_run },
	{ .name = "seq.read", .kind = ROW_BANDWIDTH, .per = SIZE, .init = file_init,
	  .run = read_run },
	{ .name = "seq.pread_4k_rand", .init = file_init, .run = random_run },
	{ .name = NULL },
};

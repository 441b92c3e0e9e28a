/*
 * /dev/hwrng. See fs/devfs/hwrng.h. A read takes what the generator gives until it has all that was
 * asked for, like Linux's.
 */
#include "fs/devfs/hwrng.h"

#include <linux/errno.h>

#include "dev/hwrng.h"
#include "fs/file.h"
#include "lib/string.h"
#include "sched/thread.h"
#include "vm/uio.h"

enum { CHUNK_BYTES = 64 };

static ssize_t hwrng_file_read(struct io *io)
{
	uint8_t bytes[CHUNK_BYTES];
	ssize_t done = 0, got = 0;

	while (io->uio->remaining) {
		size_t n = io->uio->remaining < CHUNK_BYTES ? io->uio->remaining : CHUNK_BYTES;
		size_t copied;

		got = hwrng_read(bytes, n, file_may_wait(io));
		if (got < 0)
			break;
		copied = uio_copy_out(io->uio, bytes, (size_t)got);
		done += (ssize_t)copied;
		if (copied < (size_t)got) {
			got = -EFAULT;
			break;
		}
		cond_resched();
	}
	mem_wipe(bytes, sizeof(bytes));
	return done ? done : got;
}

static const struct file_ops hwrng_file_ops = {
	.read = hwrng_file_read, .seek = file_seek_nowhere,
};

void hwrng_file_init(void)
{
	hwrng_set_file_ops(&hwrng_file_ops);
}

/*
 * getrandom(2).
 */
#include <linux/errno.h>
#include <linux/random.h>

#include "core/random.h"
#include "fs/devfs/memdev.h"
#include "lib/math.h"
#include "lib/string.h"
#include "proc/signal.h"
#include "sched/thread.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

#define CHUNK 256 /* what a call always gets whole, signals or not */

static long fill(char __user *buf, size_t size)
{
	uint8_t chunk[CHUNK];
	size_t done = 0;

	while (done < size) {
		size_t n = min(size - done, sizeof(chunk));

		random_bytes(chunk, n);
		if (copy_to_user(buf + done, chunk, n))
			break;
		done += n;
		cond_resched();
		if (signal_is_pending())
			break;
	}
	mem_wipe(chunk, sizeof(chunk));
	return done || !size ? (long)done : -EFAULT;
}

long sys_getrandom(char __user *buf, size_t count, unsigned int flags)
{
	int err;

	if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
	    (flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	if (!(flags & GRND_INSECURE)) {
		err = random_wait_ready(!(flags & GRND_NONBLOCK));
		if (err)
			return err;
	}
	return fill(buf, min(count, (size_t)INT32_MAX));
}

/*
 * The machine as a whole: sysinfo(2), syslog(2).
 */
#include <linux/errno.h>
#include <linux/sysinfo.h>

#include "abi/syslog.h"
#include "core/printk.h"
#include "fs/pagecache.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "sched/sched.h"
#include "sched/wait.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

#define LINE_MAX (LOG_LINE_MAX + 32)

long sys_sysinfo(struct sysinfo __user *to)
{
	struct page_stats pages;
	struct sysinfo info;
	uint64_t loads[3];

	page_stats_read(&pages);
	memset(&info, 0, sizeof(info)); /* it has holes */
	info.uptime = clock_boottime() / NS_PER_SEC;
	info.totalram = pages.total << PAGE_SHIFT;
	info.freeram = pages.free << PAGE_SHIFT;
	info.sharedram = pagecache_pages() << PAGE_SHIFT;
	info.procs = (uint16_t)thread_count();
	info.mem_unit = 1;
	sched_loadavg(loads);
	for (int i = 0; i < 3; i++)
		info.loads[i] = loads[i] << (SI_LOAD_SHIFT - 11);
	return copy_to_user(to, &info, sizeof(info));
}

/* Lines from `sequence` on, oldest first, as many as fit. Where reading ended in *next. */
static long copy_lines(uint64_t sequence, char __user *buf, size_t size, uint64_t *next)
{
	struct log_record *record = kmalloc(sizeof(*record) + LINE_MAX, ALLOC_KERNEL);
	char *line = (char *)(record + 1);
	size_t done = 0;
	long err = 0;

	if (!record)
		return -ENOMEM;
	for (; !err && log_read(sequence, record); sequence = record->sequence + 1) {
		size_t len = log_format(record, true, line, LINE_MAX);

		if (done + len > size)
			break;
		err = copy_to_user(buf + done, line, len);
		done += len;
	}
	*next = sequence;
	kfree(record);
	return err ? err : (long)done;
}

/* The last lines that fit into `size`: where they begin. */
static uint64_t first_that_fits(size_t size)
{
	struct log_record *record = kmalloc(sizeof(*record) + LINE_MAX, ALLOC_KERNEL);
	uint64_t from = log_cleared(), sequence;
	size_t total = 0;

	if (!record)
		return log_next();
	for (sequence = from; log_read(sequence, record); sequence = record->sequence + 1)
		total += log_format(record, true, (char *)(record + 1), LINE_MAX);
	for (; total > size && log_read(from, record); from = record->sequence + 1)
		total -= log_format(record, true, (char *)(record + 1), LINE_MAX);
	kfree(record);
	return from;
}

/* SYSLOG_ACTION_READ's place in the log; one for all readers, as on Linux. */
static struct {
	struct spinlock lock;
	uint64_t        next __guarded_by(lock);
} reader = { .lock = SPINLOCK(RANK_LEAF) };

static long read_on(char __user *buf, size_t size)
{
	uint64_t from, next;
	long done;

	spin_lock(&reader.lock);
	from = reader.next;
	spin_unlock(&reader.lock);
	done = copy_lines(from, buf, size, &next);
	if (done > 0) {
		spin_lock(&reader.lock);
		reader.next = next;
		spin_unlock(&reader.lock);
	}
	return done;
}

static long set_console_level(int level)
{
	if (level < 1 || level > 8)
		return -EINVAL;
	log_levels.console =
		level < log_levels.console_minimum ? log_levels.console_minimum : level;
	return 0;
}

static long read_log(int action, char __user *buf, int len)
{
	uint64_t next;
	long done;

	if (!buf || len < 0)
		return -EINVAL;
	if (!len)
		return 0;
	if (action == SYSLOG_ACTION_READ)
		return read_on(buf, (size_t)len);
	done = copy_lines(first_that_fits((size_t)len), buf, (size_t)len, &next);
	if (done >= 0 && action == SYSLOG_ACTION_READ_CLEAR)
		log_clear();
	return done;
}

long sys_syslog(int action, char __user *buf, int len)
{
	static int saved_level = -1;

	if (action != SYSLOG_ACTION_READ_ALL && action != SYSLOG_ACTION_SIZE_BUFFER &&
	    !cred_capable(task_current()->cred, CAP_SYSLOG))
		return -EPERM;
	switch (action) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_READ:
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
		return read_log(action, buf, len);
	case SYSLOG_ACTION_CLEAR:
		log_clear();
		return 0;
	case SYSLOG_ACTION_CONSOLE_OFF:
		if (saved_level < 0)
			saved_level = log_levels.console;
		log_levels.console = log_levels.console_minimum;
		return 0;
	case SYSLOG_ACTION_CONSOLE_ON:
		if (saved_level >= 0)
			log_levels.console = saved_level;
		saved_level = -1;
		return 0;
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		saved_level = -1;
		return set_console_level(len);
	case SYSLOG_ACTION_SIZE_UNREAD:
		return (long)(log_next() - reader.next) * 64;
	case SYSLOG_ACTION_SIZE_BUFFER:
		return LOG_RING_SIZE;
	default:
		return -EINVAL;
	}
}

/*
 * /proc/sysvipc and the limits of System V IPC in /proc/sys/kernel. sysvipc(7), proc(5)
 */
#include "procfs/ipc.h"

#include <linux/errno.h>

#include "ipc/sem.h"
#include "lib/parse.h"
#include "procfs/text.h"

/* ---- lists ----------------------------------------------------------------------------------- */

static void put_owner(struct text *text, const struct ipc64_perm *perm)
{
	text_printf(text, "%5u %5u %5u %5u ", perm->uid, perm->gid, perm->cuid, perm->cgid);
}

static int show_shm(const struct node *node, struct text *text)
{
	struct shm_line line;

	text_puts(text, "       key      shmid perms                  size  cpid  lpid nattch   uid   "
	                "gid  cuid  cgid      atime      dtime      ctime                   rss"
	                "                  swap\n");
	for (uint32_t slot = 0; shm_next(&slot, &line); slot++) {
		const struct shmid64_ds *ds = &line.ds;

		text_printf(text, "%10d %10d  %4o %21lu %5u %5u  %5lu ", ds->shm_perm.key, line.id,
		            ds->shm_perm.mode, ds->shm_segsz, ds->shm_cpid, ds->shm_lpid,
		            ds->shm_nattch);
		put_owner(text, &ds->shm_perm);
		text_printf(text, "%10lu %10lu %10lu %21lu %21lu\n", ds->shm_atime, ds->shm_dtime,
		            ds->shm_ctime, line.resident << PAGE_SHIFT, 0ul);
	}
	return 0;
}

static int show_sem(const struct node *node, struct text *text)
{
	struct semid64_ds ds;
	int id;

	text_puts(text, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
	                "      ctime\n");
	for (uint32_t slot = 0; sem_next(&slot, &id, &ds); slot++) {
		text_printf(text, "%10d %10d  %4o %10lu ", ds.sem_perm.key, id, ds.sem_perm.mode,
		            ds.sem_nsems);
		put_owner(text, &ds.sem_perm);
		text_printf(text, "%10lu %10lu\n", ds.sem_otime, ds.sem_ctime);
	}
	return 0;
}

static int show_msg(const struct node *node, struct text *text)
{
	struct msqid64_ds ds;
	int id;

	text_puts(text, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
	                "  cuid  cgid      stime      rtime      ctime\n");
	for (uint32_t slot = 0; msg_next(&slot, &id, &ds); slot++) {
		text_printf(text, "%10d %10d  %4o  %10lu %10lu %5u %5u ", ds.msg_perm.key, id,
		            ds.msg_perm.mode, ds.msg_cbytes, ds.msg_qnum, ds.msg_lspid,
		            ds.msg_lrpid);
		put_owner(text, &ds.msg_perm);
		text_printf(text, "%10lu %10lu %10lu\n", ds.msg_stime, ds.msg_rtime, ds.msg_ctime);
	}
	return 0;
}

static const struct entry sysvipc_entries[] = {
	{ "msg", S_IFREG | 0444, .show = show_msg },
	{ "sem", S_IFREG | 0444, .show = show_sem },
	{ "shm", S_IFREG | 0444, .show = show_shm },
};
const struct directory sysvipc_directory = DIRECTORY(sysvipc_entries);

/* ---- limits ---------------------------------------------------------------------------------- */

static int64_t get_shmmni(void)
{
	return shm_max_segments();
}

static int set_shmmni(int64_t value)
{
	return shm_set_max_segments((int)value);
}

static int64_t get_msgmni(void)
{
	return msg_max_queues();
}

static int set_msgmni(int64_t value)
{
	return msg_set_max_queues((int)value);
}

const struct sysctl_int sysctl_shmmni = { get_shmmni, set_shmmni, 0, 32768 };
const struct sysctl_int sysctl_msgmni = { get_msgmni, set_msgmni, 0, 32768 };

int show_ipc_limit(const struct node *node, struct text *text)
{
	text_printf(text, "%lu\n", atomic_load_relaxed((uint64_t *)(uintptr_t)node->entry->arg));
	return 0;
}

int write_ipc_limit(const struct node *node, char *line, size_t len)
{
	uint64_t value;
	int err = parse_u64(line, &value);

	if (!err)
		atomic_store_relaxed((uint64_t *)(uintptr_t)node->entry->arg, value);
	return err;
}

int show_sem_limits(const struct node *node, struct text *text)
{
	text_printf(text, "%d\t%d\t%d\t%d\n", READ_ONCE(sem_limits.max_in_set),
	            READ_ONCE(sem_limits.max_in_all), READ_ONCE(sem_limits.max_ops),
	            READ_ONCE(sem_limits.max_sets));
	return 0;
}

/* Up to four numbers; what is not written stays. */
int write_sem_limits(const struct node *node, char *line, size_t len)
{
	struct sem_limits limits = sem_limits;
	int *const values[] = { &limits.max_in_set, &limits.max_in_all, &limits.max_ops,
	                        &limits.max_sets };
	const char *at = line;
	uint64_t value;

	for (unsigned int i = 0; i < array_size(values); i++) {
		while (*at == ' ' || *at == '\t')
			at++;
		if (!*at || *at == '\n')
			break;
		if (parse_u64_prefix(at, 10, &value, &at) || value > INT32_MAX)
			return -EINVAL;
		*values[i] = (int)value;
	}
	return sem_limits_set(&limits);
}

/*
 * What stands in /proc/PID and /proc/PID/task/TID. Functions by the file that has them; each shows
 * one file (proc(5)).
 */
#pragma once

#include "procfs/node.h"

struct dir_sink;

extern const struct entry pid_entry; /* of /proc/PID */

/* pid_stat.c */
int show_pid_stat(struct task *task, struct text *text);  /* sums over the process */
int show_task_stat(struct task *task, struct text *text); /* one thread's */
int show_pid_statm(struct task *task, struct text *text);

/* pid_status.c */
int show_pid_status(struct task *task, struct text *text);

/* pid_memory.c */
int show_pid_auxv(struct space *space, struct text *text);
extern const struct file_ops pid_mem_ops, pid_cmdline_ops, pid_environ_ops;

/* pid_maps.c */
int show_pid_maps(struct space *space, struct text *text);
int show_pid_smaps(struct space *space, struct text *text);
int show_pid_smaps_rollup(struct space *space, struct text *text);

/* pid_fd.c */
extern const struct directory pid_fd_directory, pid_fdinfo_directory;

/* pid_links.c */
int link_pid_exe(const struct node *node, struct link_target *out);
int link_pid_cwd(const struct node *node, struct link_target *out);
int link_pid_root(const struct node *node, struct link_target *out);
extern const struct directory pid_ns_directory;

/* pid_net.c */
extern const struct directory pid_net_directory;

/* pid_mounts.c */
int show_pid_mounts(struct task *task, struct text *text);
int show_pid_mountinfo(struct task *task, struct text *text);
unsigned int poll_pid_mounts(const struct node *node, uint64_t *seen, struct poller *poller);
int show_pid_mountstats(struct task *task, struct text *text);

/* pid_settings.c */
int show_pid_comm(struct task *task, struct text *text);
int write_pid_comm(struct task *task, char *line, size_t len);
int show_pid_limits(struct task *task, struct text *text);
int show_pid_oom_score(struct task *task, struct text *text);
int show_pid_oom_score_adj(struct task *task, struct text *text);
int write_pid_oom_score_adj(struct task *task, char *line, size_t len);
int show_pid_oom_adj(struct task *task, struct text *text);
int write_pid_oom_adj(struct task *task, char *line, size_t len);
int show_pid_personality(struct task *task, struct text *text);
int show_pid_schedstat(struct task *task, struct text *text);
int show_pid_cgroup(struct task *task, struct text *text);
int show_pid_wchan(struct task *task, struct text *text);
int show_pid_syscall(struct task *task, struct text *text);
int show_pid_timerslack(struct task *task, struct text *text);
int write_pid_timerslack(struct task *task, char *line, size_t len);

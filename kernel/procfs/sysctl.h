/*
 * /proc/sys: values of the kernel that can be read and some that can be set (sysctl(8)).
 *
 * Each is an entry whose `arg` is one of the structures below. A value is either got and set by the
 * functions of the room that owns it, or a constant, which is honest only where Linux too has it
 * fixed or where it states a limit of ours.
 */
#pragma once

#include "procfs/node.h"

struct sysctl_int {
	int64_t (*get)(void);
	int     (*set)(int64_t value); /* NULL: read only */
	int64_t   min, max;            /* of what is set; else -EINVAL */
};

/* One that nobody has to be told about. */
struct sysctl_var {
	int *value; /* atomic */
	int  min, max;
};

struct sysctl_text {
	const char *text;
};

int sysctl_show_int(const struct node *node, struct text *text);
int sysctl_write_int(const struct node *node, char *line, size_t len);
int sysctl_show_var(const struct node *node, struct text *text);
int sysctl_write_var(const struct node *node, char *line, size_t len);
int sysctl_show_text(const struct node *node, struct text *text);

/* Entries for the tables. */
#define SYSCTL_INT(file_name, file_mode, value) \
	{ file_name, S_IFREG | (file_mode), ENTRY_STRICT, .arg = (value), .show = sysctl_show_int, \
	  .write = (file_mode) & 0222 ? sysctl_write_int : NULL }
#define SYSCTL_VAR(file_name, variable, least, most) \
	{ file_name, S_IFREG | 0644, ENTRY_STRICT, \
	  .arg = &(const struct sysctl_var){ (variable), (least), (most) }, \
	  .show = sysctl_show_var, .write = sysctl_write_var }
#define SYSCTL_CONST(file_name, constant) \
	{ file_name, S_IFREG | 0444, ENTRY_STRICT, .arg = &(const struct sysctl_text){ constant }, \
	  .show = sysctl_show_text }

/* sysctl_restrict.c */
extern const struct sysctl_int sysctl_dmesg_restrict, sysctl_kptr_restrict;
extern const struct sysctl_var sysctl_randomize;

/* sysctl_sched.c */
extern const struct sysctl_int sysctl_rt_runtime, sysctl_rt_period;

extern const struct directory sysctl_directory;        /* /proc/sys */
extern const struct directory sysctl_kernel_directory; /* sysctl_kernel.c */
extern const struct directory sysctl_random_directory; /* sysctl_random.c */
extern const struct directory sysctl_vm_directory;     /* sysctl_vm.c */
extern const struct directory sysctl_fs_directory;     /* sysctl_fs.c */
extern const struct directory sysctl_net_directory;    /* sysctl_net.c */

/* sysctl_net_conf.c: a directory for each interface, and "all" and "default" */
extern const struct directory sysctl_conf4_directory, sysctl_conf6_directory;

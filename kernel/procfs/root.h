/*
 * What stands in /proc itself. Each room shows its own: an entry here names its function.
 */
#pragma once

#include "procfs/node.h"

extern const struct entry root_entry;

/* memory.c */
int show_meminfo(const struct node *node, struct text *text);
int show_vmstat(const struct node *node, struct text *text);
int show_buddyinfo(const struct node *node, struct text *text);
int show_slabinfo(const struct node *node, struct text *text);
int show_swaps(const struct node *node, struct text *text);

/* cpu.c */
int show_cpuinfo(const struct node *node, struct text *text);
int show_stat(const struct node *node, struct text *text);
int show_interrupts(const struct node *node, struct text *text);
int show_loadavg(const struct node *node, struct text *text);
int show_uptime(const struct node *node, struct text *text);

/* system.c */
int show_version(const struct node *node, struct text *text);
int show_cmdline(const struct node *node, struct text *text);
int show_consoles(const struct node *node, struct text *text);
int show_filesystems(const struct node *node, struct text *text);
int show_devices(const struct node *node, struct text *text);
int show_minor_devices(const struct node *node, struct text *text);
int show_nothing(const struct node *node, struct text *text);
int show_gauges(const struct node *node, struct text *text);
int show_kallsyms(const struct node *node, struct text *text);
int show_locks(const struct node *node, struct text *text);

/* irq.c, pci.c */
extern const struct directory proc_irq_directory;
extern const struct directory proc_bus_directory;
bool pci_is_there(void);

/* lock_stat.c */
int show_lock_stat(const struct node *node, struct text *text);
int write_lock_stat(const struct node *node, char *line, size_t len);

/* kmsg.c, sysrq.c */
extern const struct file_ops proc_kmsg_ops;
int write_sysrq_trigger(const struct node *node, char *line, size_t len);

/* provoke.c */
int write_provoke(const struct node *node, char *line, size_t len);
bool provoke_exists(void);

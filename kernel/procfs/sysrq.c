/*
 * /proc/sysrq-trigger: a SysRq key without a keyboard (core/sysrq.h).
 */
#include "core/sysrq.h"

#include "procfs/root.h"

/* Only the first byte is a key. */
int write_sysrq_trigger(const struct node *node, char *line, size_t len)
{
	if (len)
		sysrq_press(line[0]);
	return 0;
}

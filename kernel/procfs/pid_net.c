/*
 * /proc/PID/net: what a process sees of the network. There is what exists: AF_UNIX.
 */
#include "id/nsproxy.h"
#include "net/netns.h"
#include "net/unix.h"
#include "proc/task.h"
#include "procfs/pid.h"

/* As Linux's include/uapi/linux/net.h says. */
enum { UNCONNECTED = 1, CONNECTING, CONNECTED, DISCONNECTING };
enum { ACCEPTS_CONNECTIONS = 1 << 16 };

static void put_name(struct text *text, const struct socket_name *name)
{
	size_t len = name->size - offsetof(struct sockaddr_un, sun_path);
	bool is_abstract = !name->un.sun_path[0];

	text_puts(text, " ");
	/* The size of a path counts the NUL at its end. */
	for (size_t i = 0; i < (is_abstract ? len : len - 1); i++) {
		char c = name->un.sun_path[i];

		text_put(text, c ? &c : "@", 1);
	}
}

static void put_socket(const struct unix_info *info, void *data)
{
	struct text *text = data;
	int state = info->ino ? UNCONNECTED : DISCONNECTING;

	if (info->is_connected)
		state = info->ino ? CONNECTED : CONNECTING;
	/* Addresses are not told; Linux counts its own list as a reference. */
	text_printf(text, "%016x: %08X %08X %08X %04X %02X %5lu", 0u, info->refs + 1, 0u,
		    info->is_listening ? ACCEPTS_CONNECTIONS : 0u, (unsigned)info->type,
		    (unsigned)state, info->ino);
	if (info->name.size > offsetof(struct sockaddr_un, sun_path))
		put_name(text, &info->name);
	text_puts(text, "\n");
}

static int show_unix(struct task *task, struct text *text)
{
	struct nsproxy *ns;

	spin_lock(&task->resources_lock);
	ns = task->ns ? nsproxy_get(task->ns) : NULL;
	spin_unlock(&task->resources_lock);
	text_puts(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	if (!ns)
		return 0;
	unix_for_each(ns->net, put_socket, text);
	nsproxy_put(ns);
	return 0;
}

static const struct entry entries[] = {
	{ "unix", S_IFREG | 0444, .show_task = show_unix },
};

const struct directory pid_net_directory = DIRECTORY(entries);

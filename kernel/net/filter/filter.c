/*
 * Filters of sockets. See filter.h.
 */
#include "net/filter/filter.h"

#include <linux/errno.h>

#include "core/random.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/rcu.h"

struct socket_filter {
	uint32_t           nr;
	struct rcu_head    rcu;
	struct sock_filter program[] __const_after_init;
};

uint32_t bpf_random(void)
{
	uint32_t value;

	random_bytes(&value, sizeof(value));
	return value;
}

static void filter_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct socket_filter, rcu));
}

static void filter_free(struct socket_filter *filter)
{
	if (filter)
		rcu_call(&filter->rcu, filter_free_rcu);
}

/* ---- running ------------------------------------------------------------------------ */

uint32_t socket_filter_run(const struct socket *socket, const struct bpf_packet *packet)
{
	uint32_t size = packet->size - packet->data, wanted = size;
	const struct socket_filter *filter;

	rcu_read_lock();
	filter = atomic_load_acquire(&socket->filter); /* pairs with filter_set() */
	if (filter)
		wanted = bpf_run(filter->program, packet);
	rcu_read_unlock();
	return min(wanted, size);
}

uint32_t socket_filter_bytes(const struct socket *socket, const void *bytes, uint32_t size)
{
	const struct bpf_packet packet = {
		.head = bytes, .nr_head = size, .size = size,
		.link = BPF_NONE, .network = BPF_NONE,
		.cpu = cpu_id(),
	};

	return socket_filter_run(socket, &packet);
}

/* ---- attaching ---------------------------------------------------------------------- */

static void filter_set(struct socket *socket, struct socket_filter *filter)
{
	filter_free(atomic_xchg(&socket->filter, filter));
}

static bool is_locked(const struct socket *socket)
{
	return READ_ONCE(socket->options) & SOCKET_LOCK_FILTER;
}

static int program_check(const struct sock_filter *program, uint32_t nr)
{
	uint16_t *room = kmalloc(nr * sizeof(*room), ALLOC_KERNEL);
	int err = room ? bpf_check(program, nr, room) : -ENOMEM;

	kfree(room);
	return err;
}

int socket_filter_attach(struct socket *socket, const struct socket_option *option)
{
	uint32_t nr = option->size / (uint32_t)sizeof(struct sock_filter);
	struct socket_filter *filter;
	int err;

	if (is_locked(socket))
		return -EPERM;
	/* lwIP has a connection's segments before anybody could look at them */
	if (socket->type == SOCK_STREAM && socket->family != AF_UNIX)
		return -ENOPROTOOPT;
	if (!nr || nr > BPF_MAXINSNS)
		return -EINVAL;
	filter = kmalloc(sizeof(*filter) + nr * sizeof(struct sock_filter), ALLOC_KERNEL);
	if (!filter)
		return -ENOMEM;
	filter->nr = nr;
	memcpy(filter->program, option->bytes, nr * sizeof(struct sock_filter));
	err = program_check(filter->program, nr);
	if (err)
		kfree(filter);
	else
		filter_set(socket, filter);
	return err;
}

int socket_filter_detach(struct socket *socket)
{
	struct socket_filter *filter;

	if (is_locked(socket))
		return -EPERM;
	filter = atomic_xchg(&socket->filter, NULL);
	filter_free(filter);
	return filter ? 0 : -ENOENT;
}

int socket_filter_get(struct socket *socket, struct socket_option *option)
{
	const struct socket_filter *filter;
	uint32_t size = 0;

	rcu_read_lock();
	filter = atomic_load_acquire(&socket->filter); /* pairs with filter_set() */
	if (filter) {
		size = min(filter->nr * (uint32_t)sizeof(struct sock_filter), option->size);
		memcpy(option->bytes, filter->program, size);
	}
	rcu_read_unlock();
	option->size = size;
	return 0;
}

void socket_filter_free(struct socket *socket)
{
	filter_free(socket->filter);
}

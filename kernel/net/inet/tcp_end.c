/*
 * One end of a connection: the claim on a port, and the pcb of lwIP's behind it. See tcp_impl.h.
 *
 * lwIP frees a pcb when it has done with it, whatever that was: the only reliable sign is the
 * destructor of an "extended argument", end_orphaned() here. Its error callback is called in part
 * after the pcb is gone, and is used for nothing but telling why.
 */
#include <linux/in.h>

#include "core/panic.h"
#include "mem/slab.h"
#include "net/inet/tcp_impl.h"

static struct cache end_slab = CACHE("tcp_end", struct tcp_end);

static const struct tcp_ext_arg_callbacks end_callbacks;

enum { END_ARG = 0 }; /* lwIP keeps LWIP_TCP_PCB_NUM_EXT_ARGS of them; this is ours */

struct tcp_end *tcp_end_alloc(unsigned int flags)
{
	struct tcp_end *end = cache_zalloc(&end_slab, flags);

	if (end)
		list_init(&end->link);
	return end;
}

void tcp_end_free(struct tcp_end *end)
{
	debug_assert(!end->pcb);
	port_release(&end->use);
	cache_free(&end_slab, end);
}

void tcp_end_describe(struct tcp_end *end, const struct tcp_sock *sock)
{
	const struct socket *socket = &sock->inet.socket;
	uint32_t options = READ_ONCE(socket->options);

	end->use.protocol = IPPROTO_TCP;
	end->use.bound_iface = READ_ONCE(socket->bound_iface);
	end->use.uid = READ_ONCE(socket->uid);
	end->use.flags &= (uint8_t)~(PORT_REUSE_ADDRESS | PORT_REUSE_PORT);
	if (options & SOCKET_REUSEADDR)
		end->use.flags |= PORT_REUSE_ADDRESS;
	if (options & SOCKET_REUSEPORT)
		end->use.flags |= PORT_REUSE_PORT;
}

void tcp_end_attach(struct tcp_end *end, struct tcp_pcb *pcb)
{
	end->pcb = pcb;
	tcp_arg(pcb, end);
	tcp_ext_arg_set_callbacks(pcb, END_ARG, &end_callbacks);
	tcp_ext_arg_set(pcb, END_ARG, end);
}

void tcp_end_adopt(struct tcp_end *end, struct tcp_sock *sock)
{
	socket_get(&sock->inet.socket);
	sock->end = end;
	end->sock = sock;
	sock->fate = TCP_FATE_TIMEOUT;
	sock->quick_left = TCP_QUICK_ACKS;
	sock->is_unanswered = sock->is_dialogue = false;
	tcp_event_install(end->pcb);
	tcp_settings_apply(sock, end->pcb);
}

void tcp_end_disown(struct tcp_end *end)
{
	struct tcp_sock *sock = end->sock;

	end->sock = NULL;
	sock->end = NULL;
	tcp_chunks_free(sock);
	tcp_sock_put(sock);
}

void tcp_end_abort(struct tcp_end *end, int fate)
{
	struct tcp_pcb *pcb = end->pcb;

	if (end->sock)
		end->sock->fate = (int16_t)fate;
	/* A SYN that nobody answered needs none. */
	tcp_abandon(pcb, pcb->state != SYN_SENT);
}

void tcp_sock_unport(struct tcp_sock *sock)
{
	struct tcp_end *end = sock->end;

	if (!end || end->pcb)
		return;
	if (sock->is_port_bound && !sock->is_dead) {
		end->use.flags &= (uint8_t)~(PORT_CONNECTED | PORT_LISTENING);
		return;
	}
	sock->end = NULL;
	tcp_end_free(end);
}

/* lwIP has freed the pcb. */
static void end_orphaned(u8_t id, void *data)
{
	struct tcp_end *end = data;
	struct tcp_sock *sock;

	(void)id;
	/* It was let go of before: tcp_wait_begin(). */
	if (!end)
		return;
	end->pcb = NULL;
	sock = end->sock;
	if (sock) {
		tcp_chunks_free(sock);
		tcp_sock_over(sock, sock->fate);
		if (sock->deferred_for)
			tcp_deferred_drop(sock);
		tcp_sock_unport(sock);
		tcp_sock_put(sock);
		return;
	}
	if (end->listener) {
		list_remove_init(&end->link);
		end->listener->nr_half_open--;
	} else {
		tcp_wait_remove(end);
	}
	tcp_end_free(end);
}

static const struct tcp_ext_arg_callbacks end_callbacks = { .destroy = end_orphaned };

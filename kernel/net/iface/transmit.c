/*
 * Whole frames from packet sockets to an interface. See net/iface/iface.h.
 */
#include <linux/errno.h>

#include "dev/netdev.h"
#include "net/iface/iface_impl.h"
#include "net/stack/ethernet.h"
#include "net/stack/loopback.h"

int iface_transmit_raw(struct iface *iface, struct netbuf *netbuf)
{
	int err = -ENETDOWN;

	stack_lock(iface->netns);
	if (iface->is_dead || !(iface->flags & IFF_UP))
		netbuf->done(netbuf);
	else if (iface->netdev)
		err = ethernet_transmit(iface->netdev, netbuf);
	else
		err = loopback_transmit(iface, netbuf);
	stack_unlock(iface->netns);
	return err;
}

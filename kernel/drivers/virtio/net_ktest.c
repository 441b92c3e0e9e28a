/*
 * Network devices, on machines that test/boot/virtio.py wires to itself: whatever frame comes is
 * sent back with its addresses exchanged, until one says that it is enough. On machines without a
 * network device there is nothing to test.
 */
#include <linux/errno.h>

#include "core/ktest.h"
#include "core/printk.h"
#include "dev/netdev.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mem/page.h"
#include "sched/clock.h"
#include "sched/wait.h"

#define TIME_LIMIT (60 * NS_PER_SEC)

static const char enough[] = "enough";

static struct {
	struct completion end;
	uint32_t nr_echoed __atomic;
	uint32_t nr_refused __atomic;
} echo;

static void swap_addresses(uint8_t *frame)
{
	uint8_t mac[MAC_BYTES];

	memcpy(mac, frame, MAC_BYTES);
	memcpy(frame, frame + MAC_BYTES, MAC_BYTES);
	memcpy(frame + MAC_BYTES, mac, MAC_BYTES);
}

static void echo_one(struct netdev *netdev, struct netbuf *netbuf)
{
	uint8_t *frame = (uint8_t *)page_to_virt(netbuf->segments[0].page) +
	                 netbuf->segments[0].offset;
	bool is_end = netbuf->segments[0].length >= 14 + sizeof(enough) &&
	              !memcmp(frame + 14, enough, sizeof(enough) - 1);

	swap_addresses(frame);
	netbuf->flags = 0;
	if (netdev->ops->transmit(netdev, netbuf)) {
		atomic_inc(&echo.nr_refused);
		netbuf_free(netbuf);
	} else {
		atomic_inc(&echo.nr_echoed);
	}
	if (is_end)
		complete(&echo.end);
}

static void echo_received(struct netdev *netdev, struct list *netbufs)
{
	while (!list_is_empty(netbufs))
		echo_one(netdev, netbuf_take(netbufs));
	netdev->ops->commit(netdev);
}

static void echo_ignore(struct netdev *netdev)
{
}

static const struct netdev_client echo_client = {
	.added = echo_ignore, .removed = echo_ignore, .received = echo_received,
	.writable = echo_ignore, .link_changed = echo_ignore,
};

KTEST(virtio_net_device_receives_and_sends_every_frame_whole)
{
	struct netdev *netdev = netdev_next(NULL);
	const struct netdev_client *network;
	struct netdev_statistics statistics;
	int err, end;

	if (!netdev)
		return;
	completion_init(&echo.end);
	network = netdev_set_client(&echo_client);
	err = netdev_open(netdev);
	pr_info("ktest: %s sends back\n", netdev->name);
	end = completion_wait_until(&echo.end, clock_monotonic() + TIME_LIMIT);
	sleep_until_uninterruptible(clock_monotonic() + NS_PER_SEC / 5); /* the last one goes */
	netdev_close(netdev);
	netdev->ops->statistics(netdev, &statistics);
	netdev_set_client(network);
	KTEST_ASSERT(!err && !end);
	KTEST_ASSERT(!echo.nr_refused);
	KTEST_ASSERT(statistics.received_frames == echo.nr_echoed);
	KTEST_ASSERT(statistics.sent_frames == echo.nr_echoed);
	KTEST_ASSERT(statistics.sent_bytes == statistics.received_bytes);
	KTEST_ASSERT(!statistics.received_errors && !statistics.received_dropped);
}

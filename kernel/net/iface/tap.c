/*
 * Who sees every frame. See net/iface/tap.h.
 */
#include "net/iface/tap.h"

#include <lwip/pbuf.h>

#include "lib/math.h"
#include "net/iface/iface_impl.h"

void iface_tap_add(struct netns *netns, struct iface *iface, struct iface_tap *tap)
{
	stack_lock(netns);
	list_add_tail(iface ? &iface->taps : &table_of(netns)->taps, &tap->link);
	stack_unlock(netns);
}

void iface_tap_remove(struct netns *netns, struct iface_tap *tap)
{
	stack_lock(netns);
	list_remove(&tap->link);
	stack_unlock(netns);
}

bool iface_has_taps(const struct iface *iface)
{
	return !list_is_empty(&iface->taps) || !list_is_empty(&table_of(iface->netns)->taps);
}

static void taps_call(struct list *taps, const struct iface_frame *frame)
{
	struct iface_tap *tap;

	list_for_each_entry(tap, taps, link)
		tap->frame(tap, frame);
}

void iface_tap_frame(const struct iface_frame *frame)
{
	taps_call(&frame->iface->taps, frame);
	taps_call(&table_of(frame->iface->netns)->taps, frame);
}

uint32_t iface_frame_copy(const struct iface_frame *frame, uint32_t offset, void *out,
                          uint32_t size)
{
	uint32_t done = 0;

	if (offset >= frame->length)
		return 0;
	size = min(size, frame->length - offset);
	if (offset < frame->nr_head) {
		done = min(size, frame->nr_head - offset);
		memcpy(out, frame->head + offset, done);
	}
	if (done < size && frame->pbuf)
		done += pbuf_copy_partial(frame->pbuf, (uint8_t *)out + done,
		                          (uint16_t)(size - done),
		                          (uint16_t)(offset + done - frame->nr_head +
		                                     frame->pbuf_offset));
	return done;
}

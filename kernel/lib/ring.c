/*
 * Byte ring buffers: runs of bytes, in at most two pieces.
 */
#include "lib/ring.h"

#include "lib/math.h"
#include "lib/string.h"

size_t ring_write(struct ring *ring, const void *from, size_t size)
{
	size_t n = min(size, ring_space(ring));
	size_t at = ring->head & (ring->size - 1);
	size_t first = min(n, ring->size - at);

	memcpy(ring->buffer + at, from, first);
	memcpy(ring->buffer, (const uint8_t *)from + first, n - first);
	ring->head += n;
	return n;
}

size_t ring_peek(const struct ring *ring, size_t offset, void *to, size_t size)
{
	size_t n = offset < ring_used(ring) ? min(size, ring_used(ring) - offset) : 0;
	size_t at = (ring->tail + offset) & (ring->size - 1);
	size_t first = min(n, ring->size - at);

	memcpy(to, ring->buffer + at, first);
	memcpy((uint8_t *)to + first, ring->buffer, n - first);
	return n;
}

size_t ring_read(struct ring *ring, void *to, size_t size)
{
	size_t n = ring_peek(ring, 0, to, size);

	ring->tail += n;
	return n;
}

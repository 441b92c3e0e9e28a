/*
 * Byte ring buffers over memory of the caller's, whose size is a power of two.
 *
 * head and tail run freely and are masked on use, so that full and empty differ and all of the
 * memory is used. Not atomic: the caller's lock guards the ring.
 */
#pragma once

#include "lib/types.h"

struct ring {
	uint8_t *buffer __const_after_init;
	size_t size __const_after_init; /* a power of two */
	size_t head; /* bytes ever written */
	size_t tail; /* bytes ever read */
};

static inline void ring_init(struct ring *ring, void *buffer, size_t size)
{
	ring->buffer = buffer;
	ring->size = size;
	ring->head = ring->tail = 0;
}

static inline size_t ring_used(const struct ring *ring)
{
	return ring->head - ring->tail;
}

static inline size_t ring_space(const struct ring *ring)
{
	return ring->size - ring_used(ring);
}

static inline bool ring_is_empty(const struct ring *ring)
{
	return ring->head == ring->tail;
}

static inline bool ring_is_full(const struct ring *ring)
{
	return ring_used(ring) == ring->size;
}

static inline void ring_clear(struct ring *ring)
{
	ring->tail = ring->head;
}

/* False if the ring is full. */
static inline bool ring_push(struct ring *ring, uint8_t byte)
{
	if (ring_is_full(ring))
		return false;
	ring->buffer[ring->head++ & (ring->size - 1)] = byte;
	return true;
}

/* False if the ring is empty. */
static inline bool ring_pop(struct ring *ring, uint8_t *byte)
{
	if (ring_is_empty(ring))
		return false;
	*byte = ring->buffer[ring->tail++ & (ring->size - 1)];
	return true;
}

/* The byte n behind the oldest; n below ring_used(). */
static inline uint8_t ring_at(const struct ring *ring, size_t n)
{
	return ring->buffer[(ring->tail + n) & (ring->size - 1)];
}

/* Forgets the n oldest bytes, or the newest; n at most ring_used(). */
static inline void ring_drop(struct ring *ring, size_t n)
{
	ring->tail += n;
}

static inline void ring_take_back(struct ring *ring, size_t n)
{
	ring->head -= n;
}

/* As many of size bytes as there is space for, or as there are; how many. */
size_t ring_write(struct ring *ring, const void *from, size_t size);
size_t ring_read(struct ring *ring, void *to, size_t size);

/* Copies size bytes that begin offset behind the oldest and leaves them; how many there were. */
size_t ring_peek(const struct ring *ring, size_t offset, void *to, size_t size);

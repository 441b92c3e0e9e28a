/*
 * drivers/virtio/virtqueue: with an honest device every chain comes back once, with what the device
 * was to read and write; a device that lies is found out or harms nobody but itself: no token comes
 * that is not in flight, none comes twice, and nothing outside the ring's memory is touched.
 *
 * The device of this test reads the ring as the specification has it, from the memory alone.
 *
 * sources: drivers/virtio/virtqueue.c
 */
#include "unit.h"

#include <errno.h>

#include "core/panic.h"
#include "drivers/virtio/virtqueue.h"

void assert_failed(const char *condition, const char *file, int line)
{
	_assert_true(0, condition, file, line);
	abort();
}

enum { SIZE_MAX_HERE = 64, TOKENS = 512, SEGMENTS_MAX = 8 };

#define EVENT_INDEX (1ul << VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT    (1ul << VIRTIO_RING_F_INDIRECT_DESC)

/* A request as the driver made it; its token is its address. */
struct request {
	bool is_in_flight;
	unsigned int nr_readable, nr_writable;
	uint64_t first_address;
	uint32_t writable_bytes;
	struct vring_desc *table;
};

static struct {
	struct virtqueue queue;
	void *memory;
	struct virtqueue_slot *slots;
	size_t bytes;
	struct request requests[TOKENS];
	unsigned int nr_in_flight;
	uint64_t next_address;
	/* the device's */
	uint16_t seen, pending[TOKENS];
	unsigned int nr_pending;
	uint16_t used;
	unsigned int nr_notified, nr_interrupts;
	uint64_t seed;
} t;

static void set_up(uint16_t size, uint64_t features, uint64_t seed)
{
	memset(&t, 0, sizeof(t));
	t.seed = seed;
	t.bytes = virtqueue_memory_bytes(size);
	t.memory = aligned_alloc(16, (t.bytes + 15) & ~15ul);
	t.slots = malloc(virtqueue_slots_bytes(size));
	t.next_address = 0x1000;
	virtqueue_init(&t.queue, size, features, t.memory, t.slots);
}

static void tear_down(void)
{
	for (unsigned int i = 0; i < TOKENS; i++)
		free(t.requests[i].table);
	free(t.memory);
	free(t.slots);
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)random_below(&t.seed, n);
}

/* ---- the driver ------------------------------------------------------------------------------ */

static struct request *request_new(void)
{
	for (unsigned int i = 0; i < TOKENS; i++)
		if (!t.requests[i].is_in_flight)
			return &t.requests[i];
	return NULL;
}

static int add(void)
{
	struct virtqueue_segment segments[SEGMENTS_MAX];
	struct request *request = request_new();
	unsigned int nr = 1 + below(t.queue.size < SEGMENTS_MAX ? t.queue.size : SEGMENTS_MAX);
	int err;

	if (!request)
		return -EAGAIN;
	free(request->table);
	*request = (struct request){
		.nr_readable = below(nr + 1), .first_address = t.next_address,
		.table = below(2) ? calloc(nr, sizeof(struct vring_desc)) : NULL,
	};
	request->nr_writable = nr - request->nr_readable;
	for (unsigned int i = 0; i < nr; i++) {
		segments[i] = (struct virtqueue_segment){ t.next_address++, 1 + below(5000) };
		if (i >= request->nr_readable)
			request->writable_bytes += segments[i].length;
	}
	struct virtqueue_chain chain = {
		.segments = segments, .nr_readable = (uint16_t)request->nr_readable,
		.nr_writable = (uint16_t)request->nr_writable, .token = request,
		.table = request->table, .table_address = (uintptr_t)request->table,
	};

	err = virtqueue_add(&t.queue, &chain);
	if (!err) {
		request->is_in_flight = true;
		t.nr_in_flight++;
	}
	return err;
}

/* What came is one of ours, in flight; now it is not any more. */
static struct request *came_back(void *token)
{
	struct request *request = token;

	assert_true(request >= t.requests && request < t.requests + TOKENS);
	assert_true(request->is_in_flight);
	request->is_in_flight = false;
	t.nr_in_flight--;
	return request;
}

/* ---- the device ------------------------------------------------------------------------------ */

static struct vring_avail *avail(void)
{
	return (void *)((char *)t.memory + virtqueue_avail_offset(t.queue.size));
}

static struct vring_used *used(void)
{
	return (void *)((char *)t.memory + virtqueue_used_offset(t.queue.size));
}

/* Walks the chain and compares it with what the driver meant. */
static void check_chain(uint16_t head)
{
	const struct vring_desc *table = t.memory, *at = &table[head];
	unsigned int nr_readable = 0, nr_writable = 0;
	uint64_t first;

	if (at->flags & VRING_DESC_F_INDIRECT) {
		assert_int_equal(at->flags, VRING_DESC_F_INDIRECT);
		assert_int_equal(at->len % sizeof(*at), 0);
		table = at = (void *)(uintptr_t)at->addr;
	}
	first = at->addr;
	for (;; at = &table[at->next]) {
		assert_int_equal(at->addr, first + nr_readable + nr_writable);
		if (at->flags & VRING_DESC_F_WRITE)
			nr_writable++;
		else
			nr_readable++;
		assert_true(nr_writable == 0 || at->flags & VRING_DESC_F_WRITE);
		if (!(at->flags & VRING_DESC_F_NEXT))
			break;
	}
	for (unsigned int i = 0; i < TOKENS; i++) {
		const struct request *r = &t.requests[i];

		if (r->is_in_flight && r->first_address == first) {
			assert_int_equal(r->nr_readable, nr_readable);
			assert_int_equal(r->nr_writable, nr_writable);
			return;
		}
	}
	fail_msg("the device sees a chain that nobody made");
}

static void device_look(void)
{
	while (t.seen != avail()->idx) {
		uint16_t head = avail()->ring[t.seen++ % t.queue.size];

		check_chain(head);
		t.pending[t.nr_pending++] = head;
	}
	if (t.queue.has_event_index)
		*(uint16_t *)&used()->ring[t.queue.size] = t.seen;
}

/* Ends one at random; whether it would interrupt. */
static bool device_finish(void)
{
	unsigned int which = below(t.nr_pending);
	uint16_t head = t.pending[which], old = t.used;

	t.pending[which] = t.pending[--t.nr_pending];
	used()->ring[t.used % t.queue.size] = (struct vring_used_elem){ head, 0 };
	used()->idx = ++t.used;
	if (t.queue.has_event_index)
		return vring_need_event(avail()->ring[t.queue.size], t.used, old);
	return !(avail()->flags & VRING_AVAIL_F_NO_INTERRUPT);
}

/* ---- an honest one --------------------------------------------------------------------------- */

static void publish(void)
{
	if (virtqueue_publish(&t.queue)) {
		t.nr_notified++;
		device_look();
	}
}

static void take_all(void)
{
	struct virtqueue_used out;

	do {
		virtqueue_interrupts_off(&t.queue);
		while (!virtqueue_take(&t.queue, &out))
			came_back(out.token);
	} while (virtqueue_interrupts_on(&t.queue));
	assert_null(t.queue.complaint);
}

static void run_honest(uint16_t size, uint64_t features, uint64_t seed)
{
	set_up(size, features, seed);
	for (unsigned int step = 0; step < 100000; step++) {
		unsigned int what = below(8);

		if (what < 4 && t.nr_in_flight + SEGMENTS_MAX < TOKENS)
			assert_true(add() != -EIO);
		else if (what == 4)
			publish();
		else if (what < 7 && t.nr_pending && device_finish())
			take_all(); /* at once: an interrupt that is wanted is never lost */
	}
	publish();
	device_look();
	while (t.nr_pending)
		device_finish();
	take_all();
	assert_int_equal(t.nr_in_flight, 0);
	assert_true(virtqueue_is_empty(&t.queue));
	assert_int_equal(t.queue.nr_free, size);
	assert_true(t.nr_notified > 0);
	tear_down();
}

TEST(every_chain_comes_back_once_with_what_was_meant)
{
	for (unsigned int features = 0; features < 4; features++) {
		uint64_t bits = (features & 1 ? EVENT_INDEX : 0) | (features & 2 ? INDIRECT : 0);

		run_honest(SIZE_MAX_HERE, bits, 1 + features);
		run_honest(4, bits, 11 + features);
		run_honest(1, bits, 21 + features);
	}
}

TEST(a_notification_is_asked_for_once_for_many_chains)
{
	set_up(SIZE_MAX_HERE, EVENT_INDEX, 3);
	device_look();
	while (!add())
		;
	assert_true(virtqueue_publish(&t.queue));
	assert_false(virtqueue_publish(&t.queue));
	tear_down();
}

TEST(a_full_ring_says_so_and_takes_again_afterwards)
{
	struct virtqueue_used out;

	set_up(4, 0, 5);
	while (!add())
		;
	publish();
	device_look();
	device_finish();
	assert_int_equal(virtqueue_take(&t.queue, &out), 0);
	came_back(out.token);
	assert_int_equal(virtqueue_take(&t.queue, &out), -EAGAIN);
	tear_down();
}

TEST(an_interrupt_may_wait_until_three_quarters_are_done)
{
	struct virtqueue_used out;

	set_up(SIZE_MAX_HERE, EVENT_INDEX, 9);
	while (t.nr_in_flight < 8)
		assert_int_equal(add(), 0);
	publish();
	device_look();
	assert_false(virtqueue_interrupts_on_later(&t.queue));
	for (int i = 0; i < 6; i++)
		assert_false(device_finish());
	assert_true(device_finish());
	assert_true(virtqueue_interrupts_on_later(&t.queue));
	while (!virtqueue_take(&t.queue, &out))
		came_back(out.token);
	assert_false(virtqueue_interrupts_on_later(&t.queue));
	assert_true(device_finish());
	tear_down();
}

/* ---- one that lies --------------------------------------------------------------------------- */

static void fill(uint16_t size)
{
	set_up(size, EVENT_INDEX | INDIRECT, 7);
	while (t.nr_in_flight < 4 && !add())
		;
	(void)!virtqueue_publish(&t.queue);
	device_look();
	assert_true(t.nr_in_flight == 4);
}

/* Once a lie is found all is over: nothing is taken or given any more, and all can be abandoned. */
static void expect_broken(void)
{
	struct virtqueue_used out;

	assert_int_equal(virtqueue_take(&t.queue, &out), -EIO);
	assert_non_null(t.queue.complaint);
	assert_int_equal(virtqueue_take(&t.queue, &out), -EIO);
	assert_int_equal(add(), -EIO);
	for (void *token; (token = virtqueue_abandon(&t.queue));)
		came_back(token);
	assert_int_equal(t.nr_in_flight, 0);
	tear_down();
}

static void say_used(uint32_t id, uint32_t length)
{
	used()->ring[t.used % t.queue.size] = (struct vring_used_elem){ id, length };
	used()->idx = ++t.used;
}

TEST(an_id_outside_the_ring_breaks_the_queue)
{
	fill(SIZE_MAX_HERE);
	say_used(SIZE_MAX_HERE, 0);
	expect_broken();
	fill(SIZE_MAX_HERE);
	say_used(UINT32_MAX, 0);
	expect_broken();
	fill(SIZE_MAX_HERE);
	say_used(0x10000u + t.pending[0], 0);
	expect_broken();
}

TEST(an_id_that_is_not_in_flight_breaks_the_queue)
{
	fill(SIZE_MAX_HERE);
	say_used(SIZE_MAX_HERE - 1, 0);
	expect_broken();
}

TEST(an_id_that_comes_twice_breaks_the_queue)
{
	struct virtqueue_used out;

	fill(SIZE_MAX_HERE);
	say_used(t.pending[0], 0);
	say_used(t.pending[0], 0);
	assert_int_equal(virtqueue_take(&t.queue, &out), 0);
	came_back(out.token);
	expect_broken();
}

TEST(more_written_than_there_is_room_for_breaks_the_queue)
{
	const struct request *request = t.requests;
	struct virtqueue_used out;

	fill(SIZE_MAX_HERE);
	say_used(t.pending[0], request->writable_bytes);
	assert_int_equal(virtqueue_take(&t.queue, &out), 0);
	assert_int_equal(out.length, came_back(out.token)->writable_bytes);
	say_used(t.pending[1], t.requests[1].writable_bytes + 1);
	expect_broken();
}

TEST(a_used_index_that_runs_ahead_breaks_the_queue)
{
	fill(SIZE_MAX_HERE);
	used()->idx = 5;
	expect_broken();
	fill(SIZE_MAX_HERE);
	used()->idx = 0xffff;
	expect_broken();
}

/* Scribbles: anywhere in the ring's memory, or into the fields that matter most. */
static void scribble(void)
{
	uint8_t *bytes = t.memory;
	unsigned int what = below(6);

	if (what == 0)
		for (unsigned int i = 0; i < 16; i++)
			bytes[below((unsigned int)t.bytes)] = (uint8_t)below(256);
	else if (what == 1)
		used()->idx = (uint16_t)(used()->idx + below(3));
	else if (what == 2)
		used()->ring[below(t.queue.size)].id = below(t.queue.size + 2);
	else if (what == 3)
		used()->ring[below(t.queue.size)].len = below(8) ? 0 : below(100000);
	else if (what == 4 && t.nr_pending)
		(void)device_finish();
	else
		*(uint16_t *)&used()->ring[t.queue.size] = (uint16_t)below(65536);
}

static bool run_hostile(uint64_t seed)
{
	struct virtqueue_used out;
	bool is_broken;
	int err;

	set_up((uint16_t)(1u << below(7)), below(4) << VIRTIO_RING_F_INDIRECT_DESC, seed);
	for (unsigned int step = 0; step < 300 && !t.queue.complaint; step++) {
		if (t.nr_in_flight + SEGMENTS_MAX < TOKENS)
			(void)add();
		(void)!virtqueue_publish(&t.queue);
		for (unsigned int n = below(4); n; n--)
			scribble();
		while (!(err = virtqueue_take(&t.queue, &out)))
			assert_true(out.length <= came_back(out.token)->writable_bytes);
		assert_true(err == -EAGAIN || err == -EIO);
		(void)!virtqueue_interrupts_on(&t.queue);
		assert_true(t.queue.nr_free <= t.queue.size);
	}
	is_broken = t.queue.complaint;
	for (void *token; (token = virtqueue_abandon(&t.queue));)
		came_back(token);
	assert_int_equal(t.nr_in_flight, 0);
	assert_int_equal(t.queue.nr_free, t.queue.size);
	tear_down();
	return is_broken;
}

TEST(a_device_that_scribbles_harms_nobody_but_itself)
{
	unsigned int nr_found_out = 0;

	for (uint64_t seed = 1; seed <= 3000; seed++)
		nr_found_out += run_hostile(seed * 7919);
	assert_true(nr_found_out > 1000);
}

UNIT_TESTS(T(every_chain_comes_back_once_with_what_was_meant),
           T(a_notification_is_asked_for_once_for_many_chains),
           T(a_full_ring_says_so_and_takes_again_afterwards),
           T(an_interrupt_may_wait_until_three_quarters_are_done),
           T(an_id_outside_the_ring_breaks_the_queue),
           T(an_id_that_is_not_in_flight_breaks_the_queue),
           T(an_id_that_comes_twice_breaks_the_queue),
           T(more_written_than_there_is_room_for_breaks_the_queue),
           T(a_used_index_that_runs_ahead_breaks_the_queue),
           T(a_device_that_scribbles_harms_nobody_but_itself))

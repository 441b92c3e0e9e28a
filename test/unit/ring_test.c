/*
 * lib/ring: bytes come out as they went in, across every wrap.
 *
 * sources: lib/ring.c
 */
#include "unit.h"

#include "lib/ring.h"

TEST(bytes_come_out_as_they_went_in)
{
	uint8_t memory[16], in[20], out[20];
	uint8_t next_in = 0, next_out = 0;
	struct ring ring;
	uint64_t seed = 4;

	ring_init(&ring, memory, sizeof(memory));
	for (int step = 0; step < 20000; step++) {
		size_t n = random_below(&seed, sizeof(in)), used = ring_used(&ring), done;

		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)(next_in + i);
		done = ring_write(&ring, in, n);
		assert_int_equal(done, n < 16 - used ? n : 16 - used);
		next_in += (uint8_t)done;
		assert_int_equal(ring_used(&ring) + ring_space(&ring), 16);
		n = random_below(&seed, sizeof(out));
		used = ring_used(&ring);
		done = ring_peek(&ring, 1, out, n);
		assert_int_equal(done, used < 1 ? 0 : n < used - 1 ? n : used - 1);
		if (done)
			assert_int_equal(out[0], (uint8_t)(next_out + 1));
		done = ring_read(&ring, out, n);
		for (size_t i = 0; i < done; i++)
			assert_int_equal(out[i], next_out++);
	}
}

TEST(single_bytes_know_full_and_empty)
{
	uint8_t memory[2], byte;
	struct ring ring;

	ring_init(&ring, memory, sizeof(memory));
	assert_false(ring_pop(&ring, &byte));
	assert_true(ring_push(&ring, 'a'));
	assert_true(ring_push(&ring, 'b'));
	assert_true(ring_is_full(&ring));
	assert_false(ring_push(&ring, 'c'));
	assert_int_equal(ring_at(&ring, 1), 'b');
	ring_take_back(&ring, 1);
	assert_true(ring_pop(&ring, &byte));
	assert_int_equal(byte, 'a');
	assert_true(ring_is_empty(&ring));
	ring_push(&ring, 'd');
	ring_drop(&ring, 1);
	assert_true(ring_is_empty(&ring));
	ring_push(&ring, 'e');
	ring_clear(&ring);
	assert_true(ring_is_empty(&ring));
}

UNIT_TESTS(T(bytes_come_out_as_they_went_in), T(single_bytes_know_full_and_empty))

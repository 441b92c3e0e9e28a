/*
 * lib/chacha20, lib/blake2s, lib/hash, lib/crc32: the published vectors.
 *
 * sources: lib/chacha20.c lib/blake2s.c lib/hash.c lib/crc32.c
 */
#include "unit.h"

#include "lib/blake2s.h"
#include "lib/chacha20.h"
#include "lib/crc32.h"
#include "lib/hash.h"
#include "lib/string.h"

void mem_wipe(void *at, size_t size)
{
	memset(at, 0, size);
}

static void check_hex(const uint8_t *bytes, size_t size, const char *expected)
{
	char hex[200];

	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(hex, expected);
}

static void count_up(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)i;
}

/* RFC 8439, section 2.3.2 */
TEST(chacha20_block_gives_the_vector_of_the_RFC)
{
	static const uint8_t nonce[12] = { 0, 0, 0, 9, 0, 0, 0, 0x4a };
	uint8_t key[32], block[64], stream[100];
	struct chacha20 chacha;

	count_up(key, sizeof(key));
	chacha20_init(&chacha, key, nonce, 1);
	chacha20_block(&chacha, block);
	check_hex(block, 64, "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
	                     "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
	chacha20_init(&chacha, key, nonce, 0);
	chacha20_stream(&chacha, stream, sizeof(stream));
	assert_memory_equal(stream + 64, block, 36);
}

/* RFC 7693, appendix B */
TEST(blake2s_gives_the_vector_of_the_RFC)
{
	uint8_t digest[32];

	blake2s(digest, 32, NULL, 0, "abc", 3);
	check_hex(digest, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
}

/* RFC 7693, appendix E: the self-test, a hash of hashes of many lengths, keyed and not */
static void fill_sequence(uint8_t *out, size_t size, uint32_t seed)
{
	uint32_t a = 0xdead4badu * seed, b = 1;

	for (size_t i = 0; i < size; i++) {
		uint32_t t = a + b;

		a = b;
		b = t;
		out[i] = (uint8_t)(t >> 24);
	}
}

TEST(blake2s_passes_the_self_test_of_the_RFC)
{
	static const size_t digests[] = { 16, 20, 28, 32 }, inputs[] = { 0, 3, 64, 65, 255, 1024 };
	uint8_t in[1024], key[32], digest[32];
	struct blake2s all;

	blake2s_init(&all, 32, NULL, 0);
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 6; j++) {
			fill_sequence(in, inputs[j], (uint32_t)inputs[j]);
			blake2s(digest, digests[i], NULL, 0, in, inputs[j]);
			blake2s_update(&all, digest, digests[i]);
			fill_sequence(key, digests[i], (uint32_t)digests[i]);
			blake2s(digest, digests[i], key, digests[i], in, inputs[j]);
			blake2s_update(&all, digest, digests[i]);
		}
	}
	blake2s_final(&all, digest);
	check_hex(digest, 32, "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST(blake2s_does_not_care_how_the_input_is_cut)
{
	uint8_t in[300], whole[32], pieces[32];

	fill_sequence(in, sizeof(in), 5);
	blake2s(whole, 32, "key", 3, in, sizeof(in));
	for (size_t step = 1; step < 150; step++) {
		struct blake2s blake;

		blake2s_init(&blake, 32, "key", 3);
		for (size_t at = 0; at < sizeof(in); at += step)
			blake2s_update(&blake, in + at,
			               at + step < sizeof(in) ? step : sizeof(in) - at);
		blake2s_final(&blake, pieces);
		assert_memory_equal(whole, pieces, 32);
	}
}

/* the vectors of the paper's reference code */
TEST(siphash24_gives_the_published_vectors)
{
	static const struct siphash_key key = { 0x0706050403020100ul, 0x0f0e0d0c0b0a0908ul };
	uint8_t in[64];

	count_up(in, sizeof(in));
	assert_true(siphash24(&key, in, 0) == 0x726fdb47dd0e0e31ul);
	assert_true(siphash24(&key, in, 1) == 0x74f839c593dc67fdul);
	assert_true(siphash24(&key, in, 8) == 0x93f5f5799a932462ul);
	assert_true(siphash24(&key, in, 15) == 0xa129ca6149be45e5ul);
}

TEST(siphash13_gives_the_known_vectors_and_words_hash_like_bytes)
{
	static const struct siphash_key key = { 0x0706050403020100ul, 0x0f0e0d0c0b0a0908ul };
	uint64_t words[2] = { 0x0123456789abcdeful, 0xfedcba9876543210ul };
	uint8_t in[64];

	count_up(in, sizeof(in));
	assert_true(siphash13(&key, in, 0) == 0xabac0158050fc4dcul);
	assert_true(siphash13(&key, in, 1) == 0xc9f49bf37d57ca93ul);
	assert_true(siphash13(&key, words, 16) == siphash13_u64(&key, words[0], words[1]));
}

TEST(crc32_gives_the_check_value)
{
	assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
	assert_int_equal(crc32(0, "", 0), 0);
}

TEST(hash_u64_spreads_neighbours)
{
	bool seen[4096] = { false };
	int used = 0;

	for (uint64_t i = 0; i < 4096; i++) {
		bool *slot = &seen[hash_u64(i << 12) & 4095];

		used += !*slot;
		*slot = true;
	}
	assert_true(used > 4096 * 6 / 10);
}

UNIT_TESTS(T(chacha20_block_gives_the_vector_of_the_RFC),
           T(blake2s_gives_the_vector_of_the_RFC),
           T(blake2s_passes_the_self_test_of_the_RFC),
           T(blake2s_does_not_care_how_the_input_is_cut),
           T(siphash24_gives_the_published_vectors),
           T(siphash13_gives_the_known_vectors_and_words_hash_like_bytes),
           T(crc32_gives_the_check_value),
           T(hash_u64_spreads_neighbours))

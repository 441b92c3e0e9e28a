/*
 * fs/ext2, the pure part: images made by mke2fs in many option sets are read whole and say what was
 * put in; mutated ones end in an error and never in an access out of bounds (each block that is
 * parsed lies in a heap block of its own, which ASan guards).
 *
 * sources: fs/ext2/geometry.c fs/ext2/rawinode.c fs/ext2/dirblock.c fs/ext2/blockmap.c
 * sources: fs/ext2/extent.c fs/ext2/xattrs.c fs/ext2/checksum.c
 */
#include "unit.h"

#include <errno.h>
#include <unistd.h>

#include "fs/ext2/blockmap.h"
#include "fs/ext2/checksum.h"
#include "fs/ext2/dirblock.h"
#include "fs/ext2/extent.h"
#include "fs/ext2/rawinode.h"
#include "fs/ext2/xattrs.h"

static uint8_t *image;
static size_t image_size;
static uint64_t steps_left; /* a mutated image may have cycles */

/* What a walk found: an order-free sum over names and contents, and the first error. */
struct found {
	struct ext2_geometry geometry;
	uint64_t sum;
	unsigned int files, dirs, links, others, xattrs;
	int error;
};

/* A copy of just its size, so that a byte too many is seen. */
static uint8_t *block_copy(struct found *f, uint64_t block, size_t offset, size_t size)
{
	uint64_t at = (block << f->geometry.block_bits) + offset;
	uint8_t *copy;

	if (at > image_size || size > image_size - at)
		return NULL;
	copy = malloc(size);
	memcpy(copy, image + at, size);
	return copy;
}

static int pointer_block(struct found *f, const struct ext2_inode_values *v, uint64_t block,
                         uint64_t *out)
{
	uint32_t path[EXT2_PATH_MAX], left;
	unsigned int depth = ext2_block_path(&f->geometry, block, path, &left);

	*out = 0;
	if (!depth)
		return -EFBIG;
	*out = le32_to_cpu(v->block[path[0]]);
	for (unsigned int i = 1; i < depth && *out; i++) {
		uint8_t *copy;

		if (!ext2_is_valid_block(&f->geometry, *out))
			return -EUCLEAN;
		copy = block_copy(f, *out, 0, f->geometry.block_size);
		*out = load_le32(copy + 4 * path[i]);
		free(copy);
	}
	return *out && !ext2_is_valid_block(&f->geometry, *out) ? -EUCLEAN : 0;
}

static int extent_block(struct found *f, uint32_t ino, const struct ext2_inode_values *v,
                        uint64_t block, uint64_t *out)
{
	struct ext4_extent_search search = ext4_extent_search_begin(block);
	struct ext4_extent_step step;
	uint8_t *node = malloc(sizeof(v->block));
	size_t size = sizeof(v->block);
	int err;

	memcpy(node, v->block, size);
	err = ext4_extent_search_node(&f->geometry, node, size, &search, &step);
	free(node);
	while (!err && step.state == EXT4_EXTENT_CHILD) {
		node = block_copy(f, step.start, 0, f->geometry.block_size);
		search.depth--;
		err = ext4_extent_checksum_is_right(&f->geometry, ino, v->generation, node)
		              ? ext4_extent_search_node(&f->geometry, node,
		                                        f->geometry.block_size, &search, &step)
		              : -EBADMSG;
		free(node);
	}
	*out = !err && step.state == EXT4_EXTENT_MAPPED ? step.start : 0;
	return err;
}

static int file_block(struct found *f, uint32_t ino, const struct ext2_inode_values *v,
                      uint64_t block, uint64_t *out)
{
	return v->flags & EXT2_EXTENTS_FL ? extent_block(f, ino, v, block, out)
	                                  : pointer_block(f, v, block, out);
}

static uint64_t mix(uint64_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ul;
	return sum;
}

static int content_sum(struct found *f, uint32_t ino, const struct ext2_inode_values *v,
                       uint64_t *sum)
{
	const uint32_t size = f->geometry.block_size;

	for (uint64_t at = 0; at < v->size; at += size) {
		size_t n = v->size - at < size ? v->size - at : size;
		uint8_t zeroes[4096] = { 0 }, *copy = NULL;
		uint64_t block;
		int err = file_block(f, ino, v, at / size, &block);

		if (err || !steps_left)
			return err ? err : -ELOOP;
		steps_left--;
		if (block)
			copy = block_copy(f, block, 0, size);
		*sum = mix(*sum, copy ? copy : zeroes, n);
		free(copy);
	}
	return 0;
}

static void xattrs_walk(struct found *f, struct ext2_xattr_region *region)
{
	struct ext2_xattr_item item;
	int more;

	for (uint32_t at = region->first; (more = ext2_xattr_item(region, at, &item)) > 0;
	     at = item.next) {
		f->xattrs++;
		f->sum += mix(mix(item.index, item.name, item.name_len), item.value, item.size);
	}
	if (more < 0)
		f->error = more;
}

static int inode_read(struct found *f, uint32_t ino, struct ext2_inode_values *v)
{
	const struct ext2_geometry *g = &f->geometry;
	uint32_t group = (ino - 1) / g->inodes_per_group, index = (ino - 1) % g->inodes_per_group;
	struct ext2_group desc;
	struct ext2_xattr_region region;
	const char *why;
	uint8_t *raw;
	int err;

	if (!ext2_is_valid_ino(g, ino))
		return -EUCLEAN;
	raw = block_copy(f, ext2_desc_block(g, group / g->descs_per_block),
	                 group % g->descs_per_block * g->desc_size, g->desc_size);
	err = raw ? ext2_group_parse(g, group, raw, &desc, &why) : -EIO;
	free(raw);
	if (err)
		return err;
	raw = block_copy(f, desc.inode_table + index / g->inodes_per_block,
	                 index % g->inodes_per_block * g->inode_size, g->inode_size);
	err = ext2_inode_parse(g, ino, raw, v);
	if (!err && ext2_xattr_inode_region(raw, g->inode_size, &region))
		xattrs_walk(f, &region);
	free(raw);
	if (!err && v->xattr_block) {
		raw = block_copy(f, v->xattr_block, 0, g->block_size);
		if (ext2_xattr_block_region(raw, g->block_size, &region) == 0)
			xattrs_walk(f, &region);
		free(raw);
	}
	return err;
}

static void dir_walk(struct found *f, uint32_t ino, const struct ext2_inode_values *v, int depth);

static void entry_walk(struct found *f, const struct ext2_dir_item *item, int depth)
{
	uint64_t sum = mix(0xcbf29ce484222325ul, item->name, item->name_len);
	struct ext2_inode_values v;
	int err = inode_read(f, item->ino, &v);

	if (!err && (v.mode & EXT2_S_IFMT) == EXT2_S_IFREG) {
		f->files++;
		err = content_sum(f, item->ino, &v, &sum);
	} else if (!err && (v.mode & EXT2_S_IFMT) == EXT2_S_IFDIR) {
		f->dirs++;
		if (depth < 20)
			dir_walk(f, item->ino, &v, depth + 1);
	} else if (!err && ext2_inode_is_fast_link(&f->geometry, &v)) {
		f->links++;
		sum = mix(sum, v.block, v.size);
	} else if (!err && (v.mode & EXT2_S_IFMT) == EXT2_S_IFLNK) {
		f->links++;
		err = content_sum(f, item->ino, &v, &sum);
	} else if (!err) {
		f->others++;
	}
	f->sum += sum;
	if (err)
		f->error = err;
}

static void dir_walk(struct found *f, uint32_t ino, const struct ext2_inode_values *v, int depth)
{
	const uint32_t size = f->geometry.block_size;

	for (uint64_t at = 0; at < v->size && steps_left; at += size) {
		struct ext2_dir_block block = { NULL, size, f->geometry.inodes_count,
		                                f->geometry.incompat & EXT2_INCOMPAT_FILETYPE };
		struct ext2_dir_item item;
		uint64_t where;
		int more = file_block(f, ino, v, at / size, &where);

		steps_left--;
		if (!more && where)
			block.data = block_copy(f, where, 0, size);
		for (uint32_t o = 0; block.data && (more = ext2_dir_item(&block, o, &item)) > 0;
		     o += item.rec_len) {
			if (!item.ino || item.name[0] == '.' || steps_left == 0)
				continue;
			steps_left--;
			entry_walk(f, &item, depth);
		}
		free(block.data);
		if (more < 0)
			f->error = more;
	}
}

/* Everything that the image holds. */
static void walk(struct found *f)
{
	struct ext2_inode_values root;
	const char *why;

	memset(f, 0, sizeof(*f));
	steps_left = 20000;
	f->error = ext2_geometry_parse(image + EXT2_SUPER_OFFSET, image_size, &f->geometry, &why);
	if (f->error)
		return;
	ext2_overhead(&f->geometry);
	f->error = inode_read(f, EXT2_ROOT_INO, &root);
	if (!f->error)
		dir_walk(f, EXT2_ROOT_INO, &root, 0);
}

/* ---- images ---------------------------------------------------------------------------------- */

static const char fill[] =
	"rm -rf $D && mkdir -p $D/tree/a/b/c && cd $D && "
	"for i in 1 2 3 4 5 6 7 8 9; do seq 1 ${i}000 >tree/a/file$i; done && "
	"i=0; while [ $i -lt 300 ]; do echo $i >tree/a/b/a-rather-long-name-of-number-$i; i=$((i+1)); "
	"done; ln -s short tree/fast && "
	"ln -s $(seq -s x 1 60) tree/slow && ln tree/a/file1 tree/a/b/c/hard && "
	"truncate -s 9000000 tree/sparse && "
	"seq 1 100000 | dd of=tree/sparse bs=4k seek=1500 conv=notrunc 2>/dev/null && "
	"mkfifo tree/fifo";

struct option_set {
	const char *words;
	bool is_writable;
};

static const struct option_set option_sets[] = {
	{ "-t ext2", true },
	{ "-t ext2 -b 1024", true },
	{ "-t ext2 -b 2048 -I 128", true },
	{ "-t ext2 -b 4096 -I 128 -O ^dir_index", true },
	{ "-t ext2 -r 0 -I 128 -b 1024", true },
	{ "-t ext2 -b 1024 -O ^sparse_super,^resize_inode,^filetype -I 128", true },
	{ "-t ext2 -b 1024 -O ^resize_inode,meta_bg -g 1024", true },
	{ "-t ext2 -b 1024 -g 512 -I 512", true },
	{ "-t ext3 -b 1024", false },
	{ "-t ext4", false },
	{ "-t ext4 -b 1024 -O ^64bit,^metadata_csum,uninit_bg", false },
	{ "-t ext4 -b 1024 -O metadata_csum,64bit,metadata_csum_seed -I 256", false },
	{ "-t ext4 -b 4096 -O bigalloc -C 16384", false },
};

static char directory[] = "/tmp/ext2_test.XXXXXX";

static void run(const char *format, const char *words)
{
	char command[1024];

	setenv("D", directory, 1);
	snprintf(command, sizeof(command), format, words);
	assert_int_equal(system(command), 0);
}

static void image_make(const char *words)
{
	char name[64];
	FILE *file;

	run("mke2fs -q -F -d $D/tree %s $D/image 24m >/dev/null 2>$D/log || { cat $D/log; false; }",
	    words);
	snprintf(name, sizeof(name), "%s/image", directory);
	file = fopen(name, "rb");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	image_size = (size_t)ftell(file);
	rewind(file);
	free(image);
	image = malloc(image_size);
	assert_int_equal(fread(image, 1, image_size, file), image_size);
	fclose(file);
}

TEST(images_of_many_option_sets_say_all_the_same)
{
	struct found first, other;

	for (size_t i = 0; i < sizeof(option_sets) / sizeof(*option_sets); i++) {
		image_make(option_sets[i].words);
		walk(&other);
		if (i == 0)
			first = other;
		if (other.error || other.sum != first.sum)
			print_error("%s: error %d\n", option_sets[i].words, other.error);
		assert_int_equal(other.error, 0);
		assert_int_equal(other.files, 9 + 300 + 2);
		assert_int_equal(other.dirs, 4);
		assert_int_equal(other.links, 2);
		assert_int_equal(other.others, 1);
		assert_true(other.sum == first.sum);
		assert_int_equal(!ext2_readonly_reason(&other.geometry),
		                 option_sets[i].is_writable);
	}
}

/* Metadata are the first blocks: most mutations go there. */
static void mutate(uint64_t *seed, uint8_t *saved, size_t *at, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t range = random_below(seed, 4) ? 200000 : image_size;

		if (random_below(seed, 6) == 0)
			at[i] = EXT2_SUPER_OFFSET + random_below(seed, EXT2_SUPER_SIZE);
		else
			at[i] = random_below(seed, range);
		saved[i] = image[at[i]];
		image[at[i]] ^= (uint8_t)(1 + random_below(seed, 255));
	}
}

TEST(mutated_images_end_in_an_error_and_never_out_of_bounds)
{
	uint64_t seed = 4711;

	for (size_t i = 0; i < sizeof(option_sets) / sizeof(*option_sets); i++) {
		image_make(option_sets[i].words);
		for (int round = 0; round < 60; round++) {
			uint8_t saved[64];
			size_t at[64], count = 1 + random_below(&seed, 64);
			struct found found;

			mutate(&seed, saved, at, count);
			walk(&found);
			while (count--)
				image[at[count]] = saved[count];
		}
	}
}

TEST(a_super_block_of_noise_is_refused)
{
	struct ext2_geometry geometry;
	uint8_t *raw = malloc(EXT2_SUPER_SIZE);
	uint64_t seed = 99;
	const char *why;

	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < EXT2_SUPER_SIZE; i += 8)
			store_be64(raw + i, random_next(&seed));
		raw[0x38] = 0x53;
		raw[0x39] = 0xef;
		raw[0x4c] = (uint8_t)random_below(&seed, 2);
		memset(raw + 0x4d, 0, 3);
		memset(raw + 0x18, (int)random_below(&seed, 3), 1);
		memset(raw + 0x19, 0, 3);
		(void)ext2_geometry_parse(raw, 1ul << 30, &geometry, &why);
	}
	free(raw);
}

/* ---- directory blocks ------------------------------------------------------------------------ */

TEST(names_put_into_a_block_are_found_until_they_are_removed)
{
	struct ext2_dir_block block = { malloc(1024), 1024, 1000, true };
	bool is_there[40] = { false };
	uint64_t seed = 5;

	ext2_dir_format(&block);
	for (int step = 0; step < 50000; step++) {
		unsigned int n = (unsigned int)random_below(&seed, 40);
		struct ext2_dir_item item;
		char name[64];
		uint32_t offset, len;

		len = (uint32_t)snprintf(name, sizeof(name), "%0*u", 1 + (int)(n * 7 % 50), n);
		if (is_there[n]) {
			assert_int_equal(ext2_dir_find(&block, name, len, &item), 0);
			assert_int_equal(item.ino, 100 + n);
			assert_int_equal(ext2_dir_remove(&block, item.offset, n % 3 == 0), 0);
			is_there[n] = false;
		} else if (ext2_dir_find_room(&block, len, n % 2, &offset) == 0) {
			offset = ext2_dir_insert(&block, offset, 100 + n, name, len, 0100644);
			assert_int_equal(ext2_dir_item(&block, offset, &item), 1);
			assert_int_equal(item.ino, 100 + n);
			is_there[n] = true;
		}
		assert_int_equal(ext2_dir_find(&block, name, len, &item),
		                 is_there[n] ? 0 : -ENOENT);
	}
	free(block.data);
}

TEST(a_kept_entry_can_be_brought_back_whatever_was_put_in_behind_it)
{
	struct ext2_dir_block block = { malloc(1024), 1024, 1000, true };
	struct ext2_dir_item item;
	uint32_t offset, kept;

	ext2_dir_format(&block);
	assert_int_equal(ext2_dir_find_room(&block, 4, false, &offset), 0);
	ext2_dir_insert(&block, offset, 11, "kept", 4, 0100644);
	assert_int_equal(ext2_dir_find(&block, "kept", 4, &item), 0);
	kept = item.offset;
	assert_int_equal(ext2_dir_remove(&block, kept, true), 0);
	assert_int_equal(ext2_dir_find(&block, "kept", 4, &item), -ENOENT);
	for (int i = 0; ext2_dir_find_room(&block, 5, true, &offset) == 0; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%04d", i);
		ext2_dir_insert(&block, offset, 12, name, 5, 0100644);
	}
	ext2_dir_set(&block, kept, 11, 0100644);
	assert_int_equal(ext2_dir_find(&block, "kept", 4, &item), 0);
	assert_int_equal(item.offset, kept);
	free(block.data);
}

/* ---- inodes and attributes ------------------------------------------------------------------- */

TEST(an_inode_stored_reads_back_the_same)
{
	struct ext2_geometry geometry = { .inode_size = 256, .block_size = 4096, .block_bits = 12,
	                                  .blocks_count = 100000 };
	static const ns_t times[] = { 0, 1, -1, -NS_PER_SEC, 5000000000l * NS_PER_SEC + 17,
	                              INT32_MIN * NS_PER_SEC, 9000000000l * NS_PER_SEC };

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct ext2_inode_values in = {
			.mode = 0100644, .uid = 70000, .gid = 80000, .nlink = 3,
			.size = 5ul << 32 | 7, .sectors = 99, .flags = 0x80, .generation = 42,
			.atime = times[i], .mtime = times[i], .ctime = times[i], .btime = times[i],
			.xattr_block = 77, .extra_isize = 32,
		}, out;
		uint8_t *raw = malloc(256);

		memset(raw, 0xa5, 256);
		ext2_inode_format(&geometry, &in, true, raw);
		assert_int_equal(ext2_inode_parse(&geometry, 12, raw, &out), 0);
		assert_true(out.atime == in.atime && out.btime == in.btime);
		assert_true(out.size == in.size && out.uid == 70000 && out.gid == 80000);
		assert_true(out.xattr_block == 77 && out.sectors == 99 && out.nlink == 3);
		free(raw);
	}
}

TEST(device_numbers_of_both_encodings_read_back_the_same)
{
	struct ext2_geometry geometry = { .inode_size = 128, .block_size = 1024,
	                                  .block_bits = 10, .blocks_count = 1000 };
	static const dev_t devices[] = { 8 << 20 | 1, 300 << 20 | 5, 4 << 20 | 0xabcde, 1 << 20 };

	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		struct ext2_inode_values in = { .mode = 0020600, .nlink = 1, .rdev = devices[i] };
		struct ext2_inode_values out;
		uint8_t raw[128];

		ext2_inode_format(&geometry, &in, true, raw);
		assert_int_equal(ext2_inode_parse(&geometry, 12, raw, &out), 0);
		assert_int_equal(out.rdev, devices[i]);
	}
}

TEST(attributes_are_what_a_simple_model_says)
{
	struct ext2_xattr_region region = { calloc(1, 1024), 1024, 32 };
	int sizes[20];
	uint64_t seed = 3;

	memset(sizes, -1, sizeof(sizes));
	for (int step = 0; step < 20000; step++) {
		unsigned int n = (unsigned int)random_below(&seed, 20), size;
		struct ext2_xattr_region fresh = { calloc(1, 1024), 1024, 32 };
		uint8_t value[200];
		struct ext2_xattr_item change, item;
		char name[24];
		uint32_t left;
		int err;

		size = (unsigned int)random_below(&seed, sizeof(value));
		memset(value, (int)(n + size), sizeof(value));
		snprintf(name, sizeof(name), "%0*u", 1 + (int)(n % 7), n);
		change = (struct ext2_xattr_item){ .index = 1, .name = name, .size = size,
		                                   .name_len = (uint8_t)strlen(name),
		                                   .value = random_below(&seed, 3) ? value : NULL };
		err = ext2_xattr_rebuild(&region, &fresh, &change, &left);
		if (err) {
			assert_int_equal(err, -ENOSPC);
			free(fresh.data);
			continue;
		}
		free(region.data);
		region = fresh;
		sizes[n] = change.value ? (int)size : -1;
		err = ext2_xattr_find(&region, 1, name, &item);
		assert_int_equal(err, sizes[n] < 0 ? -ENODATA : 0);
		if (!err) {
			assert_int_equal(item.size, size);
			assert_memory_equal(item.value, value, size);
		}
	}
	free(region.data);
}

TEST(the_largest_files_are_those_of_linux)
{
	struct ext2_geometry geometry = { .block_size = 1024, .block_bits = 10 };

	/* 12 + 256 + 256^2 + 256^3 blocks of 1 KiB; with 4 KiB i_blocks is what ends first. */
	assert_true(ext2_max_size(&geometry) == (12ul + 256 + 65536 + 16777216) * 1024);
	geometry.block_size = 4096;
	geometry.block_bits = 12;
	assert_true(ext2_max_size(&geometry) / 4096 < (1ul << 29));
	assert_true(ext2_max_size(&geometry) / 4096 > (1ul << 29) - 600000);
}

TEST(checksums_are_those_of_the_published_vectors)
{
	assert_true((ext2_crc32c(~0u, "123456789", 9) ^ ~0u) == 0xe3069283);
	assert_int_equal(ext2_crc16(0, "123456789", 9), 0xbb3d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(images_of_many_option_sets_say_all_the_same),
		T(mutated_images_end_in_an_error_and_never_out_of_bounds),
		T(a_super_block_of_noise_is_refused),
		T(names_put_into_a_block_are_found_until_they_are_removed),
		T(a_kept_entry_can_be_brought_back_whatever_was_put_in_behind_it),
		T(an_inode_stored_reads_back_the_same),
		T(device_numbers_of_both_encodings_read_back_the_same),
		T(attributes_are_what_a_simple_model_says),
		T(the_largest_files_are_those_of_linux),
		T(checksums_are_those_of_the_published_vectors),
	};
	int failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!mkdtemp(directory))
		return 1;
	setenv("D", directory, 1);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (system(fill) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)!system("rm -rf $D");
	free(image);
	return failed;
}

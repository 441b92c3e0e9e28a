/*
 * Parsing and storing of inodes. See rawinode.h.
 *
 * Times: 32 bits of seconds, signed; in large inodes an extra word with two more bits of seconds
 * above them and the nanoseconds.
 */
#include "fs/ext2/rawinode.h"

#include <linux/errno.h>

#include "fs/ext2/checksum.h"
#include "fs/ext2/dirblock.h"
#include "lib/math.h"
#include "lib/string.h"

enum { EXTRA_ISIZE = sizeof(struct ext2_disk_inode) - EXT2_OLD_INODE_SIZE };

static_assert(EXTRA_ISIZE == 32, "what mke2fs reserves");

#define HAS_FIELD(extra_isize, field)                                               \
	(EXT2_OLD_INODE_SIZE + (extra_isize) >=                                     \
	 offsetof(struct ext2_disk_inode, field) + sizeof(__le32))

static ns_t time_parse(__le32 seconds, const __le32 *extra)
{
	int64_t s = (int32_t)le32_to_cpu(seconds);
	ns_t ns = 0;

	if (extra) {
		uint32_t more = le32_to_cpu(*extra);

		s += (int64_t)(more & 3) << 32;
		ns = min(more >> 2, 999999999u);
	}
	if (s >= INT64_MAX / NS_PER_SEC)
		return INT64_MAX;
	return s * NS_PER_SEC + ns;
}

static int64_t seconds_of(ns_t time)
{
	int64_t s = time / NS_PER_SEC;

	return s - (time % NS_PER_SEC < 0);
}

static void time_format(ns_t time, __le32 *seconds, __le32 *extra)
{
	int64_t s = seconds_of(time);

	if (!extra) {
		*seconds = cpu_to_le32((uint32_t)clamp(s, (int64_t)INT32_MIN, (int64_t)INT32_MAX));
		return;
	}
	s = max(s, (int64_t)INT32_MIN);
	*seconds = cpu_to_le32((uint32_t)s);
	*extra = cpu_to_le32((uint32_t)((s - (int32_t)s) >> 32 & 3) |
	                     (uint32_t)(time - seconds_of(time) * NS_PER_SEC) << 2);
}

static void times_parse(const struct ext2_disk_inode *raw, struct ext2_inode_values *v)
{
	const uint32_t extra = v->extra_isize;

	v->ctime = time_parse(raw->i_ctime, HAS_FIELD(extra, i_ctime_extra) ? &raw->i_ctime_extra
	                                                                    : NULL);
	v->mtime = time_parse(raw->i_mtime, HAS_FIELD(extra, i_mtime_extra) ? &raw->i_mtime_extra
	                                                                    : NULL);
	v->atime = time_parse(raw->i_atime, HAS_FIELD(extra, i_atime_extra) ? &raw->i_atime_extra
	                                                                    : NULL);
	if (HAS_FIELD(extra, i_crtime))
		v->btime = time_parse(raw->i_crtime, HAS_FIELD(extra, i_crtime_extra)
		                                             ? &raw->i_crtime_extra
		                                             : NULL);
}

static void times_format(const struct ext2_inode_values *v, struct ext2_disk_inode *raw)
{
	const uint32_t extra = v->extra_isize;

	time_format(v->ctime, &raw->i_ctime,
	            HAS_FIELD(extra, i_ctime_extra) ? &raw->i_ctime_extra : NULL);
	time_format(v->mtime, &raw->i_mtime,
	            HAS_FIELD(extra, i_mtime_extra) ? &raw->i_mtime_extra : NULL);
	time_format(v->atime, &raw->i_atime,
	            HAS_FIELD(extra, i_atime_extra) ? &raw->i_atime_extra : NULL);
	if (HAS_FIELD(extra, i_crtime))
		time_format(v->btime, &raw->i_crtime,
		            HAS_FIELD(extra, i_crtime_extra) ? &raw->i_crtime_extra : NULL);
}

static bool checksum_is_right(const struct ext2_geometry *g, uint32_t ino,
                              const struct ext2_disk_inode *raw, uint32_t extra_isize)
{
	const size_t lo = offsetof(struct ext2_disk_inode, i_checksum_lo);
	const size_t hi = offsetof(struct ext2_disk_inode, i_checksum_hi);
	const bool has_hi = HAS_FIELD(extra_isize, i_extra_isize);
	static const uint8_t zeroes[2];
	const char *bytes = (const char *)raw;
	__le32 number = cpu_to_le32(ino);
	uint32_t sum, stored = le16_to_cpu(raw->i_checksum_lo);
	size_t at;

	sum = ext2_crc32c(g->checksum_seed, &number, sizeof(number));
	sum = ext2_crc32c(sum, &raw->i_generation, sizeof(raw->i_generation));
	sum = ext2_crc32c(sum, bytes, lo);
	sum = ext2_crc32c(sum, zeroes, sizeof(zeroes));
	at = lo + 2;
	if (has_hi) {
		sum = ext2_crc32c(sum, bytes + at, hi - at);
		sum = ext2_crc32c(sum, zeroes, sizeof(zeroes));
		at = hi + 2;
		stored |= (uint32_t)le16_to_cpu(raw->i_checksum_hi) << 16;
	}
	sum = ext2_crc32c(sum, bytes + at, g->inode_size - at);
	return (has_hi ? sum : sum & 0xffff) == stored;
}

/* Old: 8 bits each; new: 12 of the major, 20 of the minor number. */
static dev_t rdev_parse(const struct ext2_disk_inode *raw)
{
	uint32_t old = le32_to_cpu(raw->i_block[0]), new = le32_to_cpu(raw->i_block[1]);

	if (old)
		return (old >> 8 & 0xff) << 20 | (old & 0xff);
	return (new >> 8 & 0xfff) << 20 | (new & 0xff) | (new >> 12 & 0xfff00);
}

static void rdev_format(dev_t rdev, struct ext2_disk_inode *raw)
{
	uint32_t major = rdev >> 20, minor = rdev & 0xfffff;

	memset(raw->i_block, 0, sizeof(raw->i_block));
	if (major < 256 && minor < 256)
		raw->i_block[0] = cpu_to_le32(major << 8 | minor);
	else
		raw->i_block[1] = cpu_to_le32((minor & 0xff) | major << 8 |
		                              (minor & ~0xffu) << 12);
}

static bool is_node(mode_t mode)
{
	return (mode & EXT2_S_IFMT) == EXT2_S_IFCHR || (mode & EXT2_S_IFMT) == EXT2_S_IFBLK;
}

static bool is_known_type(mode_t mode)
{
	return ext2_dir_type(mode) != EXT2_FT_UNKNOWN;
}

static int extra_parse(const struct ext2_geometry *g, const struct ext2_disk_inode *raw,
                       struct ext2_inode_values *v)
{
	v->extra_isize = 0;
	if (g->inode_size == EXT2_OLD_INODE_SIZE)
		return 0;
	v->extra_isize = le16_to_cpu(raw->i_extra_isize);
	if (v->extra_isize > g->inode_size - EXT2_OLD_INODE_SIZE || v->extra_isize & 3)
		return -EUCLEAN;
	return 0;
}

int ext2_inode_parse(const struct ext2_geometry *g, uint32_t ino, const void *data,
                     struct ext2_inode_values *v)
{
	const struct ext2_disk_inode *raw = data;
	int err;

	*v = (struct ext2_inode_values){
		.mode = le16_to_cpu(raw->i_mode),
		.uid = le16_to_cpu(raw->i_uid) | (uint32_t)le16_to_cpu(raw->i_uid_high) << 16,
		.gid = le16_to_cpu(raw->i_gid) | (uint32_t)le16_to_cpu(raw->i_gid_high) << 16,
		.nlink = le16_to_cpu(raw->i_links_count),
		.size = le32_to_cpu(raw->i_size),
		.sectors = le32_to_cpu(raw->i_blocks),
		.flags = le32_to_cpu(raw->i_flags),
		.generation = le32_to_cpu(raw->i_generation),
		.dtime = le32_to_cpu(raw->i_dtime),
		.xattr_block = le32_to_cpu(raw->i_file_acl),
	};
	err = extra_parse(g, raw, v);
	if (err)
		return err;
	if (g->has_checksums && !checksum_is_right(g, ino, raw, v->extra_isize))
		return -EBADMSG;
	if (ext2_has_large_size(g, v->mode))
		v->size |= (uint64_t)le32_to_cpu(raw->i_size_high) << 32;
	if (g->incompat & EXT2_INCOMPAT_64BIT)
		v->xattr_block |= (uint64_t)le16_to_cpu(raw->i_file_acl_high) << 32;
	if (g->ro_compat & EXT2_RO_COMPAT_HUGE_FILE) {
		v->sectors |= (uint64_t)le16_to_cpu(raw->i_blocks_high) << 32;
		if (v->flags & EXT2_HUGE_FILE_FL)
			v->sectors <<= g->block_bits - 9;
	}
	times_parse(raw, v);
	memcpy(v->block, raw->i_block, sizeof(v->block));
	if (is_node(v->mode))
		v->rdev = rdev_parse(raw);
	if (v->nlink && !is_known_type(v->mode))
		return -EUCLEAN;
	if (v->size > INT64_MAX || (v->xattr_block && !ext2_is_valid_block(g, v->xattr_block)))
		return -EUCLEAN;
	return 0;
}

void ext2_inode_format(const struct ext2_geometry *g, const struct ext2_inode_values *v,
                       bool fresh, void *data)
{
	struct ext2_disk_inode *raw = data;

	if (fresh)
		memset(raw, 0, g->inode_size);
	raw->i_mode = cpu_to_le16((uint16_t)v->mode);
	raw->i_uid = cpu_to_le16((uint16_t)v->uid);
	raw->i_uid_high = cpu_to_le16((uint16_t)(v->uid >> 16));
	raw->i_gid = cpu_to_le16((uint16_t)v->gid);
	raw->i_gid_high = cpu_to_le16((uint16_t)(v->gid >> 16));
	raw->i_links_count = cpu_to_le16((uint16_t)v->nlink);
	raw->i_size = cpu_to_le32((uint32_t)v->size);
	if (ext2_has_large_size(g, v->mode))
		raw->i_size_high = cpu_to_le32((uint32_t)(v->size >> 32));
	raw->i_blocks = cpu_to_le32((uint32_t)v->sectors);
	raw->i_flags = cpu_to_le32(v->flags);
	raw->i_generation = cpu_to_le32(v->generation);
	raw->i_dtime = cpu_to_le32(v->dtime);
	raw->i_file_acl = cpu_to_le32((uint32_t)v->xattr_block);
	if (g->inode_size > EXT2_OLD_INODE_SIZE && fresh)
		raw->i_extra_isize = cpu_to_le16((uint16_t)v->extra_isize);
	times_format(v, raw);
	if (is_node(v->mode))
		rdev_format(v->rdev, raw);
	else
		memcpy(raw->i_block, v->block, sizeof(v->block));
}

bool ext2_inode_is_fast_link(const struct ext2_geometry *g, const struct ext2_inode_values *v)
{
	uint64_t xattr_sectors = v->xattr_block ? g->block_size >> 9 : 0;

	return (v->mode & EXT2_S_IFMT) == EXT2_S_IFLNK && v->size < sizeof(v->block) &&
	       v->sectors == xattr_sectors;
}

uint32_t ext2_extra_isize(const struct ext2_geometry *g)
{
	return min((uint32_t)EXTRA_ISIZE, g->inode_size - EXT2_OLD_INODE_SIZE);
}

/*
 * Super block and group descriptors. See geometry.h.
 */
#include "fs/ext2/geometry.h"

#include <linux/errno.h>

#include "fs/ext2/checksum.h"
#include "lib/math.h"
#include "lib/string.h"

#define INCOMPAT_WRITABLE (EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_META_BG)
#define INCOMPAT_READABLE                                                                         \
	(INCOMPAT_WRITABLE | EXT2_INCOMPAT_RECOVER | EXT2_INCOMPAT_EXTENTS | EXT2_INCOMPAT_64BIT | \
	 EXT2_INCOMPAT_MMP | EXT2_INCOMPAT_FLEX_BG | EXT2_INCOMPAT_CSUM_SEED |                    \
	 EXT2_INCOMPAT_LARGEDIR)
#define RO_COMPAT_WRITABLE \
	(EXT2_RO_COMPAT_SPARSE_SUPER | EXT2_RO_COMPAT_LARGE_FILE | EXT2_RO_COMPAT_EXTRA_ISIZE)

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

static int checksum_check(const struct ext2_super_block *raw, struct ext2_geometry *g,
                          const char **why)
{
	uint32_t sum = ext2_crc32c(~0u, raw, offsetof(struct ext2_super_block, s_checksum));

	g->uuid_crc16 = ext2_crc16(0xffff, raw->s_uuid, sizeof(raw->s_uuid));
	g->has_checksums = g->ro_compat & EXT2_RO_COMPAT_METADATA_CSUM;
	if (!g->has_checksums)
		return 0;
	if (raw->s_checksum_type != 1)
		return refuse(why, "unknown type of checksum");
	if (sum != le32_to_cpu(raw->s_checksum))
		return refuse(why, "the super block's checksum is wrong");
	g->checksum_seed = g->incompat & EXT2_INCOMPAT_CSUM_SEED
	                           ? le32_to_cpu(raw->s_checksum_seed)
	                           : ext2_crc32c(~0u, raw->s_uuid, sizeof(raw->s_uuid));
	return 0;
}

static int features_check(const struct ext2_super_block *raw, struct ext2_geometry *g,
                          const char **why)
{
	g->revision = le32_to_cpu(raw->s_rev_level);
	if (g->revision > EXT2_REV_DYNAMIC)
		return refuse(why, "unknown revision");
	if (g->revision == EXT2_REV_OLD)
		return 0;
	g->compat = le32_to_cpu(raw->s_feature_compat);
	g->incompat = le32_to_cpu(raw->s_feature_incompat);
	g->ro_compat = le32_to_cpu(raw->s_feature_ro_compat);
	if (g->incompat & EXT2_INCOMPAT_JOURNAL_DEV)
		return refuse(why, "it is the journal of another file system");
	if (g->incompat & EXT2_INCOMPAT_ENCRYPT)
		return refuse(why, "encrypt is not supported");
	if (g->incompat & EXT2_INCOMPAT_INLINE_DATA)
		return refuse(why, "inline_data is not supported");
	if (g->incompat & EXT2_INCOMPAT_EA_INODE)
		return refuse(why, "ea_inode is not supported");
	if (g->incompat & EXT2_INCOMPAT_CASEFOLD)
		return refuse(why, "casefold is not supported");
	if (g->incompat & ~INCOMPAT_READABLE)
		return refuse(why, "unsupported incompatible features");
	return 0;
}

static int sizes_parse(const struct ext2_super_block *raw, struct ext2_geometry *g,
                       const char **why)
{
	const uint32_t log = le32_to_cpu(raw->s_log_block_size);

	if (log > 2)
		return refuse(why, "blocks are larger than a page");
	g->block_bits = 10 + log;
	g->block_size = 1u << g->block_bits;
	g->super_block = log == 0;
	g->first_data_block = le32_to_cpu(raw->s_first_data_block);
	if (g->first_data_block != g->super_block &&
	    !(g->first_data_block == 0 && g->ro_compat & EXT2_RO_COMPAT_BIGALLOC))
		return refuse(why, "bad first data block");

	g->inode_size = EXT2_OLD_INODE_SIZE;
	g->first_ino = EXT2_OLD_FIRST_INO;
	if (g->revision != EXT2_REV_OLD) {
		g->inode_size = le16_to_cpu(raw->s_inode_size);
		g->first_ino = le32_to_cpu(raw->s_first_ino);
	}
	if (g->inode_size < EXT2_OLD_INODE_SIZE || g->inode_size > g->block_size ||
	    g->inode_size & (g->inode_size - 1))
		return refuse(why, "bad inode size");
	if (g->first_ino < EXT2_OLD_FIRST_INO)
		return refuse(why, "bad first inode");
	g->inodes_per_block = g->block_size / g->inode_size;

	g->desc_size = EXT2_GROUP_DESC_SIZE;
	if (g->incompat & EXT2_INCOMPAT_64BIT)
		g->desc_size = le16_to_cpu(raw->s_desc_size);
	if (g->incompat & EXT2_INCOMPAT_64BIT &&
	    (g->desc_size < sizeof(struct ext2_group_desc) || g->desc_size > 1024 ||
	     g->desc_size & (g->desc_size - 1)))
		return refuse(why, "bad size of group descriptors");
	g->descs_per_block = g->block_size / g->desc_size;
	return 0;
}

static int counts_parse(const struct ext2_super_block *raw, struct ext2_geometry *g,
                        uint64_t device_bytes, const char **why)
{
	const bool is_64bit = g->incompat & EXT2_INCOMPAT_64BIT;
	const uint64_t hi = is_64bit ? le32_to_cpu(raw->s_blocks_count_hi) : 0;
	const uint64_t reserved_hi = is_64bit ? le32_to_cpu(raw->s_r_blocks_count_hi) : 0;
	uint64_t groups, bits_max = 8ul * g->block_size;

	g->blocks_count = hi << 32 | le32_to_cpu(raw->s_blocks_count);
	g->reserved_blocks = reserved_hi << 32 | le32_to_cpu(raw->s_r_blocks_count);
	g->reserved_blocks = min(g->reserved_blocks, g->blocks_count);
	g->blocks_per_group = le32_to_cpu(raw->s_blocks_per_group);
	g->inodes_per_group = le32_to_cpu(raw->s_inodes_per_group);
	g->inodes_count = le32_to_cpu(raw->s_inodes_count);
	g->reserved_gdt_blocks = le16_to_cpu(raw->s_reserved_gdt_blocks);

	if (g->ro_compat & EXT2_RO_COMPAT_BIGALLOC) {
		const uint32_t log = le32_to_cpu(raw->s_log_cluster_size);

		if (log > 20 || log + 10 < g->block_bits)
			return refuse(why, "bad size of clusters");
		bits_max <<= log + 10 - g->block_bits;
	}
	if (!g->blocks_per_group || g->blocks_per_group > bits_max)
		return refuse(why, "bad number of blocks per group");
	if (g->inodes_per_group < g->inodes_per_block || g->inodes_per_group > 8 * g->block_size)
		return refuse(why, "bad number of inodes per group");
	if (g->blocks_count > device_bytes >> g->block_bits)
		return refuse(why, "it is larger than its device");
	if (g->blocks_count <= g->first_data_block)
		return refuse(why, "it has no blocks");

	groups = div_round_up(g->blocks_count - g->first_data_block, g->blocks_per_group);
	if (groups > g->inodes_count || groups * g->inodes_per_group != g->inodes_count)
		return refuse(why, "bad number of inodes");
	g->groups = (uint32_t)groups;
	g->inode_table_blocks = div_round_up(g->inodes_per_group, g->inodes_per_block);
	g->desc_blocks = div_round_up(g->groups, g->descs_per_block);
	if (g->inodes_count <= g->first_ino)
		return refuse(why, "it has no inodes");
	return 0;
}

static int descriptors_check(const struct ext2_super_block *raw, struct ext2_geometry *g,
                             const char **why)
{
	g->first_meta_bg = g->desc_blocks;
	if (g->incompat & EXT2_INCOMPAT_META_BG) {
		g->first_meta_bg = le32_to_cpu(raw->s_first_meta_bg);
		if (g->first_meta_bg > g->desc_blocks)
			return refuse(why, "bad first meta group");
	}
	for (uint32_t i = 0; i < g->desc_blocks; i++) {
		if (ext2_desc_block(g, i) >= g->blocks_count)
			return refuse(why, "it has no room for its group descriptors");
	}
	return 0;
}

int ext2_geometry_parse(const void *data, uint64_t device_bytes, struct ext2_geometry *g,
                        const char **why)
{
	const struct ext2_super_block *raw = data;
	int err;

	*why = NULL;
	*g = (struct ext2_geometry){ 0 };
	if (le16_to_cpu(raw->s_magic) != EXT2_MAGIC)
		return -EINVAL;
	err = features_check(raw, g, why);
	if (!err)
		err = checksum_check(raw, g, why);
	if (!err)
		err = sizes_parse(raw, g, why);
	if (!err)
		err = counts_parse(raw, g, device_bytes, why);
	if (err)
		return err;
	g->backup_groups[0] = le32_to_cpu(raw->s_backup_bgs[0]);
	g->backup_groups[1] = le32_to_cpu(raw->s_backup_bgs[1]);
	g->state = le16_to_cpu(raw->s_state);
	g->errors = le16_to_cpu(raw->s_errors);
	g->resuid = le16_to_cpu(raw->s_def_resuid);
	g->resgid = le16_to_cpu(raw->s_def_resgid);
	g->fsid = load_le64(raw->s_uuid) ^ load_le64(raw->s_uuid + 8);
	g->last_orphan = le32_to_cpu(raw->s_last_orphan);
	return descriptors_check(raw, g, why);
}

const char *ext2_readonly_reason(const struct ext2_geometry *g)
{
	if (g->compat & EXT2_COMPAT_HAS_JOURNAL)
		return "it has a journal";
	if (g->incompat & EXT2_INCOMPAT_EXTENTS)
		return "its files have extents";
	if (g->incompat & ~INCOMPAT_WRITABLE)
		return "features of ext4";
	if (g->has_checksums)
		return "its metadata have checksums";
	if (g->ro_compat & ~RO_COMPAT_WRITABLE)
		return "features that can only be read";
	return NULL;
}

static bool is_power_of(uint32_t n, uint32_t base)
{
	while (n > 1 && n % base == 0)
		n /= base;
	return n == 1;
}

bool ext2_group_has_super(const struct ext2_geometry *g, uint32_t group)
{
	if (group == 0)
		return true;
	if (g->compat & EXT2_COMPAT_SPARSE_SUPER2)
		return group == g->backup_groups[0] || group == g->backup_groups[1];
	if (group == 1 || !(g->ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER))
		return true;
	return group & 1 &&
	       (is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7));
}

uint64_t ext2_desc_block(const struct ext2_geometry *g, uint32_t index)
{
	uint32_t group;

	if (index < g->first_meta_bg)
		return g->super_block + 1ul + index;
	group = index * g->descs_per_block;
	if (group == 0)
		return g->super_block + 1ul;
	return ext2_group_first_block(g, group) + ext2_group_has_super(g, group);
}

uint32_t ext2_group_blocks(const struct ext2_geometry *g, uint32_t group)
{
	uint64_t left = g->blocks_count - ext2_group_first_block(g, group);

	return (uint32_t)min(left, (uint64_t)g->blocks_per_group);
}

static bool group_checksum_is_right(const struct ext2_geometry *g, uint32_t group, const void *raw)
{
	const struct ext2_group_desc *desc = raw;
	const size_t at = offsetof(struct ext2_group_desc, bg_checksum), behind = at + 2;
	const char *bytes = raw;
	__le32 number = cpu_to_le32(group);

	if (g->has_checksums) {
		static const uint8_t zeroes[2];
		uint32_t sum = ext2_crc32c(g->checksum_seed, &number, sizeof(number));

		sum = ext2_crc32c(sum, bytes, at);
		sum = ext2_crc32c(sum, zeroes, sizeof(zeroes));
		sum = ext2_crc32c(sum, bytes + behind, g->desc_size - behind);
		return (sum & 0xffff) == le16_to_cpu(desc->bg_checksum);
	}
	if (g->ro_compat & EXT2_RO_COMPAT_GDT_CSUM) {
		uint16_t sum = ext2_crc16(g->uuid_crc16, &number, sizeof(number));

		sum = ext2_crc16(sum, bytes, at);
		if (g->incompat & EXT2_INCOMPAT_64BIT)
			sum = ext2_crc16(sum, bytes + behind, g->desc_size - behind);
		return sum == le16_to_cpu(desc->bg_checksum);
	}
	return true;
}

/* Count blocks from `block`: in their group, or with flex_bg anywhere. */
static bool is_in_group(const struct ext2_geometry *g, uint32_t group, uint64_t block,
                        uint64_t count)
{
	uint64_t first = ext2_group_first_block(g, group);

	if (!ext2_are_valid_blocks(g, block, count))
		return false;
	if (g->incompat & EXT2_INCOMPAT_FLEX_BG)
		return true;
	return block >= first && block + count <= first + ext2_group_blocks(g, group);
}

int ext2_group_parse(const struct ext2_geometry *g, uint32_t group, const void *data,
                     struct ext2_group *out, const char **why)
{
	const struct ext2_group_desc *raw = data;

	*why = NULL;
	*out = (struct ext2_group){
		.block_bitmap = le32_to_cpu(raw->bg_block_bitmap),
		.inode_bitmap = le32_to_cpu(raw->bg_inode_bitmap),
		.inode_table = le32_to_cpu(raw->bg_inode_table),
		.free_blocks = le16_to_cpu(raw->bg_free_blocks_count),
		.free_inodes = le16_to_cpu(raw->bg_free_inodes_count),
		.used_dirs = le16_to_cpu(raw->bg_used_dirs_count),
		.flags = le16_to_cpu(raw->bg_flags),
	};
	if (g->desc_size >= sizeof(*raw)) {
		out->block_bitmap |= (uint64_t)le32_to_cpu(raw->bg_block_bitmap_hi) << 32;
		out->inode_bitmap |= (uint64_t)le32_to_cpu(raw->bg_inode_bitmap_hi) << 32;
		out->inode_table |= (uint64_t)le32_to_cpu(raw->bg_inode_table_hi) << 32;
		out->free_blocks |= (uint32_t)le16_to_cpu(raw->bg_free_blocks_count_hi) << 16;
		out->free_inodes |= (uint32_t)le16_to_cpu(raw->bg_free_inodes_count_hi) << 16;
		out->used_dirs |= (uint32_t)le16_to_cpu(raw->bg_used_dirs_count_hi) << 16;
	}
	if (!group_checksum_is_right(g, group, data)) {
		*why = "the checksum of a group descriptor is wrong";
		return -EBADMSG;
	}
	if (!is_in_group(g, group, out->block_bitmap, 1))
		*why = "the block bitmap of a group lies elsewhere";
	else if (!is_in_group(g, group, out->inode_bitmap, 1))
		*why = "the inode bitmap of a group lies elsewhere";
	else if (!is_in_group(g, group, out->inode_table, g->inode_table_blocks))
		*why = "the inode table of a group lies elsewhere";
	return *why ? -EUCLEAN : 0;
}

void ext2_group_format(const struct ext2_geometry *g, const struct ext2_group *group, void *raw)
{
	struct ext2_group_desc *desc = raw;

	desc->bg_free_blocks_count = cpu_to_le16((uint16_t)group->free_blocks);
	desc->bg_free_inodes_count = cpu_to_le16((uint16_t)group->free_inodes);
	desc->bg_used_dirs_count = cpu_to_le16((uint16_t)group->used_dirs);
}

/* Blocks of group descriptors that this group holds. */
static uint32_t group_desc_blocks(const struct ext2_geometry *g, uint32_t group)
{
	uint32_t meta_group = group / g->descs_per_block, first;

	if (meta_group < g->first_meta_bg || !(g->incompat & EXT2_INCOMPAT_META_BG)) {
		if (!ext2_group_has_super(g, group))
			return 0;
		return g->first_meta_bg;
	}
	first = meta_group * g->descs_per_block;
	return group == first || group == first + 1 || group == first + g->descs_per_block - 1;
}

uint64_t ext2_overhead(const struct ext2_geometry *g)
{
	uint64_t blocks = g->first_data_block;

	for (uint32_t group = 0; group < g->groups; group++) {
		blocks += 2ul + g->inode_table_blocks + group_desc_blocks(g, group);
		if (ext2_group_has_super(g, group))
			blocks += 1ul + g->reserved_gdt_blocks;
	}
	return min(blocks, g->blocks_count);
}

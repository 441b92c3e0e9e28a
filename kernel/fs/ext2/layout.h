/*
 * What lies on the disk: the structures of ext2, and those of ext3 and ext4 that reading needs,
 * written down from the published descriptions of the format (D. Poirier, "The Second Extended File
 * System"; the kernel documentation's "ext4 Data Structures and Algorithms").
 *
 * All integers are little-endian. Nothing here is trusted: parsing is in geometry.h, rawinode.h,
 * dirblock.h, blockmap.h, extent.h and xattrs.h, which have no kernel behind them and are built on
 * the host too.
 */
#pragma once

#include "lib/byteorder.h"
#include "lib/types.h"

enum {
	EXT2_MAGIC            = 0xef53,
	EXT2_SUPER_OFFSET     = 1024, /* bytes from the start of the device */
	EXT2_SUPER_SIZE       = 1024,
	EXT2_ROOT_INO         = 2,
	EXT2_OLD_FIRST_INO    = 11, /* revision 0 */
	EXT2_OLD_INODE_SIZE   = 128,
	EXT2_MAX_BLOCK_SIZE   = 4096, /* what we take: a page */
	EXT2_NAME_MAX         = 255,
	EXT2_LINK_MAX         = 32000,
};

/* s_state */
enum { EXT2_STATE_VALID = 1, EXT2_STATE_ERRORS = 2, EXT2_STATE_ORPHANS = 4 };
/* s_errors */
enum { EXT2_ERRORS_CONTINUE = 1, EXT2_ERRORS_REMOUNT_RO = 2, EXT2_ERRORS_PANIC = 3 };
enum { EXT2_REV_OLD = 0, EXT2_REV_DYNAMIC = 1 };

/* s_feature_compat */
enum {
	EXT2_COMPAT_DIR_PREALLOC  = 0x0001,
	EXT2_COMPAT_HAS_JOURNAL   = 0x0004,
	EXT2_COMPAT_EXT_ATTR      = 0x0008,
	EXT2_COMPAT_RESIZE_INODE  = 0x0010,
	EXT2_COMPAT_DIR_INDEX     = 0x0020,
	EXT2_COMPAT_SPARSE_SUPER2 = 0x0200,
};

/* s_feature_incompat */
enum {
	EXT2_INCOMPAT_COMPRESSION = 0x00001,
	EXT2_INCOMPAT_FILETYPE    = 0x00002,
	EXT2_INCOMPAT_RECOVER     = 0x00004,
	EXT2_INCOMPAT_JOURNAL_DEV = 0x00008,
	EXT2_INCOMPAT_META_BG     = 0x00010,
	EXT2_INCOMPAT_EXTENTS     = 0x00040,
	EXT2_INCOMPAT_64BIT       = 0x00080,
	EXT2_INCOMPAT_MMP         = 0x00100,
	EXT2_INCOMPAT_FLEX_BG     = 0x00200,
	EXT2_INCOMPAT_EA_INODE    = 0x00400,
	EXT2_INCOMPAT_DIRDATA     = 0x01000,
	EXT2_INCOMPAT_CSUM_SEED   = 0x02000,
	EXT2_INCOMPAT_LARGEDIR    = 0x04000,
	EXT2_INCOMPAT_INLINE_DATA = 0x08000,
	EXT2_INCOMPAT_ENCRYPT     = 0x10000,
	EXT2_INCOMPAT_CASEFOLD    = 0x20000,
};

/* s_feature_ro_compat */
enum {
	EXT2_RO_COMPAT_SPARSE_SUPER  = 0x0001,
	EXT2_RO_COMPAT_LARGE_FILE    = 0x0002,
	EXT2_RO_COMPAT_BTREE_DIR     = 0x0004,
	EXT2_RO_COMPAT_HUGE_FILE     = 0x0008,
	EXT2_RO_COMPAT_GDT_CSUM      = 0x0010,
	EXT2_RO_COMPAT_DIR_NLINK     = 0x0020,
	EXT2_RO_COMPAT_EXTRA_ISIZE   = 0x0040,
	EXT2_RO_COMPAT_QUOTA         = 0x0100,
	EXT2_RO_COMPAT_BIGALLOC      = 0x0200,
	EXT2_RO_COMPAT_METADATA_CSUM = 0x0400,
	EXT2_RO_COMPAT_READONLY      = 0x1000,
};

struct ext2_super_block {
	__le32 s_inodes_count;
	__le32 s_blocks_count;
	__le32 s_r_blocks_count;
	__le32 s_free_blocks_count;
	__le32 s_free_inodes_count;
	__le32 s_first_data_block;
	__le32 s_log_block_size;
	__le32 s_log_cluster_size;
	__le32 s_blocks_per_group;
	__le32 s_clusters_per_group;
	__le32 s_inodes_per_group;
	__le32 s_mtime;
	__le32 s_wtime;
	__le16 s_mnt_count;
	__le16 s_max_mnt_count;
	__le16 s_magic;
	__le16 s_state;
	__le16 s_errors;
	__le16 s_minor_rev_level;
	__le32 s_lastcheck;
	__le32 s_checkinterval;
	__le32 s_creator_os;
	__le32 s_rev_level;
	__le16 s_def_resuid;
	__le16 s_def_resgid;
	/* revision 1 */
	__le32 s_first_ino;
	__le16 s_inode_size;
	__le16 s_block_group_nr;
	__le32 s_feature_compat;
	__le32 s_feature_incompat;
	__le32 s_feature_ro_compat;
	uint8_t s_uuid[16];
	char   s_volume_name[16];
	char   s_last_mounted[64];
	__le32 s_algorithm_usage_bitmap;
	uint8_t s_prealloc_blocks;
	uint8_t s_prealloc_dir_blocks;
	__le16 s_reserved_gdt_blocks;
	uint8_t s_journal_uuid[16];
	__le32 s_journal_inum;
	__le32 s_journal_dev;
	__le32 s_last_orphan;
	__le32 s_hash_seed[4];
	uint8_t s_def_hash_version;
	uint8_t s_jnl_backup_type;
	__le16 s_desc_size;
	__le32 s_default_mount_opts;
	__le32 s_first_meta_bg;
	__le32 s_mkfs_time;
	__le32 s_jnl_blocks[17];
	__le32 s_blocks_count_hi;
	__le32 s_r_blocks_count_hi;
	__le32 s_free_blocks_count_hi;
	__le16 s_min_extra_isize;
	__le16 s_want_extra_isize;
	__le32 s_flags;
	__le16 s_raid_stride;
	__le16 s_mmp_interval;
	__le64 s_mmp_block;
	__le32 s_raid_stripe_width;
	uint8_t s_log_groups_per_flex;
	uint8_t s_checksum_type;
	__le16 s_reserved_pad;
	__le64 s_kbytes_written;
	__le32 s_snapshot[5];
	__le32 s_error_count;
	__le32 s_first_error_time;
	__le32 s_first_error_ino;
	__le64 s_first_error_block;
	uint8_t s_first_error_func[32];
	__le32 s_first_error_line;
	__le32 s_last_error_time;
	__le32 s_last_error_ino;
	__le32 s_last_error_line;
	__le64 s_last_error_block;
	uint8_t s_last_error_func[32];
	uint8_t s_mount_opts[64];
	__le32 s_usr_quota_inum;
	__le32 s_grp_quota_inum;
	__le32 s_overhead_clusters;
	__le32 s_backup_bgs[2];
	uint8_t s_encrypt_algos[4];
	uint8_t s_encrypt_pw_salt[16];
	__le32 s_lpf_ino;
	__le32 s_prj_quota_inum;
	__le32 s_checksum_seed;
	__le32 s_reserved[98];
	__le32 s_checksum;
};
static_assert(sizeof(struct ext2_super_block) == EXT2_SUPER_SIZE, "as on the disk");
static_assert(offsetof(struct ext2_super_block, s_hash_seed) == 0xec, "as on the disk");
static_assert(offsetof(struct ext2_super_block, s_checksum_seed) == 0x270, "as on the disk");

/* bg_flags */
enum { EXT2_BG_INODE_UNINIT = 1, EXT2_BG_BLOCK_UNINIT = 2 };

struct ext2_group_desc {
	__le32 bg_block_bitmap;
	__le32 bg_inode_bitmap;
	__le32 bg_inode_table;
	__le16 bg_free_blocks_count;
	__le16 bg_free_inodes_count;
	__le16 bg_used_dirs_count;
	__le16 bg_flags;
	__le32 bg_exclude_bitmap;
	__le16 bg_block_bitmap_csum;
	__le16 bg_inode_bitmap_csum;
	__le16 bg_itable_unused;
	__le16 bg_checksum;
	/* with 64bit: descriptors of 64 bytes */
	__le32 bg_block_bitmap_hi;
	__le32 bg_inode_bitmap_hi;
	__le32 bg_inode_table_hi;
	__le16 bg_free_blocks_count_hi;
	__le16 bg_free_inodes_count_hi;
	__le16 bg_used_dirs_count_hi;
	__le16 bg_itable_unused_hi;
	__le32 bg_exclude_bitmap_hi;
	__le16 bg_block_bitmap_csum_hi;
	__le16 bg_inode_bitmap_csum_hi;
	__le32 bg_reserved;
};
static_assert(sizeof(struct ext2_group_desc) == 64, "as on the disk");
enum { EXT2_GROUP_DESC_SIZE = 32 };

enum { EXT2_NDIR_BLOCKS = 12, EXT2_N_BLOCKS = 15 };

/* The type in i_mode; the numbers of <linux/stat.h>. */
enum {
	EXT2_S_IFMT   = 0170000,
	EXT2_S_IFIFO  = 0010000,
	EXT2_S_IFCHR  = 0020000,
	EXT2_S_IFDIR  = 0040000,
	EXT2_S_IFBLK  = 0060000,
	EXT2_S_IFREG  = 0100000,
	EXT2_S_IFLNK  = 0120000,
	EXT2_S_IFSOCK = 0140000,
};

/* i_flags */
enum {
	EXT2_SYNC_FL        = 0x00000008,
	EXT2_IMMUTABLE_FL   = 0x00000010,
	EXT2_APPEND_FL      = 0x00000020,
	EXT2_NODUMP_FL      = 0x00000040,
	EXT2_NOATIME_FL     = 0x00000080,
	EXT2_COMPRBLK_FL    = 0x00000200,
	EXT2_ENCRYPT_FL     = 0x00000800,
	EXT2_INDEX_FL       = 0x00001000,
	EXT2_DIRSYNC_FL     = 0x00010000,
	EXT2_HUGE_FILE_FL   = 0x00040000,
	EXT2_EXTENTS_FL     = 0x00080000,
	EXT2_EA_INODE_FL    = 0x00200000,
	EXT2_INLINE_DATA_FL = 0x10000000,
};

struct ext2_disk_inode {
	__le16 i_mode;
	__le16 i_uid;
	__le32 i_size;
	__le32 i_atime;
	__le32 i_ctime;
	__le32 i_mtime;
	__le32 i_dtime;
	__le16 i_gid;
	__le16 i_links_count;
	__le32 i_blocks;
	__le32 i_flags;
	__le32 i_version;
	__le32 i_block[EXT2_N_BLOCKS];
	__le32 i_generation;
	__le32 i_file_acl;
	__le32 i_size_high; /* of directories before: an ACL */
	__le32 i_faddr;
	__le16 i_blocks_high;
	__le16 i_file_acl_high;
	__le16 i_uid_high;
	__le16 i_gid_high;
	__le16 i_checksum_lo;
	__le16 i_reserved;
	/* behind 128 bytes: i_extra_isize of these are there */
	__le16 i_extra_isize;
	__le16 i_checksum_hi;
	__le32 i_ctime_extra;
	__le32 i_mtime_extra;
	__le32 i_atime_extra;
	__le32 i_crtime;
	__le32 i_crtime_extra;
	__le32 i_version_hi;
	__le32 i_projid;
};
static_assert(offsetof(struct ext2_disk_inode, i_extra_isize) == 128, "as on the disk");
static_assert(offsetof(struct ext2_disk_inode, i_crtime_extra) == 148, "as on the disk");

/* A directory entry; the name follows. Entries are aligned to 4 and fill each block. */
struct ext2_dir_entry {
	__le32  inode;   /* 0: not in use */
	__le16  rec_len; /* to the next one, or the end of the block */
	uint8_t name_len;
	uint8_t file_type; /* with filetype; else the high byte of name_len, which is 0 */
	char    name[];
};
static_assert(sizeof(struct ext2_dir_entry) == 8, "as on the disk");

enum {
	EXT2_FT_UNKNOWN, EXT2_FT_REG_FILE, EXT2_FT_DIR, EXT2_FT_CHRDEV, EXT2_FT_BLKDEV,
	EXT2_FT_FIFO, EXT2_FT_SOCK, EXT2_FT_SYMLINK,
	EXT2_FT_CHECKSUM = 0xde, /* the tail of a directory block, with metadata_csum */
};

/* ext4: the head of a node of the tree of extents, its leaves and its inner entries. */
struct ext4_extent_header {
	__le16 eh_magic;
	__le16 eh_entries;
	__le16 eh_max;
	__le16 eh_depth;
	__le32 eh_generation;
};

struct ext4_extent {
	__le32 ee_block;
	__le16 ee_len; /* above 32768: unwritten */
	__le16 ee_start_hi;
	__le32 ee_start_lo;
};

struct ext4_extent_index {
	__le32 ei_block;
	__le32 ei_leaf_lo;
	__le16 ei_leaf_hi;
	__le16 ei_unused;
};
static_assert(sizeof(struct ext4_extent) == 12 && sizeof(struct ext4_extent_index) == 12,
              "as on the disk");
enum { EXT4_EXTENT_MAGIC = 0xf30a, EXT4_EXTENT_DEPTH_MAX = 5, EXT4_EXTENT_WRITTEN_MAX = 32768 };

/* Extended attributes: a block of them, or the rest of a large inode behind a magic number. */
struct ext2_xattr_header {
	__le32 h_magic;
	__le32 h_refcount;
	__le32 h_blocks;
	__le32 h_hash;
	__le32 h_checksum;
	__le32 h_reserved[3];
};
static_assert(sizeof(struct ext2_xattr_header) == 32, "as on the disk");

struct ext2_xattr_entry {
	uint8_t e_name_len;
	uint8_t e_name_index;
	__le16  e_value_offs; /* from the header of a block, or the first entry in an inode */
	__le32  e_value_inum; /* ea_inode; once e_value_block, which is 0 */
	__le32  e_value_size;
	__le32  e_hash;
	char    e_name[];
};
static_assert(sizeof(struct ext2_xattr_entry) == 16, "as on the disk");
#define EXT2_XATTR_MAGIC 0xea020000u
enum { EXT2_XATTR_REFCOUNT_MAX = 1024, EXT2_XATTR_PAD = 4 };

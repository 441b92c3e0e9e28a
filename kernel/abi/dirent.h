/*
 * What getdents64(2) writes: records of d_reclen bytes, each a multiple of 8, d_name terminated.
 */
#pragma once

#include <linux/types.h>

struct linux_dirent64 {
	__u64 d_ino;
	__s64 d_off; /* where the next record begins: a cookie for lseek */
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

/* The old getdents(2): d_type is the last byte of the record, behind the name. */
struct linux_dirent {
	unsigned long d_ino;
	unsigned long d_off;
	unsigned short d_reclen;
	char d_name[];
};

#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12
#define DT_WHT     14

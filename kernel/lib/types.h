/*
 * The scalar types with meaning. Everything else is spelled out: uint32_t, struct noun.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h> /* __le32, __be16, ...: what disks and wires hold */

#include "lib/compiler.h"

typedef uint64_t paddr_t; /* physical address */
typedef uint64_t uaddr_t; /* user virtual address, not yet validated */
typedef uint64_t kaddr_t; /* kernel virtual address, as a number */
typedef int64_t  ns_t;    /* nanoseconds, a span or a point on a clock */
typedef int64_t  ssize_t; /* a count, or -errno */
typedef int64_t  pos_t;   /* byte position in a file */
typedef uint64_t pgoff_t; /* position in a file or object, in pages */
typedef uint64_t ino_t;   /* inode number */
typedef uint32_t dev_t;   /* device number: major << 20 | minor, see lib/devnum.h */
typedef uint32_t mode_t;  /* S_IF* and permission bits */
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef int32_t  pid_t;

#define NS_PER_SEC  1000000000LL
#define NS_PER_MSEC 1000000LL
#define NS_PER_USEC 1000LL

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/*
 * cpio archives of the newc kind (070701, and 070702 with checksums), as initramfs images are: an
 * iterator over a range of memory that may hold several archives with zero padding between them.
 *
 *     struct cpio cpio;
 *     cpio_init(&cpio, data, size);
 *     while ((n = cpio_next(&cpio, &entry)) > 0) ...
 *
 * Every field is checked; nothing is read outside the range. Names and data are not copied: they
 * point into the range. The iteration ends (0) at the end of the range, or behind a TRAILER!!!
 * where something else than a cpio archive begins: cpio_rest() tells how much is left there,
 * which is a compressed archive or garbage. An archive that just stops, without its trailer, ends
 * the same way if nothing is cut in half, as on Linux.
 *
 * Hard links: entries with nlink above 1 and the same (archive, major, minor, ino) are one file;
 * the data come with one of them, usually the last. The consumer keeps that table; archive counts
 * up with every archive, as numbers may repeat in the next.
 */
#pragma once

#include "lib/types.h"

struct cpio {
	const uint8_t *at, *end;
	unsigned archive;     /* how many trailers have been passed */
	bool in_archive;      /* an entry has been seen since the last trailer */
	const char *error;    /* what was wrong, when cpio_next() fails */
};

struct cpio_entry {
	const char *name;     /* NUL-terminated, not empty */
	size_t name_length;
	const void *data;
	size_t size;
	uint64_t ino;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint32_t nlink;
	int64_t mtime;        /* seconds */
	uint32_t major, minor;   /* of the device that the archive was made from */
	uint32_t rmajor, rminor; /* of a device node */
	unsigned archive;
};

void cpio_init(struct cpio *cpio, const void *data, size_t size);

/* 1 and an entry; 0 at the end; -EINVAL, with cpio->error set, if the archive is malformed. */
int __must_check cpio_next(struct cpio *cpio, struct cpio_entry *entry);

/* Bytes not looked at yet. */
static inline size_t cpio_rest(const struct cpio *cpio)
{
	return (size_t)(cpio->end - cpio->at);
}

/* Whether a newc archive begins here. */
bool cpio_is_magic(const void *data, size_t size);

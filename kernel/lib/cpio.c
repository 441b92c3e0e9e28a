/*
 * cpio archives of the newc kind: a header of 110 characters, the name, the data; name and data are
 * padded to four bytes, counted from the header.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "lib/cpio.h"

#include "lib/math.h"
#include "lib/string.h"

#define HEADER_SIZE 110
#define MAGIC_SIZE  6
#define TRAILER     "TRAILER!!!"

/* The fields behind the magic, each of eight hexadecimal digits. */
enum field {
	INO, MODE, UID, GID, NLINK, MTIME, FILE_SIZE, MAJOR, MINOR, RMAJOR, RMINOR, NAME_SIZE,
	CHECKSUM, NR_FIELDS,
};

static_assert(MAGIC_SIZE + 8 * NR_FIELDS == HEADER_SIZE, "the fields fill the header");

void cpio_init(struct cpio *cpio, const void *data, size_t size)
{
	*cpio = (struct cpio){ .at = data, .end = (const uint8_t *)data + size };
}

bool cpio_is_magic(const void *data, size_t size)
{
	return size >= MAGIC_SIZE &&
	       (!memcmp(data, "070701", MAGIC_SIZE) || !memcmp(data, "070702", MAGIC_SIZE));
}

static int malformed(struct cpio *cpio, const char *why)
{
	cpio->error = why;
	return -EINVAL;
}

static bool parse_field(const uint8_t *at, uint32_t *value)
{
	uint32_t n = 0;

	for (int i = 0; i < 8; i++) {
		uint8_t c = at[i] | 0x20;

		if (at[i] >= '0' && at[i] <= '9')
			n = n << 4 | (uint32_t)(at[i] - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*value = n;
	return true;
}

static int parse_header(struct cpio *cpio, uint32_t fields[NR_FIELDS])
{
	if (cpio_rest(cpio) < HEADER_SIZE)
		return malformed(cpio, "ends in the middle of a header");
	for (int i = 0; i < NR_FIELDS; i++) {
		if (!parse_field(cpio->at + MAGIC_SIZE + 8 * i, &fields[i]))
			return malformed(cpio, "a header field is no hexadecimal number");
	}
	return 0;
}

static bool checksum_matches(const struct cpio_entry *entry, uint32_t checksum)
{
	const uint8_t *data = entry->data;
	uint32_t sum = 0;

	for (size_t i = 0; i < entry->size; i++)
		sum += data[i];
	return sum == checksum;
}

/* Name and data, both within the range; cpio->at goes behind them. */
static int parse_body(struct cpio *cpio, const uint32_t fields[NR_FIELDS], struct cpio_entry *entry)
{
	size_t name_size = fields[NAME_SIZE];
	size_t data_offset = align_up(HEADER_SIZE + name_size, 4);

	if (name_size < 2 || name_size > PATH_MAX)
		return malformed(cpio, "a name is empty or too long");
	if (HEADER_SIZE + name_size > cpio_rest(cpio))
		return malformed(cpio, "ends in the middle of a name");
	entry->name = (const char *)cpio->at + HEADER_SIZE;
	entry->name_length = strnlen(entry->name, name_size);
	if (entry->name_length != name_size - 1)
		return malformed(cpio, "the length of a name is wrong");
	entry->size = fields[FILE_SIZE];
	if (entry->size && (data_offset > cpio_rest(cpio) ||
	                    entry->size > cpio_rest(cpio) - data_offset))
		return malformed(cpio, "ends in the middle of a file");
	entry->data = entry->size ? cpio->at + data_offset : cpio->at;
	cpio->at += min(align_up(data_offset + entry->size, 4), cpio_rest(cpio));
	return 0;
}

static int check_kind(struct cpio *cpio, const struct cpio_entry *entry)
{
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFLNK:
		if (entry->size && entry->size < PATH_MAX)
			return 0;
		return malformed(cpio, "the target of a symbolic link is empty or too long");
	default:
		return malformed(cpio, "an entry is of no known kind");
	}
}

static void fill_entry(struct cpio_entry *entry, const uint32_t fields[NR_FIELDS])
{
	entry->ino = fields[INO];
	entry->mode = fields[MODE];
	entry->uid = fields[UID];
	entry->gid = fields[GID];
	entry->nlink = fields[NLINK];
	entry->mtime = fields[MTIME];
	entry->major = fields[MAJOR];
	entry->minor = fields[MINOR];
	entry->rmajor = fields[RMAJOR];
	entry->rminor = fields[RMINOR];
}

static int next_in_archive(struct cpio *cpio, struct cpio_entry *entry)
{
	bool has_checksum = cpio->at[MAGIC_SIZE - 1] == '2';
	uint32_t fields[NR_FIELDS];
	int err;

	err = parse_header(cpio, fields);
	if (err)
		return err;
	err = parse_body(cpio, fields, entry);
	if (err)
		return err;
	fill_entry(entry, fields);
	entry->archive = cpio->archive;
	if (!strcmp(entry->name, TRAILER)) {
		cpio->archive++;
		cpio->in_archive = false;
		return 0;
	}
	cpio->in_archive = true;
	if (has_checksum && entry->size && !checksum_matches(entry, fields[CHECKSUM]))
		return malformed(cpio, "the checksum of a file is wrong");
	err = check_kind(cpio, entry);
	return err ? err : 1;
}

static void skip_padding(struct cpio *cpio)
{
	while (cpio->at < cpio->end && !*cpio->at)
		cpio->at++;
}

int cpio_next(struct cpio *cpio, struct cpio_entry *entry)
{
	int n = 0;

	while (!n) {
		if (!cpio->in_archive)
			skip_padding(cpio);
		if (cpio->at == cpio->end)
			return 0;
		if (cpio_is_magic(cpio->at, cpio_rest(cpio)))
			n = next_in_archive(cpio, entry);
		else if (cpio_rest(cpio) >= MAGIC_SIZE && !memcmp(cpio->at, "070707", MAGIC_SIZE))
			return malformed(cpio, "old cpio format: create it with `cpio -H newc`");
		else if (cpio->in_archive)
			return malformed(cpio, cpio_rest(cpio) < HEADER_SIZE
			                               ? "ends in the middle of a header"
			                               : "no cpio header where one should be");
		else
			return 0;
	}
	return n;
}

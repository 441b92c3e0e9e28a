/*
 * /proc/sys/kernel/random (random(4)).
 */
#include "core/random.h"
#include "core/spinlock.h"
#include "lib/string.h"
#include "procfs/sysctl.h"

static struct {
	struct spinlock lock;
	uint8_t         bytes[16] __guarded_by(lock);
	bool            is_made __guarded_by(lock);
} boot_id = { .lock = SPINLOCK(RANK_LEAF) };

static void put_uuid(struct text *text, const uint8_t *b)
{
	text_printf(text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-", b[0], b[1], b[2], b[3],
	            b[4], b[5], b[6], b[7], b[8], b[9]);
	text_printf(text, "%02x%02x%02x%02x%02x%02x\n", b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* Random, version 4 (RFC 4122). */
static void make_uuid(uint8_t bytes[16])
{
	random_bytes(bytes, 16);
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
}

static int show_uuid(const struct node *node, struct text *text)
{
	uint8_t bytes[16];

	make_uuid(bytes);
	put_uuid(text, bytes);
	return 0;
}

static int show_boot_id(const struct node *node, struct text *text)
{
	uint8_t bytes[16], fresh[16];

	make_uuid(fresh);
	spin_lock(&boot_id.lock);
	if (!boot_id.is_made)
		memcpy(boot_id.bytes, fresh, sizeof(fresh));
	boot_id.is_made = true;
	memcpy(bytes, boot_id.bytes, sizeof(bytes));
	spin_unlock(&boot_id.lock);
	put_uuid(text, bytes);
	return 0;
}

static int64_t get_entropy(void)
{
	return random_entropy();
}

static const struct sysctl_int entropy_avail = { .get = get_entropy };

static const struct entry random_entries[] = {
	{ "boot_id", S_IFREG | 0444, ENTRY_STRICT, .show = show_boot_id },
	SYSCTL_INT("entropy_avail", 0444, &entropy_avail),
	SYSCTL_CONST("poolsize", "256"),
	{ "uuid", S_IFREG | 0444, ENTRY_STRICT, .show = show_uuid },
};

const struct directory sysctl_random_directory = DIRECTORY(random_entries);

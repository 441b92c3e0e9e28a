/*
 * A bounded look at AML. Names and resource templates have fixed byte patterns; all that is read
 * stays inside the block, and what does not look as expected is not there.
 */
#include "arch/x86_64/acpi_aml.h"

#include "lib/string.h"

enum {
	AML_ZERO = 0x00, AML_ONE = 0x01, AML_NAME = 0x08, AML_BYTE = 0x0a, AML_WORD = 0x0b,
	AML_DWORD = 0x0c, AML_STRING = 0x0d, AML_QWORD = 0x0e, AML_PACKAGE = 0x12,
	AML_METHOD = 0x14, AML_RETURN = 0xa4,
	IRQ_EDGE = 1 << 1, IRQ_ACTIVE_LOW = 1 << 2,
	RES_MEMORY32_FIXED = 0x86, RES_EXTENDED_IRQ = 0x89, RES_END = 0x79,
	DEVICE_SEARCH_BYTES = 256, /* how far behind its _HID a device's _CRS may lie */
};

struct bytes {
	const uint8_t *at, *end;
};

static struct bytes body_of(const struct acpi_table_header *block)
{
	const uint8_t *start = (const uint8_t *)block;

	return (struct bytes){ start + sizeof(*block), start + block->length };
}

static bool has(const struct bytes *b, size_t n)
{
	return (size_t)(b->end - b->at) >= n;
}

/* A number as AML writes small ones; moves past it. -1: something else. */
static int take_number(struct bytes *b)
{
	if (!has(b, 1))
		return -1;
	uint8_t op = *b->at++;

	if (op == AML_ZERO || op == AML_ONE)
		return op;
	if (op == AML_BYTE && has(b, 1))
		return *b->at++;
	if (op == AML_WORD && has(b, 2)) {
		b->at += 2;
		return b->at[-2];
	}
	return -1;
}

bool aml_find_s5(const struct acpi_table_header *block, int *type_a, int *type_b)
{
	struct bytes b = body_of(block);

	for (; has(&b, 8); b.at++) {
		if (b.at[0] != AML_NAME || memcmp(b.at + 1, "_S5_", 4) != 0 ||
		    b.at[5] != AML_PACKAGE)
			continue;
		/*
		 * Package length: its first byte says in the top two bits how many follow; then the
		 * element count.
		 */
		struct bytes in = { b.at + 6 + 1 + (b.at[6] >> 6) + 1, b.end };

		if (in.at > in.end)
			return false;
		int a = take_number(&in), second = take_number(&in);

		if (a < 0 || a > 7)
			return false;
		*type_a = a;
		*type_b = second >= 0 && second <= 7 ? second : a;
		return true;
	}
	return false;
}

static uint32_t read32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* What stands behind the name: a number, or a method that does nothing but return one. */
static bool take_address(struct bytes b, bool is_method, uint64_t *address)
{
	if (is_method) {
		if (!has(&b, 2) || b.at[1] != AML_RETURN)
			return false;
		b.at += 2; /* the flags, the return */
	}
	*address = 0;
	if (has(&b, 5) && b.at[0] == AML_DWORD)
		*address = read32(b.at + 1);
	else if (has(&b, 9) && b.at[0] == AML_QWORD)
		*address = read32(b.at + 1) | (uint64_t)read32(b.at + 5) << 32;
	return *address;
}

bool aml_find_cba(const struct acpi_table_header *block, uint64_t *base)
{
	struct bytes b = body_of(block);

	for (; has(&b, 8); b.at++) {
		/* a method this short has its length in one byte */
		bool is_method = b.at[0] == AML_METHOD && b.at[1] < 64;
		struct bytes name = { b.at + 1 + is_method, b.end };

		if ((!is_method && b.at[0] != AML_NAME) || memcmp(name.at, "_CBA", 4))
			continue;
		name.at += 4;
		if (take_address(name, is_method, base))
			return true;
	}
	return false;
}

/* The first fixed memory range and the first interrupt among the bytes. */
static bool find_resources(struct bytes b, struct acpi_device *device)
{
	bool memory = false, irq = false;

	for (; has(&b, 12) && !(memory && irq); b.at++) {
		if (!memory && b.at[0] == RES_MEMORY32_FIXED && b.at[1] == 9 && b.at[2] == 0) {
			device->paddr = read32(b.at + 4);
			device->size = read32(b.at + 8);
			memory = true;
			b.at += 11;
		} else if (memory && b.at[0] == RES_EXTENDED_IRQ && b.at[1] >= 6 && b.at[2] == 0) {
			device->gsi = read32(b.at + 5);
			device->is_level = !(b.at[3] & IRQ_EDGE);
			device->is_active_low = b.at[3] & IRQ_ACTIVE_LOW;
			irq = true;
		}
	}
	return memory && irq;
}

bool aml_find_device(const struct acpi_table_header *block, const char *hid, uint32_t *index,
                     struct acpi_device *device)
{
	struct bytes b = body_of(block);
	size_t length = strlen(hid) + 1;

	for (; has(&b, 6 + length); b.at++) {
		if (b.at[0] != AML_NAME || memcmp(b.at + 1, "_HID", 4) != 0 ||
		    b.at[5] != AML_STRING || memcmp(b.at + 6, hid, length) != 0)
			continue;
		struct bytes near = { b.at + 6 + length, b.end };

		if (has(&near, DEVICE_SEARCH_BYTES))
			near.end = near.at + DEVICE_SEARCH_BYTES;
		if (find_resources(near, device) && (*index)-- == 0)
			return true;
	}
	return false;
}

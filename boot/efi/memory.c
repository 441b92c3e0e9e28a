/*
 * Memory from the firmware, and its memory map turned into ours.
 */
#include "boot/efi/loader.h"

enum { MAP_SLACK_BYTES = 8192, EXIT_TRIES = 8 };

void *memcpy(void *to, const void *from, size_t size)
{
	void *result = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return result;
}

void *memset(void *to, int byte, size_t size)
{
	void *result = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
	return result;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a, *y = b;

	for (; size; size--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *pages_alloc(uint64_t size, uint64_t align)
{
	EFI_PHYSICAL_ADDRESS at = 0xffffffff;
	uint64_t total = size + (align > PAGE ? align : 0);
	EFI_STATUS status = loader.boot->AllocatePages(AllocateMaxAddress, EfiLoaderCode,
	                                               (total + PAGE - 1) / PAGE, &at);

	if (status)
		fail("not enough memory below 4 GiB", status);
	at = (at + align - 1) & ~(align - 1);
	/* Whole words: some emulators are slow with single bytes. */
	uint64_t words = (size + 7) / 8, *to = (uint64_t *)at;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0ul) : "memory");
	return (void *)at;
}

static uint64_t type_of(uint32_t efi_type)
{
	switch (efi_type) {
	case EfiLoaderCode:
	case EfiLoaderData:
	case EfiBootServicesCode:
	case EfiBootServicesData:
	case EfiConventionalMemory:
		return BOOT_MEMORY_RAM;
	case EfiACPIReclaimMemory:
		return BOOT_MEMORY_ACPI;
	case EfiACPIMemoryNVS:
		return BOOT_MEMORY_NVS;
	default:
		return BOOT_MEMORY_RESERVED;
	}
}

/*
 * Inserts in order of start; the firmware's entries do not overlap. The last one goes when there is
 * no room.
 */
static void add_memory(uint64_t start, uint64_t end, uint64_t type)
{
	struct bootinfo *info = loader.info;
	struct bootinfo_memory *m = info->memory;
	uint32_t at = info->nr_memory;

	if (start >= end)
		return;
	if (info->nr_memory < BOOTINFO_MAX_MEMORY)
		info->nr_memory++;
	else
		at--;
	for (; at > 0 && m[at - 1].start > start; at--)
		m[at] = m[at - 1];
	m[at] = (struct bootinfo_memory){ start, end, type };
}

static void join_memory(void)
{
	struct bootinfo_memory *m = loader.info->memory;
	uint32_t n = loader.info->nr_memory, kept = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (m[i].start == m[kept].end && m[i].type == m[kept].type)
			m[kept].end = m[i].end;
		else
			m[++kept] = m[i];
	}
	loader.info->nr_memory = n ? kept + 1 : 0;
}

static void convert_map(const uint8_t *map, uint64_t size, uint64_t step)
{
	for (uint64_t at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= size; at += step) {
		const EFI_MEMORY_DESCRIPTOR *d = (const void *)(map + at);

		add_memory(d->PhysicalStart, d->PhysicalStart + d->NumberOfPages * PAGE,
		           type_of(d->Type));
		/*
		 * Firmware maps can be long: hundreds of small entries that are of one kind to us.
		 */
		if (loader.info->nr_memory == BOOTINFO_MAX_MEMORY)
			join_memory();
	}
	join_memory();
}

void leave_firmware(void)
{
	UINTN size = 0, key = 0, step = 0, room;
	UINT32 version;
	EFI_STATUS status;
	uint8_t *map;

	loader.boot->GetMemoryMap(&size, NULL, &key, &step, &version);
	room = size + MAP_SLACK_BYTES;
	map = pages_alloc(room, PAGE);
	/* The map may change between the two calls (a timer of the firmware): then once more. */
	for (int i = 0; i < EXIT_TRIES; i++) {
		size = room;
		status = loader.boot->GetMemoryMap(&size, (void *)map, &key, &step, &version);
		if (status)
			fail("the firmware does not tell its memory map", status);
		status = loader.boot->ExitBootServices(loader.image, key);
		if (!status) {
			__asm__ volatile("cli");
			convert_map(map, size, step);
			return;
		}
	}
	fail("the firmware does not let go", status);
}

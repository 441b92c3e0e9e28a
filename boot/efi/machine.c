/*
 * What the firmware knows of the machine: where ACPI's tables are, the framebuffer, entropy, the
 * time.
 */
#include "boot/efi/loader.h"

#define RNG_GUID { 0x3152bca5, 0xeade, 0x433d, { 0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44 } }

struct rng {
	EFI_STATUS (EFIAPI *get_info)(struct rng *rng, UINTN *size, EFI_GUID *algorithms);
	EFI_STATUS (EFIAPI *get)(struct rng *rng, EFI_GUID *algorithm, UINTN size, UINT8 *value);
};

static void find_acpi(void)
{
	static const EFI_GUID guid_v2 = ACPI_20_TABLE_GUID, guid_v1 = ACPI_TABLE_GUID;

	for (UINTN i = 0; i < loader.system->NumberOfTableEntries; i++) {
		const EFI_CONFIGURATION_TABLE *table = &loader.system->ConfigurationTable[i];

		if (!memcmp(&table->VendorGuid, &guid_v2, sizeof(guid_v2)))
			loader.info->rsdp = (uint64_t)table->VendorTable;
		else if (!loader.info->rsdp &&
		         !memcmp(&table->VendorGuid, &guid_v1, sizeof(guid_v1)))
			loader.info->rsdp = (uint64_t)table->VendorTable;
	}
}

/* The highest bit of any mask ends the pixel (UEFI specification, EFI_PIXEL_BITMASK). */
static uint32_t bits_of(const EFI_PIXEL_BITMASK *mask)
{
	uint32_t all = mask->RedMask | mask->GreenMask | mask->BlueMask | mask->ReservedMask;
	uint32_t bits = 0;

	while (bits < 32 && all >> bits)
		bits += 8;
	return bits;
}

static void describe_pixels(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode,
                            struct bootinfo_framebuffer *to)
{
	const EFI_PIXEL_BITMASK *mask = &mode->PixelInformation;

	to->bits = 32;
	to->green_mask = 0x0000ff00;
	if (mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor) {
		to->red_mask = 0x00ff0000;
		to->blue_mask = 0x000000ff;
	} else if (mode->PixelFormat == PixelRedGreenBlueReserved8BitPerColor) {
		to->red_mask = 0x000000ff;
		to->blue_mask = 0x00ff0000;
	} else if (mode->PixelFormat == PixelBitMask) {
		to->bits = bits_of(mask);
		to->red_mask = mask->RedMask;
		to->green_mask = mask->GreenMask;
		to->blue_mask = mask->BlueMask;
	} else {
		to->bits = 0;
	}
}

static void find_framebuffer(void)
{
	EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;

	if (loader.boot->LocateProtocol(&guid, NULL, (void **)&gop) || !gop->Mode ||
	    !gop->Mode->Info)
		return;
	const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = gop->Mode->Info;
	struct bootinfo_framebuffer *to = &loader.info->framebuffer;

	describe_pixels(mode, to);
	to->base = to->bits ? gop->Mode->FrameBufferBase : 0;
	to->width = mode->HorizontalResolution;
	to->height = mode->VerticalResolution;
	to->stride = mode->PixelsPerScanLine * (to->bits / 8);
}

static void find_seed(void)
{
	EFI_GUID guid = RNG_GUID;
	struct rng *rng;

	if (loader.boot->LocateProtocol(&guid, NULL, (void **)&rng) ||
	    rng->get(rng, NULL, BOOTINFO_SEED_SIZE, loader.info->seed))
		return;
	loader.info->seed_size = BOOTINFO_SEED_SIZE;
}

/* Days since 1970 of a date in the Gregorian calendar; years begin in March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static void find_time(void)
{
	EFI_TIME now;

	if (loader.system->RuntimeServices->GetTime(&now, NULL) || now.Month < 1 || now.Month > 12)
		return;
	int64_t seconds = days_of(now.Year, now.Month, now.Day) * 86400 + now.Hour * 3600 +
	                  now.Minute * 60 + now.Second;

	if (now.TimeZone != EFI_UNSPECIFIED_TIMEZONE)
		seconds += now.TimeZone * 60; /* minutes from local time to UTC */
	loader.info->wall_clock = seconds;
}

void machine_describe(void)
{
	find_acpi();
	find_framebuffer();
	find_seed();
	find_time();
}

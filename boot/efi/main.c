/*
 * The UEFI application: loads the kernel that it carries, gathers what the kernel must know into
 * one bootinfo, ends the firmware's boot services and jumps.
 */
#include "boot/efi/loader.h"

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

typedef void __attribute__((sysv_abi))
jump_function(uint64_t cr3, uint64_t entry, uint64_t bootinfo, uint64_t kernel_start);

struct loader loader;

static uint64_t read_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void loader_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *system, uint64_t tsc)
{
	EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;

	loader.image = image;
	loader.system = system;
	loader.boot = system->BootServices;
	loader.boot->SetWatchdogTimer(0, 0, 0, NULL);
	EFI_STATUS status = loader.boot->HandleProtocol(image, &guid, (void **)&loader.self);

	if (status)
		fail("the firmware does not say where this program came from", status);
	loader.info = pages_alloc(sizeof(*loader.info), PAGE);
	loader.info->magic = BOOTINFO_MAGIC;
	loader.info->source = BOOT_UEFI;
	loader.info->entry_tsc = tsc;
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	loader_init(image, system, read_tsc());
	cmdline_find();
	initramfs_find();
	machine_describe();
	uint64_t entry = kernel_load(), root = kernel_map();
	jump_function *jump =
		memcpy(pages_alloc(PAGE, PAGE), jump_start, (size_t)(jump_end - jump_start));

	leave_firmware();
	jump(root, entry, (uint64_t)loader.info, loader.info->kernel_start);
	__builtin_unreachable();
}

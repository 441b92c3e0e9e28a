/*
 * Messages on the firmware's console.
 */
#include "boot/efi/loader.h"

void print(const char *text)
{
	CHAR16 buffer[128];
	size_t n = 0;

	for (; *text; text++) {
		if (*text == '\n')
			buffer[n++] = '\r';
		buffer[n++] = (CHAR16)(unsigned char)*text;
		if (n >= 120 || !text[1]) {
			buffer[n] = 0;
			loader.system->ConOut->OutputString(loader.system->ConOut, buffer);
			n = 0;
		}
	}
}

void print_number(uint64_t value)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	print(digits + at);
}

void fail(const char *what, EFI_STATUS status)
{
	print("Moonshot cannot start: ");
	print(what);
	if (status) {
		print(" (firmware error ");
		print_number(status & 0xff);
		print(")");
	}
	print("\n");
	loader.boot->Stall(3000000); /* so that it can be read before a boot menu covers it */
	loader.boot->Exit(loader.image, status ? status : EFI_LOAD_ERROR, 0, NULL);
	for (;;)
		__asm__ volatile("hlt");
}

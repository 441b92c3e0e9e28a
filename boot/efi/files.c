/*
 * Command line and initramfs.
 *
 * Command line: the load options, if they are text; else \moonshot\cmdline.txt on the volume that
 * we were loaded from; else empty. Initramfs: the LoadFile2 protocol that boot loaders and QEMU's
 * -initrd offer under Linux's vendor GUID; else the file that a word initrd= names; else
 * \moonshot\initramfs.cpio.gz. The word initrd= is ours and is taken out of the line.
 */
#include "boot/efi/loader.h"

#define CMDLINE_FILE   L"\\moonshot\\cmdline.txt"
#define INITRAMFS_FILE L"\\moonshot\\initramfs.cpio.gz"

enum { NAME_MAX_CHARS = 256 };

/* LINUX_EFI_INITRD_MEDIA_GUID as the only node of a device path. */
static const struct {
	EFI_DEVICE_PATH header;
	EFI_GUID        guid;
	EFI_DEVICE_PATH end;
} __attribute__((packed)) initrd_path = {
	{ 4 /* media */, 3 /* vendor */, { sizeof(EFI_DEVICE_PATH) + sizeof(EFI_GUID), 0 } },
	{ 0x5568e427, 0x68fc, 0x4f3d, { 0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68 } },
	{ 0x7f, 0xff, { sizeof(EFI_DEVICE_PATH), 0 } },
};

static CHAR16 initrd_name[NAME_MAX_CHARS];

/* ---- files --------------------------------------------------------------------------------- */

/* The root directory of our volume, NULL if it has no file system. */
static EFI_FILE_HANDLE volume_open(void)
{
	EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_FILE_IO_INTERFACE *volume;
	EFI_FILE_HANDLE root;

	if (!loader.self->DeviceHandle ||
	    loader.boot->HandleProtocol(loader.self->DeviceHandle, &guid, (void **)&volume) ||
	    volume->OpenVolume(volume, &root))
		return NULL;
	return root;
}

/*
 * The whole file, *size its length; NULL if there is none. A file that cannot be read stops the
 * boot.
 */
static void *file_read(const CHAR16 *name, uint64_t *size)
{
	EFI_FILE_HANDLE root = volume_open(), file;
	UINT64 length = 0;

	if (!root || root->Open(root, &file, (CHAR16 *)name, EFI_FILE_MODE_READ, 0))
		return NULL;
	file->SetPosition(file, ~0ull);
	file->GetPosition(file, &length);
	file->SetPosition(file, 0);
	void *data = pages_alloc(length + 1, PAGE);
	UINTN got = length;
	EFI_STATUS status = file->Read(file, &got, data);

	if (status || got != length)
		fail("a file in \\moonshot cannot be read", status ? status : EFI_DEVICE_ERROR);
	file->Close(file);
	root->Close(root);
	*size = length;
	return data;
}

/* ---- command line -------------------------------------------------------------------------- */

/*
 * Firmware may put binary data of its own into the load options: text is printable and ends with 0.
 */
static uint64_t options_length(const CHAR16 *options, uint64_t chars)
{
	uint64_t n = 0;

	while (n < chars && options[n] >= ' ' && options[n] < 0x7f)
		n++;
	return n == chars || options[n] == 0 ? n : 0;
}

static int is_efi_suffix(const char *end)
{
	return end[-4] == '.' && (end[-3] | 32) == 'e' && (end[-2] | 32) == 'f' &&
	       (end[-1] | 32) == 'i';
}

/* A shell puts the program's own name first. */
static void drop_program_name(char *line)
{
	char *end = line;

	while (*end && *end != ' ')
		end++;
	if (end - line < 5 || !is_efi_suffix(end))
		return;
	while (*end == ' ')
		end++;
	for (; (*line = *end); line++, end++)
		;
}

/* Takes the word initrd=NAME out of the line. */
static void take_initrd_word(char *line)
{
	static const char word[] = "initrd=";
	const size_t length = sizeof(word) - 1;

	for (char *at = line; *at; at++) {
		if ((at > line && at[-1] != ' ') || memcmp(at, word, length) != 0)
			continue;
		char *from = at + length;
		size_t n = 0;

		for (; *from && *from != ' '; from++) {
			if (n < NAME_MAX_CHARS - 1)
				initrd_name[n++] =
					*from == '/' ? L'\\' : (CHAR16)(unsigned char)*from;
		}
		while (*from == ' ')
			from++;
		for (; (*at = *from); at++, from++)
			;
		return;
	}
}

static void copy_line(const char *text, uint64_t size)
{
	char *line = loader.info->cmdline;
	uint64_t n = 0;

	while (n < size && n < BOOTINFO_CMDLINE_SIZE - 1 && text[n]) {
		line[n] = text[n] == '\n' || text[n] == '\r' || text[n] == '\t' ? ' ' : text[n];
		n++;
	}
	if (n == BOOTINFO_CMDLINE_SIZE - 1 && n < size)
		print("Moonshot: the command line is too long and is cut\n");
	line[n] = 0;
}

static void trim(char *line)
{
	char *end = line;

	for (char *at = line; *at; at++) {
		if (*at != ' ')
			end = at + 1;
	}
	*end = 0;
}

void cmdline_find(void)
{
	const CHAR16 *options = loader.self->LoadOptions;
	uint64_t n = options ? options_length(options, loader.self->LoadOptionsSize / 2) : 0;
	char *line = loader.info->cmdline;

	if (n > BOOTINFO_CMDLINE_SIZE - 1)
		n = BOOTINFO_CMDLINE_SIZE - 1;
	for (uint64_t i = 0; i < n; i++)
		line[i] = (char)options[i];
	line[n] = 0;
	drop_program_name(line);
	if (!line[0]) {
		uint64_t size;
		const char *text = file_read(CMDLINE_FILE, &size);

		if (text)
			copy_line(text, size);
	}
	take_initrd_word(line);
	trim(line);
}

/* ---- initramfs ----------------------------------------------------------------------------- */

static void set_initramfs(void *data, uint64_t size)
{
	loader.info->initramfs_start = (uint64_t)data;
	loader.info->initramfs_end = (uint64_t)data + size;
}

static int initramfs_by_protocol(void)
{
	static const EFI_GUID guid = { 0x4006c0c1, 0xfcb3, 0x403e,
	                               { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d } };
	EFI_DEVICE_PATH *path = (EFI_DEVICE_PATH *)&initrd_path;
	EFI_LOAD_FILE_PROTOCOL *file;
	EFI_HANDLE handle;
	UINTN size = 0;

	if (loader.boot->LocateDevicePath((EFI_GUID *)&guid, &path, &handle) ||
	    loader.boot->HandleProtocol(handle, (EFI_GUID *)&guid, (void **)&file))
		return 0;
	EFI_STATUS status =
		file->LoadFile(file, (EFI_DEVICE_PATH *)&initrd_path.end, FALSE, &size, NULL);

	if (status != EFI_BUFFER_TOO_SMALL || size == 0)
		return 0;
	void *data = pages_alloc(size, PAGE);

	status = file->LoadFile(file, (EFI_DEVICE_PATH *)&initrd_path.end, FALSE, &size, data);
	if (status)
		fail("the boot loader's initramfs cannot be read", status);
	set_initramfs(data, size);
	return 1;
}

void initramfs_find(void)
{
	uint64_t size = 0;
	void *data;

	if (initramfs_by_protocol())
		return;
	if (initrd_name[0]) {
		data = file_read(initrd_name, &size);
		if (!data)
			fail("the file that initrd= names is not there", EFI_NOT_FOUND);
	} else {
		data = file_read(INITRAMFS_FILE, &size);
	}
	if (data)
		set_initramfs(data, size);
}

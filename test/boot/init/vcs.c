/*
 * An init for Linux: writes each of the sequences of /sequences (two bytes of length, then bytes)
 * to a fresh /dev/tty1 and says what /dev/vcsa1 and /dev/vcsu1 then show, as terminal.h prints it.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "../terminal.h"

enum { LINES = 25, COLUMNS = 80, CELLS = LINES * COLUMNS, HEADER = 4 };

static uint8_t sequences[1 << 20], bytes[HEADER + CELLS * 2];
static uint32_t codes[CELLS];

static int terminal_open(void)
{
	struct termios settings;
	int fd;

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mknod("/dev/tty1", S_IFCHR | 0600, makedev(4, 1));
	mknod("/dev/vcsa1", S_IFCHR | 0600, makedev(7, 129));
	mknod("/dev/vcsu1", S_IFCHR | 0600, makedev(7, 65));
	fd = open("/dev/tty1", O_RDWR | O_NOCTTY | O_NONBLOCK);
	tcgetattr(fd, &settings);
	cfmakeraw(&settings);
	tcsetattr(fd, TCSANOW, &settings);
	return fd;
}

static void show(int number, int terminal, int attributes, int characters)
{
	uint8_t answer[64];
	struct shown shown = { .lines = LINES, .columns = COLUMNS };
	ssize_t len = read(terminal, answer, sizeof(answer));

	pread(attributes, bytes, sizeof(bytes), 0);
	pread(characters, codes, sizeof(codes), 0);
	shown.column = bytes[2];
	shown.line = bytes[3];
	for (int i = 0; i < CELLS; i++) {
		shown.codes[i] = codes[i];
		shown.attributes[i] = bytes[HEADER + 2 * i + 1];
	}
	terminal_print(number, &shown, answer, len > 0 ? (size_t)len : 0);
}

int main(void)
{
	int terminal = terminal_open(), number = 0;
	int attributes = open("/dev/vcsa1", O_RDONLY), characters = open("/dev/vcsu1", O_RDONLY);
	int fd = open("/sequences", O_RDONLY);
	ssize_t size = read(fd, sequences, sizeof(sequences)), at = 0;

	while (at < size) {
		size_t len = sequences[at] | sequences[at + 1] << 8;

		write(terminal, "\033c", 2);
		write(terminal, sequences + at + 2, len);
		show(number++, terminal, attributes, characters);
		at += 2 + (ssize_t)len;
	}
	puts("end");
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	return 0;
}

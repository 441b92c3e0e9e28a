/*
 * Settings of terminals. See tty/termios.h.
 */
#include "tty/termios.h"

#include "lib/string.h"

const struct termios2 termios_default = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {
		[VINTR] = 'C' - '@', [VQUIT] = '\\' - '@', [VERASE] = 0x7f, [VKILL] = 'U' - '@',
		[VEOF] = 'D' - '@', [VMIN] = 1, [VSTART] = 'Q' - '@', [VSTOP] = 'S' - '@',
		[VSUSP] = 'Z' - '@', [VREPRINT] = 'R' - '@', [VDISCARD] = 'O' - '@',
		[VWERASE] = 'W' - '@', [VLNEXT] = 'V' - '@',
	},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

static const struct {
	tcflag_t code;
	uint32_t baud;
} speeds[] = {
	{ B0, 0 }, { B50, 50 }, { B75, 75 }, { B110, 110 }, { B134, 134 }, { B150, 150 },
	{ B200, 200 }, { B300, 300 }, { B600, 600 }, { B1200, 1200 }, { B1800, 1800 },
	{ B2400, 2400 }, { B4800, 4800 }, { B9600, 9600 }, { B19200, 19200 }, { B38400, 38400 },
	{ B57600, 57600 }, { B115200, 115200 }, { B230400, 230400 }, { B460800, 460800 },
	{ B500000, 500000 }, { B576000, 576000 }, { B921600, 921600 }, { B1000000, 1000000 },
	{ B1152000, 1152000 }, { B1500000, 1500000 }, { B2000000, 2000000 },
	{ B2500000, 2500000 }, { B3000000, 3000000 }, { B3500000, 3500000 },
	{ B4000000, 4000000 },
};

static uint32_t speed_of(tcflag_t code, uint32_t other)
{
	for (size_t i = 0; code != BOTHER && i < array_size(speeds); i++) {
		if (speeds[i].code == code)
			return speeds[i].baud;
	}
	return other;
}

uint32_t termios_baud(const struct termios2 *settings)
{
	return speed_of(settings->c_cflag & CBAUD, settings->c_ospeed);
}

void termios_update_speeds(struct termios2 *settings)
{
	tcflag_t input = settings->c_cflag >> IBSHIFT & CBAUD;

	settings->c_ospeed = termios_baud(settings);
	settings->c_ispeed = input == B0 ? settings->c_ospeed : speed_of(input, settings->c_ispeed);
}

void termios_set_baud(struct termios2 *settings, uint32_t baud)
{
	tcflag_t code = BOTHER;

	for (size_t i = 0; i < array_size(speeds); i++) {
		if (speeds[i].baud == baud)
			code = speeds[i].code;
	}
	settings->c_cflag = (settings->c_cflag & ~(tcflag_t)(CBAUD | CIBAUD)) | code;
	settings->c_ispeed = settings->c_ospeed = baud;
}

static void keep_bits(tcflag_t *flags, tcflag_t old, tcflag_t locked)
{
	*flags = (*flags & ~locked) | (old & locked);
}

void termios_keep_locked(struct termios2 *settings, const struct termios2 *old,
                         const struct termios *locked)
{
	keep_bits(&settings->c_iflag, old->c_iflag, locked->c_iflag);
	keep_bits(&settings->c_oflag, old->c_oflag, locked->c_oflag);
	keep_bits(&settings->c_cflag, old->c_cflag, locked->c_cflag);
	keep_bits(&settings->c_lflag, old->c_lflag, locked->c_lflag);
	for (size_t i = 0; i < NCCS; i++) {
		if (locked->c_cc[i])
			settings->c_cc[i] = old->c_cc[i];
	}
}

/* struct termios is the beginning of struct termios2. */
void termios_to_old(const struct termios2 *settings, struct termios *out)
{
	memcpy(out, settings, sizeof(*out));
}

void termios_from_old(struct termios2 *settings, const struct termios *in)
{
	memcpy(settings, in, sizeof(*in));
}

void termios_to_short(const struct termios2 *settings, struct termio *out)
{
	memset(out, 0, sizeof(*out));
	out->c_iflag = (unsigned short)settings->c_iflag;
	out->c_oflag = (unsigned short)settings->c_oflag;
	out->c_cflag = (unsigned short)settings->c_cflag;
	out->c_lflag = (unsigned short)settings->c_lflag;
	out->c_line = settings->c_line;
	memcpy(out->c_cc, settings->c_cc, NCC);
}

static tcflag_t with_low_half(tcflag_t flags, unsigned short low)
{
	return (flags & 0xffff0000) | low;
}

void termios_from_short(struct termios2 *settings, const struct termio *in)
{
	settings->c_iflag = with_low_half(settings->c_iflag, in->c_iflag);
	settings->c_oflag = with_low_half(settings->c_oflag, in->c_oflag);
	settings->c_cflag = with_low_half(settings->c_cflag, in->c_cflag);
	settings->c_lflag = with_low_half(settings->c_lflag, in->c_lflag);
	settings->c_line = in->c_line;
	memcpy(settings->c_cc, in->c_cc, NCC);
}

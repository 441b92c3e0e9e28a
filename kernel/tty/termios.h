/*
 * Settings of terminals: their forms in the ABI, speeds, and what a new terminal has. ioctl_tty(2),
 * termios(3).
 */
#pragma once

#include <asm/termios.h>

#include "lib/types.h"

/* ICRNL IXON, OPOST ONLCR, 38400 8N1, ISIG ICANON ECHO..., Linux's control characters. */
extern const struct termios2 termios_default;

/* The three forms of the ABI. The set functions keep in *settings what theirs cannot say. */
void termios_to_old(const struct termios2 *settings, struct termios *out);
void termios_from_old(struct termios2 *settings, const struct termios *in);
void termios_to_short(const struct termios2 *settings, struct termio *out);
void termios_from_short(struct termios2 *settings, const struct termio *in);

/* What the locked ones forbid to change is in *settings as in *old again: TIOCSLCKTRMIOS. */
void termios_keep_locked(struct termios2 *settings, const struct termios2 *old,
                         const struct termios *locked);

/* Bits a second by CBAUD or BOTHER; and CBAUD with both speeds set for a rate. */
uint32_t termios_baud(const struct termios2 *settings);
void     termios_set_baud(struct termios2 *settings, uint32_t baud);
/* c_ispeed and c_ospeed by CBAUD and CIBAUD, after a set in an old form. */
void     termios_update_speeds(struct termios2 *settings);

/*
 * Start of the tty floor. See tty_start() in tty/tty.h.
 */
#include "tty/tty_impl.h"

void tty_start(void)
{
	serial_tty_init();
	console_init();
}

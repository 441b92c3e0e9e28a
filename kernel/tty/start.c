/*
 * Start of the tty floor. See tty_start() in tty/tty.h.
 */
#include "core/panic.h"
#include "tty/pty.h"
#include "tty/screen.h"
#include "tty/tty_impl.h"

void tty_start(void)
{
	serial_tty_init();
	screen_init();
	console_init();
	if (pty_init())
		panic("no memory for ptys, or their numbers are taken");
}

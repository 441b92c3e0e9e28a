/*
 * The PS/2 controller of PCs, and the keyboard at its first port (the second, a mouse's, is off).
 *
 * i8042_init() probes for both and registers a struct keyboard (dev/keyboard.h); where there is
 * nothing it says nothing. The controller translates to scan code set 1, as it has since the PC/AT.
 */
#pragma once

/* Boot CPU, after interrupts can be routed. */
void i8042_init(void);

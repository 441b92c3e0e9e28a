/*
 * The PC's serial ports: 8250, 16450, 16550A at the four ISA addresses (COM1 to COM4).
 *
 * serial_init() probes them and registers those that exist as struct uart (dev/uart.h) with the
 * numbers they always had. Ports may share an interrupt line.
 */
#pragma once

/* Boot CPU, after interrupts can be routed. May sleep. */
void serial_init(void);

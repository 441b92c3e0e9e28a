/*
 * The drivers of this kernel. See init/drivers.h.
 */
#include "init/drivers.h"

#include "drivers/serial.h"

void drivers_init(void)
{
	serial_init(); /* ttyS0 .. ttyS3, as uarts */
}

/*
 * The drivers of this kernel. See init/drivers.h.
 */
#include "init/drivers.h"

#include "boot/bootinfo.h"
#include "dev/pci.h"
#include "drivers/acpi_button.h"
#include "drivers/efifb.h"
#include "drivers/i8042.h"
#include "drivers/serial.h"
#include "drivers/virtio/mmio.h"
#include "drivers/virtio/pci.h"

void drivers_init(void)
{
	serial_init();         /* ttyS0 .. ttyS3, as uarts */
	efifb_init(&bootinfo); /* the framebuffer that the firmware set up */
	i8042_init();          /* the keyboard of PCs */
	acpi_button_init();    /* their power button */
}

void drivers_init_buses(void)
{
	pci_init();         /* functions on PCI, for the drivers below */
	virtio_pci_init();  /* paravirtual devices: disks, consoles, noise */
	virtio_mmio_init(); /* those of machines without PCI */
}

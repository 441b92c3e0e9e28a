/*
 * Virtio devices on PCI (Virtual I/O Device Specification 1.2, section 4.1): modern ones, and the
 * modern side of transitional ones. Registers are where vendor capabilities say; each queue has a
 * message of its own, on a CPU of its own, if the device has enough of them.
 */
#pragma once

/* After pci_init(). May sleep. */
void virtio_pci_init(void);

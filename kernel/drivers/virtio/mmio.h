/*
 * Virtio devices at a fixed address (Virtual I/O Device Specification 1.2, section 4.2): what
 * virtual machines without PCI have.
 *
 * They are found in ACPI's definition blocks (the hardware id LNRO0005, with a range of memory and
 * an interrupt) and on the command line, as Linux knows it:
 *
 *	virtio_mmio.device=SIZE@ADDRESS:IRQ[:ID]
 *
 * An address with device id 0 is a place without a device. Version 1 of the registers is of legacy
 * devices, which are left alone; QEMU makes such unless it is told
 * `-global virtio-mmio.force-legacy=false`.
 */
#pragma once

/* Boot CPU, once; may sleep. */
void virtio_mmio_init(void);

/*
 * How a function interrupts: MSI-X, MSI, or the shared line of its pin.
 *
 * Each message with a handler is a struct irq of its own, with a vector on one CPU. The line is one
 * of the I/O APIC's, told by the register in which firmware left its number: what ACPI says about
 * lines is in AML, which nobody here reads.
 *
 * While messages are on, the line is off (PCI_COMMAND_INTX_DISABLE), so that a message which cannot
 * be masked may be turned off without turning into a line.
 */
#define pr_fmt(fmt) "pci: " fmt

#include <linux/errno.h>
#include <linux/pci_regs.h>

#include <arch/io.h>
#include <arch/irqchip.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/irq_line.h"
#include "dev/pci_impl.h"
#include "lib/math.h"
#include "mem/alloc.h"

enum message_kind { BY_LINE, BY_MSI, BY_MSIX };

struct message {
	struct pci_device *dev;
	unsigned int       index;
	bool               is_masked;
	struct irq         irq; /* the last: its end is open */
};

struct pci_messages {
	enum message_kind  kind;
	unsigned int       nr;
	volatile uint8_t  *table; /* MSI-X */
	struct message    *all[]; /* NULL: nobody listens */
};

static struct message *to_message(struct irq *irq)
{
	return container_of(irq, struct message, irq);
}

/* ---- MSI-X --------------------------------------------------------------------------------- */

static volatile uint8_t *entry_of(const struct message *message)
{
	return message->dev->messages->table + message->index * PCI_MSIX_ENTRY_SIZE;
}

static void msix_mask(struct irq *irq, bool masked)
{
	struct message *message = to_message(irq);
	volatile uint8_t *entry = entry_of(message);

	message->is_masked = masked;
	mmio_write32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL,
	             masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
	(void)mmio_read32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL); /* it has arrived */
}

static void msix_route(struct irq *irq, uint32_t cpu, uint8_t vector)
{
	struct message *message = to_message(irq);
	volatile uint8_t *entry = entry_of(message);
	bool was_masked = message->is_masked;
	uint64_t address;
	uint32_t data;

	irqchip_msi_message(vector, cpu, &address, &data);
	msix_mask(irq, true);
	mmio_write32(entry + PCI_MSIX_ENTRY_LOWER_ADDR, (uint32_t)address);
	mmio_write32(entry + PCI_MSIX_ENTRY_UPPER_ADDR, (uint32_t)(address >> 32));
	mmio_write32(entry + PCI_MSIX_ENTRY_DATA, data);
	msix_mask(irq, was_masked);
}

static const struct irq_ops msix_ops = {
	.controller = "PCI-MSI",
	.route = msix_route,
	.mask = msix_mask,
};

/* The table's place, bounded by its BAR. */
static int msix_map(struct pci_device *dev, uint32_t nr, volatile uint8_t **table)
{
	uint32_t where = pci_read32(dev, dev->msix + PCI_MSIX_TABLE);
	volatile void *base;
	int err = pci_bar_map(dev, where & PCI_MSIX_TABLE_BIR, where & PCI_MSIX_TABLE_OFFSET,
	                      nr * PCI_MSIX_ENTRY_SIZE, &base);

	*table = base;
	return err;
}

static uint32_t msix_size(const struct pci_device *dev)
{
	return (pci_read16(dev, dev->msix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1u;
}

static int msix_start(struct pci_device *dev, struct pci_messages *messages)
{
	uint16_t control = pci_read16(dev, dev->msix + PCI_MSIX_FLAGS);
	uint32_t nr = msix_size(dev);
	int err = msix_map(dev, nr, &messages->table);

	if (err)
		return err;
	pci_write16(dev, dev->msix + PCI_MSIX_FLAGS,
	            control | PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	for (uint32_t i = 0; i < nr; i++)
		mmio_write32(messages->table + i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL,
		             PCI_MSIX_ENTRY_CTRL_MASKBIT);
	pci_write16(dev, dev->msix + PCI_MSIX_FLAGS,
	            (control & ~PCI_MSIX_FLAGS_MASKALL) | PCI_MSIX_FLAGS_ENABLE);
	return 0;
}

static void msix_stop(struct pci_device *dev)
{
	uint16_t control = pci_read16(dev, dev->msix + PCI_MSIX_FLAGS);

	pci_write16(dev, dev->msix + PCI_MSIX_FLAGS, control & ~PCI_MSIX_FLAGS_ENABLE);
}

/* ---- MSI ----------------------------------------------------------------------------------- */

static uint16_t msi_flags(const struct pci_device *dev)
{
	return pci_read16(dev, dev->msi + PCI_MSI_FLAGS);
}

static void msi_enable(struct pci_device *dev, bool on)
{
	uint16_t flags = msi_flags(dev) & ~(PCI_MSI_FLAGS_QSIZE | PCI_MSI_FLAGS_ENABLE);

	pci_write16(dev, dev->msi + PCI_MSI_FLAGS, flags | (on ? PCI_MSI_FLAGS_ENABLE : 0));
}

static uint32_t msi_mask_register(const struct pci_device *dev, uint16_t flags)
{
	return dev->msi + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

static void msi_mask(struct irq *irq, bool masked)
{
	struct message *message = to_message(irq);
	struct pci_device *dev = message->dev;
	uint16_t flags = msi_flags(dev);

	message->is_masked = masked;
	if (flags & PCI_MSI_FLAGS_MASKBIT) {
		pci_write32(dev, msi_mask_register(dev, flags), masked);
		msi_enable(dev, true);
	} else {
		msi_enable(dev, !masked);
	}
}

static void msi_route(struct irq *irq, uint32_t cpu, uint8_t vector)
{
	struct message *message = to_message(irq);
	struct pci_device *dev = message->dev;
	bool was_masked = message->is_masked;
	uint16_t flags = msi_flags(dev);
	uint64_t address;
	uint32_t data;

	irqchip_msi_message(vector, cpu, &address, &data);
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		msi_mask(irq, true);
	pci_write32(dev, dev->msi + PCI_MSI_ADDRESS_LO, (uint32_t)address);
	if (flags & PCI_MSI_FLAGS_64BIT) {
		pci_write32(dev, dev->msi + PCI_MSI_ADDRESS_HI, (uint32_t)(address >> 32));
		pci_write16(dev, dev->msi + PCI_MSI_DATA_64, (uint16_t)data);
	} else {
		pci_write16(dev, dev->msi + PCI_MSI_DATA_32, (uint16_t)data);
	}
	msi_mask(irq, was_masked);
}

static const struct irq_ops msi_ops = {
	.controller = "PCI-MSI",
	.route = msi_route,
	.mask = msi_mask,
};

/* ---- the line ------------------------------------------------------------------------------ */

static bool has_line(const struct pci_device *dev)
{
	return dev->pin && dev->irq && dev->irq < irqchip_nr_lines();
}

static int line_register(struct pci_device *dev, struct irq_action *action)
{
	struct irqchip_line line;
	int err = irqchip_line_find(dev->irq, IRQ_TRIGGER_DEFAULT, &line);

	if (err)
		return err;
	return irq_line_register_gsi(dev->irq, line.is_level ? IRQ_TRIGGER_DEFAULT
	                                                     : IRQ_TRIGGER_LEVEL_LOW, action);
}

/* ---- for drivers --------------------------------------------------------------------------- */

static void set_line(struct pci_device *dev, bool on)
{
	uint16_t command = pci_read16(dev, PCI_COMMAND) & ~PCI_COMMAND_INTX_DISABLE;

	pci_write16(dev, PCI_COMMAND, command | (on ? 0 : PCI_COMMAND_INTX_DISABLE));
}

static int start(struct pci_device *dev, enum message_kind kind, unsigned int nr)
{
	struct pci_messages *messages;
	int err = 0;

	messages = kzalloc(sizeof(*messages) + nr * sizeof(messages->all[0]), ALLOC_KERNEL);
	if (!messages)
		return -ENOMEM;
	messages->kind = kind;
	messages->nr = nr;
	if (kind == BY_MSIX)
		err = msix_start(dev, messages);
	if (err) {
		kfree(messages);
		return err;
	}
	set_line(dev, kind == BY_LINE);
	spin_lock(&pci.list_lock);
	dev->messages = messages;
	spin_unlock(&pci.list_lock);
	return (int)nr;
}

int pci_messages_alloc(struct pci_device *dev, unsigned int least, unsigned int most)
{
	int nr = -ENODEV;

	assert(!dev->messages && least && most >= least);
	if (pci.options & PCI_NO_MESSAGES)
		return least > 1 ? -ENOSPC : has_line(dev) ? start(dev, BY_LINE, 1) : -ENODEV;
	if (dev->msix && msix_size(dev) >= least)
		nr = start(dev, BY_MSIX, min(most, msix_size(dev)));
	if (nr > 0 || nr == -ENOMEM)
		return nr;
	if (least > 1)
		return -ENOSPC;
	if (dev->msi)
		return start(dev, BY_MSI, 1);
	return has_line(dev) ? start(dev, BY_LINE, 1) : -ENODEV;
}

void pci_messages_free(struct pci_device *dev)
{
	struct pci_messages *messages = dev->messages;

	if (!messages)
		return;
	for (unsigned int i = 0; i < messages->nr; i++)
		assert(!messages->all[i]);
	if (messages->kind == BY_MSIX)
		msix_stop(dev);
	else if (messages->kind == BY_MSI)
		msi_enable(dev, false);
	set_line(dev, true);
	spin_lock(&pci.list_lock);
	dev->messages = NULL;
	spin_unlock(&pci.list_lock);
	kfree(messages);
}

bool pci_message_number(struct pci_device *dev, unsigned int index, uint32_t *number)
{
	const struct pci_messages *messages;
	bool is_there;

	*number = 0;
	spin_lock(&pci.list_lock);
	messages = dev->messages;
	is_there = messages && index < messages->nr;
	if (is_there && messages->all[index])
		*number = messages->all[index]->irq.number;
	spin_unlock(&pci.list_lock);
	return is_there;
}

bool pci_messages_are_msix(const struct pci_device *dev)
{
	bool are_msix;

	spin_lock(&pci.list_lock);
	are_msix = dev->messages && dev->messages->kind == BY_MSIX;
	spin_unlock(&pci.list_lock);
	return are_msix;
}

bool pci_messages_are_line(const struct pci_device *dev)
{
	return dev->messages && dev->messages->kind == BY_LINE;
}

/* As Linux numbers them in /proc/interrupts. */
static uint32_t hardware_number(const struct pci_device *dev, unsigned int index)
{
	return index | (uint32_t)dev->devfn << 11 | (uint32_t)dev->bus->number << 19 |
	       (uint32_t)dev->bus->segment << 27;
}

/* Others look at it: see pci_message_number(). */
static void set_message(struct pci_messages *messages, unsigned int index, struct message *message)
{
	spin_lock(&pci.list_lock);
	messages->all[index] = message;
	spin_unlock(&pci.list_lock);
}

static int message_create(struct pci_device *dev, unsigned int index, uint32_t cpu)
{
	struct pci_messages *messages = dev->messages;
	struct message *message = kzalloc(irq_size(offsetof(struct message, irq)), ALLOC_KERNEL);
	int err;

	if (!message)
		return -ENOMEM;
	message->dev = dev;
	message->index = index;
	message->is_masked = true;
	message->irq.ops = messages->kind == BY_MSIX ? &msix_ops : &msi_ops;
	message->irq.can_move = messages->kind == BY_MSIX ||
	                        msi_flags(dev) & PCI_MSI_FLAGS_MASKBIT;
	message->irq.hardware_number = hardware_number(dev, index);
	err = irq_add(&message->irq, irqchip_nr_lines(), cpu);
	if (err)
		kfree(message);
	else
		set_message(messages, index, message);
	return err;
}

int pci_message_register(struct pci_device *dev, unsigned int index, uint32_t cpu,
                         struct irq_action *action)
{
	struct pci_messages *messages = dev->messages;
	int err = 0;

	if (!messages || index >= messages->nr)
		return -EINVAL;
	if (messages->kind == BY_LINE)
		return line_register(dev, action);
	if (!messages->all[index])
		err = message_create(dev, index, cpu);
	if (!err)
		irq_attach(&messages->all[index]->irq, action);
	return err;
}

void pci_message_unregister(struct pci_device *dev, unsigned int index, struct irq_action *action)
{
	struct pci_messages *messages = dev->messages;
	struct message *message;

	if (messages->kind == BY_LINE) {
		irq_line_unregister(action);
		return;
	}
	message = messages->all[index];
	if (irq_detach(&message->irq, action) > 0)
		return;
	set_message(messages, index, NULL);
	irq_remove(&message->irq);
	kfree(message);
}

/*
 * Virtio over PCI. See drivers/virtio/pci.h.
 *
 * Messages: number 0 is for changes of the configuration, the others for a queue each; with too few
 * for that, one is for all queues (and with one in all, nobody hears of the configuration). Without
 * MSI-X there is the shared line, and a register that says what it is about.
 *
 * Capabilities are the device's word: the window that one describes must lie inside its BAR, which
 * pci_bar_map() checks, and be as large as what we use of it.
 */
#define pr_fmt(fmt) "virtio-pci: " fmt

#include "drivers/virtio/pci.h"

#include <arch/io.h>
#include <linux/errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "core/printk.h"
#include "dev/pci.h"
#include "drivers/virtio/device.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "mem/alloc.h"

enum {
	VENDOR = 0x1af4,
	TRANSITIONAL_FIRST = 0x1000, MODERN_FIRST = 0x1040, MODERN_LAST = 0x107f,
	NOTIFY_BYTES = 2, ISR_BYTES = 1, CONFIG_NAME_SIZE = 24, CONFIG_BYTES_MAX = 4096,
	WINDOW_BYTES_MAX = 1 << 20, /* of what the device says that it has: more is not used */
};

/* A structure of registers. */
struct window {
	volatile uint8_t *base; /* NULL: the device has none */
	uint32_t          size;
};

struct virtio_pci {
	struct virtio_device device;
	struct pci_device   *pci __const_after_init;
	struct window        registers, notify, isr, config __const_after_init;
	uint32_t             notify_multiplier __const_after_init;
	unsigned int         nr_messages __const_after_init;
	bool                 has_line __const_after_init;         /* no MSI-X */
	bool                 has_message_each __const_after_init; /* a queue */
	struct irq_action    config_interrupt, queues_interrupt;
	char                 parent[PCI_NAME_SIZE] __const_after_init;
	char                 config_name[CONFIG_NAME_SIZE] __const_after_init;
};

static const struct virtio_transport pci_transport;

static struct virtio_pci *to_virtio_pci(struct virtio_device *device)
{
	return container_of(device, struct virtio_pci, device);
}

static volatile uint8_t *registers_of(struct virtio_device *device)
{
	return to_virtio_pci(device)->registers.base;
}

/* ---- the registers --------------------------------------------------------------------------- */

static uint64_t pci_features(struct virtio_device *device)
{
	volatile uint8_t *at = registers_of(device);
	uint64_t features;

	mmio_write32(at + VIRTIO_PCI_COMMON_DFSELECT, 1);
	features = (uint64_t)mmio_read32(at + VIRTIO_PCI_COMMON_DF) << 32;
	mmio_write32(at + VIRTIO_PCI_COMMON_DFSELECT, 0);
	return features | mmio_read32(at + VIRTIO_PCI_COMMON_DF);
}

static void pci_accept(struct virtio_device *device, uint64_t features)
{
	volatile uint8_t *at = registers_of(device);

	mmio_write32(at + VIRTIO_PCI_COMMON_GFSELECT, 1);
	mmio_write32(at + VIRTIO_PCI_COMMON_GF, (uint32_t)(features >> 32));
	mmio_write32(at + VIRTIO_PCI_COMMON_GFSELECT, 0);
	mmio_write32(at + VIRTIO_PCI_COMMON_GF, (uint32_t)features);
}

static uint8_t pci_status(struct virtio_device *device)
{
	return mmio_read8(registers_of(device) + VIRTIO_PCI_COMMON_STATUS);
}

static void pci_set_status(struct virtio_device *device, uint8_t status)
{
	mmio_write8(registers_of(device) + VIRTIO_PCI_COMMON_STATUS, status);
}

static uint32_t pci_generation(struct virtio_device *device)
{
	return mmio_read8(registers_of(device) + VIRTIO_PCI_COMMON_CFGGENERATION);
}

static bool has_config(const struct window *config, uint32_t offset, uint32_t size)
{
	return config->base && offset <= config->size && size <= config->size - offset;
}

static uint32_t pci_read(struct virtio_device *device, uint32_t offset, uint32_t size)
{
	const struct window *config = &to_virtio_pci(device)->config;

	if (!has_config(config, offset, size))
		return ~0u;
	if (size == 4)
		return mmio_read32(config->base + offset);
	return size == 2 ? mmio_read16(config->base + offset) : mmio_read8(config->base + offset);
}

static void pci_write(struct virtio_device *device, uint32_t offset, uint8_t value)
{
	const struct window *config = &to_virtio_pci(device)->config;

	if (has_config(config, offset, 1))
		mmio_write8(config->base + offset, value);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static uint32_t pci_queue_size_max(struct virtio_device *device, uint16_t index)
{
	volatile uint8_t *at = registers_of(device);

	if (index >= mmio_read16(at + VIRTIO_PCI_COMMON_NUMQ))
		return 0;
	mmio_write16(at + VIRTIO_PCI_COMMON_Q_SELECT, index);
	if (mmio_read16(at + VIRTIO_PCI_COMMON_Q_ENABLE))
		return 0;
	return mmio_read16(at + VIRTIO_PCI_COMMON_Q_SIZE);
}

static void set_address(volatile uint8_t *low, const void *part)
{
	paddr_t address = virt_to_phys(part);

	mmio_write32(low, (uint32_t)address);
	mmio_write32(low + 4, (uint32_t)(address >> 32));
}

/* Which message the selected queue has; false: the device has no resources for it. */
static bool set_message(struct virtio_pci *vpci, uint16_t index)
{
	volatile uint8_t *at = vpci->registers.base + VIRTIO_PCI_COMMON_Q_MSIX;
	uint16_t message = vpci->has_message_each ? (uint16_t)(index + 1) :
	                   vpci->nr_messages > 1 ? 1 : 0;

	if (vpci->has_line)
		return true;
	mmio_write16(at, message);
	return mmio_read16(at) == message;
}

static enum irq_result queue_interrupt(void *arg)
{
	virtio_queue_interrupt(arg);
	return IRQ_HANDLED;
}

static int queue_interrupt_register(struct virtio_pci *vpci, struct virtio_queue *queue)
{
	if (!vpci->has_message_each)
		return 0;
	queue->interrupt = (struct irq_action){
		.handler = queue_interrupt, .arg = queue, .name = queue->name,
	};
	return pci_message_register(vpci->pci, queue->index + 1u, queue->cpu, &queue->interrupt);
}

static int pci_queue_start(struct virtio_queue *queue)
{
	struct virtio_pci *vpci = to_virtio_pci(queue->device);
	volatile uint8_t *at = vpci->registers.base;
	uint64_t bell;
	int err;

	mmio_write16(at + VIRTIO_PCI_COMMON_Q_SELECT, queue->index);
	bell = (uint64_t)mmio_read16(at + VIRTIO_PCI_COMMON_Q_NOFF) * vpci->notify_multiplier;
	if (bell + NOTIFY_BYTES > vpci->notify.size)
		return -EIO;
	queue->bell = vpci->notify.base + bell;
	mmio_write16(at + VIRTIO_PCI_COMMON_Q_SIZE, queue->ring.size);
	set_address(at + VIRTIO_PCI_COMMON_Q_DESCLO, queue->ring.descriptors);
	set_address(at + VIRTIO_PCI_COMMON_Q_AVAILLO, queue->ring.avail);
	set_address(at + VIRTIO_PCI_COMMON_Q_USEDLO, queue->ring.used);
	err = queue_interrupt_register(vpci, queue);
	if (err)
		return err;
	if (!set_message(vpci, queue->index)) {
		if (vpci->has_message_each)
			pci_message_unregister(vpci->pci, queue->index + 1u, &queue->interrupt);
		return -EIO;
	}
	mmio_write16(at + VIRTIO_PCI_COMMON_Q_ENABLE, 1);
	return 0;
}

static void pci_queue_stop(struct virtio_queue *queue)
{
	struct virtio_pci *vpci = to_virtio_pci(queue->device);

	if (vpci->has_message_each)
		pci_message_unregister(vpci->pci, queue->index + 1u, &queue->interrupt);
}

static void pci_notify(struct virtio_queue *queue)
{
	mmio_write16(queue->bell, queue->index);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static enum irq_result config_interrupt(void *arg)
{
	virtio_config_interrupt(arg);
	return IRQ_HANDLED;
}

static void serve_queues(struct virtio_device *device)
{
	for (uint16_t i = 0; i < device->nr_queues; i++)
		virtio_queue_interrupt(device->queues[i]);
}

static enum irq_result queues_interrupt(void *arg)
{
	serve_queues(arg);
	return IRQ_HANDLED;
}

/* Reading the register acknowledges. */
static enum irq_result line_interrupt(void *arg)
{
	struct virtio_device *device = arg;
	uint8_t causes = mmio_read8(to_virtio_pci(device)->isr.base);

	if (!causes)
		return IRQ_NOT_MINE;
	serve_queues(device);
	if (causes & VIRTIO_PCI_ISR_CONFIG)
		virtio_config_interrupt(device);
	return IRQ_HANDLED;
}

static int config_message_start(struct virtio_pci *vpci)
{
	volatile uint8_t *at = vpci->registers.base + VIRTIO_PCI_COMMON_MSIX;
	int err = pci_message_register(vpci->pci, 0, IRQ_ANY_CPU, &vpci->config_interrupt);

	if (err)
		return err;
	mmio_write16(at, 0);
	if (mmio_read16(at) == 0)
		return 0;
	pci_message_unregister(vpci->pci, 0, &vpci->config_interrupt);
	return -EIO;
}

/* The one that is for all queues: the second message, or the only one, or the line. */
static int queues_message_start(struct virtio_pci *vpci)
{
	unsigned int message = vpci->nr_messages > 1 ? 1 : 0;

	if (vpci->has_message_each)
		return 0;
	vpci->queues_interrupt.handler = vpci->has_line ? line_interrupt : queues_interrupt;
	return pci_message_register(vpci->pci, message, IRQ_ANY_CPU, &vpci->queues_interrupt);
}

static int pci_interrupts_start(struct virtio_device *device, uint16_t nr_queues)
{
	struct virtio_pci *vpci = to_virtio_pci(device);
	int nr = pci_messages_alloc(vpci->pci, 1, nr_queues + 1u), err = 0;

	if (nr < 0)
		return nr;
	vpci->nr_messages = (unsigned int)nr;
	vpci->has_line = !vpci->pci->msix || pci_messages_are_line(vpci->pci);
	vpci->has_message_each = !vpci->has_line && nr == nr_queues + 1;
	snprintf(vpci->config_name, sizeof(vpci->config_name), "%s-config", device->name);
	vpci->config_interrupt = (struct irq_action){
		.handler = config_interrupt, .arg = device, .name = vpci->config_name,
	};
	vpci->queues_interrupt = (struct irq_action){ .arg = device, .name = device->name };
	if (nr > 1)
		err = config_message_start(vpci);
	if (err)
		goto out_messages;
	err = queues_message_start(vpci);
	if (!err)
		return 0;
	if (nr > 1)
		pci_message_unregister(vpci->pci, 0, &vpci->config_interrupt);
out_messages:
	pci_messages_free(vpci->pci);
	return err;
}

static void pci_interrupts_stop(struct virtio_device *device)
{
	struct virtio_pci *vpci = to_virtio_pci(device);

	if (!vpci->has_message_each)
		pci_message_unregister(vpci->pci, vpci->nr_messages > 1 ? 1 : 0,
		                       &vpci->queues_interrupt);
	if (vpci->nr_messages > 1)
		pci_message_unregister(vpci->pci, 0, &vpci->config_interrupt);
	pci_messages_free(vpci->pci);
}

/* ---- finding them ---------------------------------------------------------------------------- */

/* The first capability of this type whose window can be mapped and has at least `least` bytes. */
static int map_window(struct pci_device *pci, uint8_t type, uint32_t least, struct window *window,
                      uint16_t *where)
{
	uint16_t at = 0;

	while ((at = pci_capability_next(pci, PCI_CAP_ID_VNDR, at))) {
		uint8_t bar = pci_read8(pci, at + VIRTIO_PCI_CAP_BAR);
		uint32_t offset = pci_read32(pci, at + VIRTIO_PCI_CAP_OFFSET);
		uint32_t length = pci_read32(pci, at + VIRTIO_PCI_CAP_LENGTH);
		volatile void *base;

		if (pci_read8(pci, at + VIRTIO_PCI_CAP_CFG_TYPE) != type || bar >= PCI_BARS ||
		    length < least)
			continue;
		if (type == VIRTIO_PCI_CAP_DEVICE_CFG && length > CONFIG_BYTES_MAX)
			length = CONFIG_BYTES_MAX;
		length = min(length, (uint32_t)WINDOW_BYTES_MAX);
		if (pci_bar_map(pci, bar, offset, length, &base))
			continue;
		*window = (struct window){ base, length };
		*where = at;
		return 0;
	}
	return -ENODEV;
}

static int map_windows(struct virtio_pci *vpci)
{
	struct pci_device *pci = vpci->pci;
	uint16_t at;

	if (map_window(pci, VIRTIO_PCI_CAP_COMMON_CFG, sizeof(struct virtio_pci_common_cfg),
	               &vpci->registers, &at) ||
	    map_window(pci, VIRTIO_PCI_CAP_ISR_CFG, ISR_BYTES, &vpci->isr, &at) ||
	    map_window(pci, VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY_BYTES, &vpci->notify, &at))
		return -ENODEV;
	vpci->notify_multiplier = pci_read32(pci, at + VIRTIO_PCI_NOTIFY_CAP_MULT);
	if (map_window(pci, VIRTIO_PCI_CAP_DEVICE_CFG, 1, &vpci->config, &at))
		vpci->config = (struct window){ NULL, 0 };
	return 0;
}

/* 0: it is no virtio device. */
static uint32_t id_of(const struct pci_device *pci)
{
	if (pci->device < TRANSITIONAL_FIRST || pci->device > MODERN_LAST)
		return 0;
	if (pci->device < MODERN_FIRST)
		return pci->subsystem_device;
	return pci->device - MODERN_FIRST;
}

static int start(struct virtio_pci *vpci)
{
	int err = pci_enable(vpci->pci);

	if (err)
		return err;
	err = map_windows(vpci);
	if (err) {
		pr_warn("%s is a legacy device: left alone\n", vpci->parent);
		goto out_disable;
	}
	pci_set_bus_master(vpci->pci, true);
	err = virtio_device_add(&vpci->device);
	if (!err)
		return 0;
out_disable:
	pci_disable(vpci->pci);
	return err;
}

static int probe(struct pci_device *pci, const struct pci_id *id)
{
	uint32_t virtio_id = id_of(pci);
	struct virtio_pci *vpci;
	int err;

	if (!virtio_id)
		return -ENODEV;
	vpci = kzalloc(sizeof(*vpci), ALLOC_KERNEL);
	if (!vpci)
		return -ENOMEM;
	vpci->pci = pci;
	pci_name(pci, vpci->parent);
	vpci->device.transport = &pci_transport;
	vpci->device.id = virtio_id;
	vpci->device.parent = vpci->parent;
	err = start(vpci);
	if (err) {
		kfree(vpci);
		return -ENODEV; /* it has been said why */
	}
	pci->driver_data = vpci;
	return 0;
}

static void remove(struct pci_device *pci)
{
	struct virtio_pci *vpci = pci->driver_data;

	virtio_device_remove(&vpci->device);
	pci_disable(pci);
	kfree(vpci);
}

static const struct pci_id ids[] = { { PCI_ID(VENDOR, PCI_ANY) }, { 0 } };

static const struct pci_driver driver = {
	.name = "virtio-pci", .ids = ids, .probe = probe, .remove = remove,
};

void virtio_pci_init(void)
{
	pci_driver_register(&driver);
}

static const struct virtio_transport pci_transport = {
	.name = "virtio-pci",
	.features = pci_features,
	.accept = pci_accept,
	.status = pci_status,
	.set_status = pci_set_status,
	.generation = pci_generation,
	.read = pci_read,
	.write8 = pci_write,
	.queue_size_max = pci_queue_size_max,
	.interrupts_start = pci_interrupts_start,
	.interrupts_stop = pci_interrupts_stop,
	.queue_start = pci_queue_start,
	.queue_stop = pci_queue_stop,
	.notify = pci_notify,
};

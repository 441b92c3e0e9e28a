/*
 * Virtio over registers in memory. See drivers/virtio/mmio.h.
 *
 * One interrupt line serves a whole device and says in a register what it is about. An edge comes
 * only when the line rises, so there the handler looks until nothing is left.
 *
 * Queue registers go through a selector: they are used only while the driver probes.
 */
#define pr_fmt(fmt) "virtio-mmio: " fmt

#include "drivers/virtio/mmio.h"

#include <arch/acpi.h>
#include <arch/io.h>
#include <linux/errno.h>
#include <linux/virtio_mmio.h>

#include "core/cmdline.h"
#include "core/printk.h"
#include "dev/irq_line.h"
#include "drivers/virtio/device.h"
#include "lib/list.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"

enum {
	MAGIC = 0x74726976, /* "virt" */
	VERSION_LEGACY = 1, VERSION = 2,
	ROUNDS_PER_INTERRUPT = 16,
	PARENT_NAME_SIZE = 24,
};

/* Where a device may be. */
struct place {
	struct list      link;
	paddr_t          paddr;
	uint64_t         size;
	uint32_t         gsi;
	enum irq_trigger trigger;
};

struct virtio_mmio {
	struct virtio_device device;
	volatile uint8_t    *base __const_after_init;
	struct place         place __const_after_init;
	struct irq_action    interrupt;
	char                 parent[PARENT_NAME_SIZE] __const_after_init;
};

/* Those of the command line, until virtio_mmio_init(). */
static struct list places = LIST_INIT(places);

static struct virtio_mmio *to_mmio(struct virtio_device *device)
{
	return container_of(device, struct virtio_mmio, device);
}

static uint32_t get(struct virtio_device *device, uint32_t reg)
{
	return mmio_read32(to_mmio(device)->base + reg);
}

static void set(struct virtio_device *device, uint32_t reg, uint32_t value)
{
	mmio_write32(to_mmio(device)->base + reg, value);
}

/* ---- the registers --------------------------------------------------------------------------- */

static uint64_t mmio_features(struct virtio_device *device)
{
	uint64_t features;

	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	features = (uint64_t)get(device, VIRTIO_MMIO_DEVICE_FEATURES) << 32;
	set(device, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return features | get(device, VIRTIO_MMIO_DEVICE_FEATURES);
}

static void mmio_accept(struct virtio_device *device, uint64_t features)
{
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	set(device, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	set(device, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
}

static uint8_t mmio_status(struct virtio_device *device)
{
	return (uint8_t)get(device, VIRTIO_MMIO_STATUS);
}

static void mmio_set_status(struct virtio_device *device, uint8_t status)
{
	set(device, VIRTIO_MMIO_STATUS, status);
}

static uint32_t mmio_generation(struct virtio_device *device)
{
	return get(device, VIRTIO_MMIO_CONFIG_GENERATION);
}

static bool has_config(struct virtio_device *device, uint32_t offset, uint32_t size)
{
	uint64_t room = to_mmio(device)->place.size - VIRTIO_MMIO_CONFIG;

	return offset <= room && size <= room - offset;
}

static uint32_t mmio_read(struct virtio_device *device, uint32_t offset, uint32_t size)
{
	const volatile uint8_t *at = to_mmio(device)->base + VIRTIO_MMIO_CONFIG + offset;

	if (!has_config(device, offset, size))
		return ~0u;
	return size == 4 ? mmio_read32(at) : size == 2 ? mmio_read16(at) : mmio_read8(at);
}

static void mmio_write(struct virtio_device *device, uint32_t offset, uint8_t value)
{
	if (has_config(device, offset, 1))
		mmio_write8(to_mmio(device)->base + VIRTIO_MMIO_CONFIG + offset, value);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static uint32_t mmio_queue_size_max(struct virtio_device *device, uint16_t index)
{
	set(device, VIRTIO_MMIO_QUEUE_SEL, index);
	return get(device, VIRTIO_MMIO_QUEUE_READY) ? 0 : get(device, VIRTIO_MMIO_QUEUE_NUM_MAX);
}

static void set_address(struct virtio_device *device, uint32_t low, const void *part)
{
	paddr_t address = virt_to_phys(part);

	set(device, low, (uint32_t)address);
	set(device, low + 4, (uint32_t)(address >> 32));
}

static int mmio_queue_start(struct virtio_queue *queue)
{
	struct virtio_device *device = queue->device;

	set(device, VIRTIO_MMIO_QUEUE_SEL, queue->index);
	set(device, VIRTIO_MMIO_QUEUE_NUM, queue->ring.size);
	set_address(device, VIRTIO_MMIO_QUEUE_DESC_LOW, queue->ring.descriptors);
	set_address(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, queue->ring.avail);
	set_address(device, VIRTIO_MMIO_QUEUE_USED_LOW, queue->ring.used);
	set(device, VIRTIO_MMIO_QUEUE_READY, 1);
	queue->bell = to_mmio(device)->base + VIRTIO_MMIO_QUEUE_NOTIFY;
	return 0;
}

/* The reset has turned it off. */
static void mmio_queue_stop(struct virtio_queue *queue)
{
}

static void mmio_notify(struct virtio_queue *queue)
{
	mmio_write32(queue->bell, queue->index);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void serve(struct virtio_device *device, uint32_t causes)
{
	set(device, VIRTIO_MMIO_INTERRUPT_ACK, causes);
	if (causes & VIRTIO_MMIO_INT_VRING) {
		for (uint16_t i = 0; i < device->nr_queues; i++)
			virtio_queue_interrupt(device->queues[i]);
	}
	if (causes & VIRTIO_MMIO_INT_CONFIG)
		virtio_config_interrupt(device);
}

static enum irq_result mmio_interrupt(void *arg)
{
	struct virtio_mmio *mmio = arg;
	int rounds = mmio->place.trigger == IRQ_TRIGGER_LEVEL_HIGH ||
	             mmio->place.trigger == IRQ_TRIGGER_LEVEL_LOW ? 1 : ROUNDS_PER_INTERRUPT;
	enum irq_result result = IRQ_NOT_MINE;
	uint32_t causes;

	while (rounds-- > 0 && (causes = get(&mmio->device, VIRTIO_MMIO_INTERRUPT_STATUS))) {
		serve(&mmio->device, causes);
		result = IRQ_HANDLED;
	}
	return result;
}

static int mmio_interrupts_start(struct virtio_device *device, uint16_t nr_queues)
{
	struct virtio_mmio *mmio = to_mmio(device);

	mmio->interrupt = (struct irq_action){
		.handler = mmio_interrupt, .arg = mmio, .name = device->name,
	};
	return irq_line_register_gsi(mmio->place.gsi, mmio->place.trigger, &mmio->interrupt);
}

static void mmio_interrupts_stop(struct virtio_device *device)
{
	irq_line_unregister(&to_mmio(device)->interrupt);
}

static const struct virtio_transport mmio_transport = {
	.name = "virtio-mmio",
	.features = mmio_features,
	.accept = mmio_accept,
	.status = mmio_status,
	.set_status = mmio_set_status,
	.generation = mmio_generation,
	.read = mmio_read,
	.write8 = mmio_write,
	.queue_size_max = mmio_queue_size_max,
	.interrupts_start = mmio_interrupts_start,
	.interrupts_stop = mmio_interrupts_stop,
	.queue_start = mmio_queue_start,
	.queue_stop = mmio_queue_stop,
	.notify = mmio_notify,
};

/* ---- finding them ---------------------------------------------------------------------------- */

/* The id of the device; 0: there is none, or none that we can use. */
static uint32_t look(const struct place *place, const volatile uint8_t *base)
{
	uint32_t magic = mmio_read32(base + VIRTIO_MMIO_MAGIC_VALUE);
	uint32_t version, id;

	if (magic != MAGIC) {
		pr_warn("no device at %#lx: %#x is not its mark\n", place->paddr, magic);
		return 0;
	}
	version = mmio_read32(base + VIRTIO_MMIO_VERSION);
	id = mmio_read32(base + VIRTIO_MMIO_DEVICE_ID);
	if (!id || version == VERSION)
		return id;
	if (version == VERSION_LEGACY)
		pr_warn("%#lx: a legacy device, left alone (QEMU: -global virtio-mmio.force-legacy=false)\n",
		        place->paddr);
	else
		pr_warn("the device at %#lx has version %u: left alone\n", place->paddr, version);
	return 0;
}

static void place_probe(const struct place *place)
{
	struct virtio_mmio *mmio;
	volatile void *base;
	uint32_t id;

	if (place->size <= VIRTIO_MMIO_CONFIG || place->paddr & 3 ||
	    mmio_map(place->paddr, place->size, MMIO_UNCACHED, &base)) {
		pr_warn("%#lx cannot be mapped\n", place->paddr);
		return;
	}
	id = look(place, base);
	if (!id)
		return;
	mmio = kzalloc(sizeof(*mmio), ALLOC_KERNEL);
	if (!mmio)
		return;
	mmio->base = base;
	mmio->place = *place;
	snprintf(mmio->parent, sizeof(mmio->parent), "virtio-mmio@%lx", place->paddr);
	mmio->device.transport = &mmio_transport;
	mmio->device.id = id;
	mmio->device.parent = mmio->parent;
	if (virtio_device_add(&mmio->device))
		kfree(mmio);
}

static int parse_place(const char *value, struct place *place)
{
	uint64_t gsi = 0;
	const char *at = value ? strchr(value, '@') : NULL;
	char size[16];

	if (!at || (size_t)(at - value) >= sizeof(size))
		return -EINVAL;
	memcpy(size, value, (size_t)(at - value));
	size[at - value] = 0;
	if (parse_size(size, &place->size) || parse_u64_prefix(at + 1, 0, &place->paddr, &at) ||
	    *at != ':' || parse_u64_prefix(at + 1, 0, &gsi, &at) || gsi > UINT32_MAX)
		return -EINVAL;
	place->gsi = (uint32_t)gsi;
	place->trigger = gsi < ACPI_ISA_IRQS ? IRQ_TRIGGER_DEFAULT : IRQ_TRIGGER_EDGE_HIGH;
	return *at && *at != ':' ? -EINVAL : 0;
}

static int parse_device(const char *value)
{
	struct place *place = kzalloc(sizeof(*place), ALLOC_ATOMIC);
	int err = place ? parse_place(value, place) : -ENOMEM;

	if (err)
		kfree(place);
	else
		list_add_tail(&places, &place->link);
	return err;
}

CMDLINE_PARAM("virtio_mmio.device", parse_device);

static enum irq_trigger trigger_of(const struct acpi_device *found)
{
	if (!found->is_level)
		return IRQ_TRIGGER_EDGE_HIGH;
	return found->is_active_low ? IRQ_TRIGGER_LEVEL_LOW : IRQ_TRIGGER_LEVEL_HIGH;
}

void virtio_mmio_init(void)
{
	struct acpi_device found;
	struct place *place, *next;

	for (uint32_t n = 0; acpi_device_find("LNRO0005", n, &found); n++) {
		struct place in_acpi = {
			.paddr = found.paddr, .size = found.size, .gsi = found.gsi,
			.trigger = trigger_of(&found),
		};

		place_probe(&in_acpi);
	}
	list_for_each_entry_safe(place, next, &places, link) {
		list_remove(&place->link);
		place_probe(place);
		kfree(place);
	}
}

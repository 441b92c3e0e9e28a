/*
 * The scan of configuration spaces that lie: a host whose functions are bytes in memory, with masks
 * of what can be written, as tests want them.
 */
#include <linux/errno.h>
#include <linux/pci_regs.h>

#include <arch/io.h>

#include "core/ktest.h"
#include "core/printk.h"
#include "dev/pci_impl.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/clock.h"

enum { SEGMENT = 0xfffe, SPACE = 4096, FUNCTIONS = 8, WORDS = SPACE / 4 };

struct fake_function {
	uint8_t  bus, devfn;
	uint32_t words[WORDS], masks[WORDS]; /* mask bits: can be written */
};

static struct {
	struct pci_host      host;
	uint32_t             nr;
	bool                 is_everywhere; /* the first function answers at 0.0 of each bus */
	struct fake_function all[];
} *fake;

static struct fake_function *fake_at(uint8_t bus, uint8_t devfn)
{
	for (uint32_t i = 0; i < fake->nr; i++) {
		struct fake_function *function = &fake->all[i];

		if (function->devfn == devfn && (function->bus == bus || fake->is_everywhere))
			return function;
	}
	return NULL;
}

static uint32_t fake_read(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                          unsigned int size)
{
	const struct fake_function *function = fake_at(bus, devfn);
	uint32_t value = ~0u;

	if (function)
		value = function->words[offset / 4] >> offset % 4 * 8;
	return size == 4 ? value : value & ((1u << size * 8) - 1);
}

static void fake_write(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                       unsigned int size, uint32_t value)
{
	struct fake_function *function = fake_at(bus, devfn);
	uint32_t shift = offset % 4 * 8, mask = size == 4 ? ~0u : (1u << size * 8) - 1;

	if (!function)
		return;
	mask = mask << shift & function->masks[offset / 4];
	function->words[offset / 4] = (function->words[offset / 4] & ~mask) |
	                              (value << shift & mask);
}

static const struct pci_host_ops fake_host_ops = { .read = fake_read, .write = fake_write };

static bool fake_init(void)
{
	fake = kvmalloc(sizeof(*fake) + FUNCTIONS * sizeof(fake->all[0]),
	                ALLOC_KERNEL | ALLOC_ZERO);
	if (!fake)
		return false;
	fake->host = (struct pci_host){
		.ops = &fake_host_ops, .segment = SEGMENT, .bus_last = 255, .config_size = SPACE,
		.memory = { 0xc0000000, 0xc8000000 }, .memory64 = { 1ul << 36, 1ul << 37 },
		.io = { 0xc000, 0xd000 },
	};
	return true;
}

static struct fake_function *fake_add(uint8_t bus, uint8_t devfn, uint8_t header)
{
	struct fake_function *function = &fake->all[fake->nr++];

	function->bus = bus;
	function->devfn = devfn;
	function->words[0] = 0x12341234;
	function->words[PCI_HEADER_TYPE / 4] = (uint32_t)header << 16;
	function->masks[PCI_COMMAND / 4] = 0xffff;
	if (header == PCI_HEADER_TYPE_BRIDGE)
		function->masks[PCI_PRIMARY_BUS / 4] = 0xffffff;
	return function;
}

static void set_bar(struct fake_function *function, unsigned int bar, uint32_t value, uint32_t mask)
{
	function->words[PCI_BASE_ADDRESS_0 / 4 + bar] = value;
	function->masks[PCI_BASE_ADDRESS_0 / 4 + bar] = mask;
}

static void set_buses(struct fake_function *bridge, uint8_t second, uint8_t last)
{
	bridge->words[PCI_PRIMARY_BUS / 4] = (uint32_t)second << 8 | (uint32_t)last << 16;
}

static int scan(void)
{
	int err;

	mutex_lock(&pci.lock);
	err = pci_host_add(&fake->host);
	mutex_unlock(&pci.lock);
	return err;
}

static void fini(int scanned)
{
	mutex_lock(&pci.lock);
	if (!scanned)
		pci_host_remove(&fake->host);
	mutex_unlock(&pci.lock);
	kvfree(fake);
}

static uint32_t nr_found(void)
{
	uint32_t nr = 0;

	for (struct pci_device *dev = pci_device_next(NULL); dev; dev = pci_device_next(dev))
		nr += dev->bus->segment == SEGMENT;
	return nr;
}

/* What a test looks at after everything is gone again. */
static struct pci_device found(uint8_t bus, uint8_t devfn)
{
	struct pci_device *dev = pci_device_lookup(SEGMENT, bus, devfn), copy = { 0 };

	if (!dev)
		return copy;
	pci_resources_find(dev);
	copy = *dev;
	pci_device_put(dev);
	return copy;
}

KTEST(pci_host_where_nothing_answers_is_none)
{
	KTEST_NO_LEAK();
	KTEST_ASSERT(fake_init());
	int err = scan();

	fini(err);
	KTEST_ASSERT(err == -ENODEV);
}

KTEST(pci_bridges_that_lead_to_themselves_are_numbered_anew_and_bounded)
{
	KTEST_NO_LEAK();
	KTEST_ASSERT(fake_init());
	set_buses(fake_add(0, 0, PCI_HEADER_TYPE_BRIDGE), 0, 255);
	fake->is_everywhere = true;
	int err = scan();
	uint32_t nr = nr_found();

	fini(err);
	KTEST_ASSERT(!err && nr > 8 && nr < 32);
}

KTEST(pci_bridges_with_and_without_numbers_share_them_out)
{
	KTEST_NO_LEAK();
	KTEST_ASSERT(fake_init());
	set_buses(fake_add(0, 1 << 3, PCI_HEADER_TYPE_BRIDGE), 3, 5);
	set_buses(fake_add(0, 2 << 3, PCI_HEADER_TYPE_BRIDGE), 0, 0);
	set_buses(fake_add(0, 3 << 3, PCI_HEADER_TYPE_BRIDGE), 3, 3); /* taken */
	set_buses(fake_add(0, 4 << 3, PCI_HEADER_TYPE_BRIDGE), 9, 2); /* upside down */
	fake_add(3, 0, PCI_HEADER_TYPE_NORMAL);
	fake_add(6, 0, PCI_HEADER_TYPE_NORMAL);
	int err = scan();
	struct pci_device behind = found(3, 0), behind_second = found(6, 0);
	uint32_t second = fake->all[1].words[PCI_PRIMARY_BUS / 4];
	uint32_t third = fake->all[2].words[PCI_PRIMARY_BUS / 4];
	uint32_t fourth = fake->all[3].words[PCI_PRIMARY_BUS / 4];

	fini(err);
	KTEST_ASSERT(!err && behind.vendor == 0x1234 && behind_second.vendor == 0x1234);
	KTEST_ASSERT(second == 0x060600 && third == 0x070700 && fourth == 0x080800);
}

KTEST(pci_registers_are_sized_and_nonsense_in_them_is_left_alone)
{
	struct fake_function *function;

	KTEST_NO_LEAK();
	KTEST_ASSERT(fake_init());
	function = fake_add(0, 0, PCI_HEADER_TYPE_NORMAL);
	set_bar(function, 0, 0xc0000000, 0xfffff000);
	set_bar(function, 1, 0xc001, 0xffffff80);
	set_bar(function, 2, 0xc, 0xffff0000);
	set_bar(function, 3, 0x10, 0xffffffff);
	set_bar(function, 4, 0xc1000000, 0xfff0f000); /* with a hole */
	set_bar(function, 5, 4, 0xfffffff0);          /* 64 bits, and no second half */
	function->words[PCI_COMMAND / 4] = PCI_COMMAND_MEMORY;
	int err = scan();
	struct pci_device dev = found(0, 0);
	uint32_t command = function->words[PCI_COMMAND / 4];

	fini(err);
	KTEST_ASSERT(!err && command == PCI_COMMAND_MEMORY);
	KTEST_ASSERT(dev.resources[0].start == 0xc0000000 && dev.resources[0].size == 0x1000);
	KTEST_ASSERT(dev.resources[1].start == 0xc000 && dev.resources[1].size == 0x80);
	KTEST_ASSERT(dev.resources[2].start == 0x1000000000 && dev.resources[2].size == 0x10000);
	KTEST_ASSERT(dev.resources[2].flags == (PCI_RESOURCE_MEMORY | PCI_RESOURCE_PREFETCH |
	                                        PCI_RESOURCE_64));
	KTEST_ASSERT(dev.resources[3].size == 0 && dev.resources[4].size == 0);
	KTEST_ASSERT(dev.resources[5].size == 0);
}

static bool overlap(const struct pci_resource *a, const struct pci_resource *b)
{
	return a->start < b->start + b->size && b->start < a->start + a->size;
}

KTEST(pci_registers_without_a_place_get_one_behind_bridges_too)
{
	struct fake_function *bridge;

	KTEST_NO_LEAK();
	KTEST_ASSERT(fake_init());
	set_bar(fake_add(0, 0, PCI_HEADER_TYPE_NORMAL), 0, 0, 0xffff0000);
	set_bar(fake_add(0, 1 << 3, PCI_HEADER_TYPE_NORMAL), 0, 0xc0000000, 0xfffff000);
	bridge = fake_add(0, 2 << 3, PCI_HEADER_TYPE_BRIDGE);
	bridge->masks[PCI_MEMORY_BASE / 4] = 0xfff0fff0;
	set_bar(fake_add(1, 0, PCI_HEADER_TYPE_NORMAL), 0, 0, 0xffc00000);
	set_bar(&fake->all[3], 1, 1, 0xffffffc0);
	int err = scan();
	struct pci_resource first = found(0, 0).resources[0], second = found(0, 8).resources[0];
	struct pci_resource window = found(0, 16).resources[PCI_WINDOW_MEMORY];
	struct pci_device behind = found(1, 0);
	uint32_t limits = bridge->words[PCI_MEMORY_BASE / 4];
	uint32_t written = fake->all[3].words[PCI_BASE_ADDRESS_0 / 4];

	fini(err);
	KTEST_ASSERT(!err && !(first.flags & PCI_RESOURCE_UNSET) && first.start >= 0xc0000000);
	KTEST_ASSERT(!overlap(&first, &second) && !overlap(&first, &window));
	KTEST_ASSERT(behind.resources[0].start >= window.start && behind.resources[0].size &&
	             behind.resources[0].start + behind.resources[0].size <=
	             window.start + window.size);
	KTEST_ASSERT(written == behind.resources[0].start);
	KTEST_ASSERT((limits & 0xfff0) << 16 == window.start);
	/* the bridge passes no ports */
	KTEST_ASSERT(behind.resources[1].flags & PCI_RESOURCE_UNSET);
}

KTEST(pci_lists_of_capabilities_that_bite_their_tails_end)
{
	struct fake_function *function;
	uint16_t power, msi, again, extended, extended_again;

	KTEST_NO_LEAK();
	KTEST_ASSERT(fake_init());
	function = fake_add(0, 0, PCI_HEADER_TYPE_NORMAL);
	function->words[PCI_STATUS / 4] = PCI_STATUS_CAP_LIST << 16;
	function->words[PCI_CAPABILITY_LIST / 4] = 0x40;
	function->words[0x40 / 4] = PCI_CAP_ID_EXP | 0x50 << 8;
	function->words[0x50 / 4] = PCI_CAP_ID_MSI | 0x60 << 8;
	function->words[0x60 / 4] = PCI_CAP_ID_PM | 0x43 << 8; /* back, and odd */
	function->words[0x100 / 4] = 1 | 1 << 16 | 0x200u << 20;
	function->words[0x200 / 4] = 2 | 1 << 16 | 0x100u << 20;
	int err = scan();
	struct pci_device *dev = pci_device_lookup(SEGMENT, 0, 0);

	power = dev ? dev->power : 0;
	msi = dev ? dev->msi : 0;
	again = dev ? pci_capability_next(dev, PCI_CAP_ID_MSI, msi) : 1;
	extended = dev ? pci_extended_next(dev, 2, 0) : 0;
	extended_again = dev ? pci_extended_next(dev, 2, extended) : 1;
	if (dev)
		pci_device_put(dev);
	fini(err);
	KTEST_ASSERT(!err && power == 0x60 && msi == 0x50 && again == 0);
	KTEST_ASSERT(extended == 0x200 && extended_again == 0);
}

/* ---- noise --------------------------------------------------------------------------------- */

enum { ROUNDS = 60, BUSES = 4 };

static uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ul + 1442695040888963407ul;
	return (uint32_t)(*state >> 32);
}

/* Some of it looks like what is meant, so that more than the first check is passed. */
static void fill(struct fake_function *function, uint64_t *seed)
{
	for (uint32_t i = 0; i < WORDS; i++) {
		function->words[i] = random_next(seed);
		function->masks[i] = random_next(seed) & 1 ? ~0u : random_next(seed);
	}
	function->words[PCI_HEADER_TYPE / 4] &= ~0x7cu << 16;
	function->words[PCI_STATUS / 4] |= PCI_STATUS_CAP_LIST << 16;
	for (uint32_t i = 0; i < PCI_BARS; i++)
		function->masks[PCI_BASE_ADDRESS_0 / 4 + i] = ~0u << random_next(seed) % 32;
	for (uint32_t i = 0x40 / 4; i < 0x100 / 4; i += 2)
		function->words[i] = (function->words[i] & ~0xe0e0u) | 0x4000;
}

/* What drivers and readers of /sys do. */
static void use(struct pci_device *dev)
{
	volatile void *base;
	int err;

	pci_resources_get(dev);
	(void)!pci_bar_map(dev, dev->devfn >> 3 & 7, 0, 16, &base);
	(void)pci_bar_port(dev, dev->devfn >> 3 & 7);
	err = pci_enable(dev);
	if (!err)
		pci_disable(dev);
	for (uint16_t at = 0; (at = pci_capability_next(dev, PCI_CAP_ID_VNDR, at));)
		;
	for (uint16_t at = 0; (at = pci_extended_next(dev, 1, at));)
		;
}

KTEST(pci_spaces_of_noise_are_scanned_used_and_given_back)
{
	uint32_t nr = 0;

	KTEST_NO_LEAK();
	for (uint64_t round = 0, seed = 1; round < ROUNDS; round++) {
		KTEST_ASSERT(fake_init());
		for (uint32_t i = 0; i < FUNCTIONS; i++) {
			uint32_t place = random_next(&seed);

			fill(fake_add((uint8_t)(i / 2 % BUSES), (uint8_t)(place & 0xf8), 0), &seed);
		}
		int err = scan();

		mutex_lock(&pci.lock);
		for (struct pci_device *dev = pci_device_next(NULL); dev;
		     dev = pci_device_next(dev)) {
			if (dev->bus->segment != SEGMENT)
				continue;
			use(dev);
			nr++;
		}
		mutex_unlock(&pci.lock);
		fini(err);
	}
	KTEST_ASSERT(nr > ROUNDS);
}

/* ---- real ones, as far as the machine has them --------------------------------------------- */

enum { EDU_VENDOR = 0x1234, EDU_DEVICE = 0x11e8, EDU_ID = 0x010000ed, EDU_BYTES = 256,
       EDU_STATUS = 0x24, EDU_RAISE = 0x60, EDU_ACKNOWLEDGE = 0x64 };

struct edu {
	struct pci_device *dev;
	volatile uint8_t  *registers;
	uint32_t           nr_calls, cpu;
	struct irq_action  action;
};

static enum irq_result edu_interrupt(void *arg)
{
	struct edu *edu = arg;
	uint32_t status = mmio_read32(edu->registers + EDU_STATUS);

	if (!status)
		return IRQ_NOT_MINE;
	mmio_write32(edu->registers + EDU_ACKNOWLEDGE, status);
	edu->cpu = cpu_id();
	atomic_inc(&edu->nr_calls);
	return IRQ_HANDLED;
}

static struct pci_device *find(uint16_t vendor, uint16_t device)
{
	struct pci_device *dev = pci_device_next(NULL);

	while (dev && (dev->vendor != vendor || dev->device != device))
		dev = pci_device_next(dev);
	return dev;
}

/* How often it was heard, of two times that it calls. */
static uint32_t edu_calls(struct edu *edu, uint32_t cpu, int *err)
{
	edu->nr_calls = 0;
	*err = pci_messages_alloc(edu->dev, 1, 4);
	if (*err < 0)
		return 0;
	*err = pci_message_register(edu->dev, 0, cpu, &edu->action);
	for (uint32_t i = 1; i <= 2 && !*err; i++) {
		mmio_write32(edu->registers + EDU_RAISE, 1);
		for (ns_t end = clock_monotonic() + NS_PER_SEC;
		     atomic_load(&edu->nr_calls) < i && clock_monotonic() < end;)
			cpu_relax();
	}
	if (!*err)
		pci_message_unregister(edu->dev, 0, &edu->action);
	pci_messages_free(edu->dev);
	return edu->nr_calls;
}

KTEST(pci_edu_interrupts_by_message_and_by_line)
{
	uint32_t by_message = 2, by_line = 2, id = EDU_ID, cpu = nr_cpus() - 1, at = cpu;
	struct edu edu = { .dev = find(EDU_VENDOR, EDU_DEVICE) };
	int err = 0, line_err = 0, reset = -ENOTTY;
	volatile void *base;
	uint16_t msi;

	if (!edu.dev)
		return;
	KTEST_NO_LEAK();
	mutex_lock(&pci.lock);
	err = pci_enable(edu.dev);
	if (!err)
		err = pci_bar_map(edu.dev, 0, 0, EDU_BYTES, &base);
	if (!err) {
		edu.registers = base;
		edu.action = (struct irq_action){ edu_interrupt, &edu, "edu", NULL, NULL };
		pci_set_bus_master(edu.dev, true);
		id = mmio_read32(edu.registers);
		by_message = edu_calls(&edu, cpu, &err);
		at = edu.cpu;
		msi = edu.dev->msi;
		edu.dev->msi = 0;
		if (edu.dev->irq)
			by_line = edu_calls(&edu, cpu, &line_err);
		edu.dev->msi = msi;
		reset = pci_reset(edu.dev);
		pci_disable(edu.dev);
	}
	mutex_unlock(&pci.lock);
	pci_device_put(edu.dev);
	KTEST_ASSERT(!err && id == EDU_ID && by_message == 2 && at == cpu);
	KTEST_ASSERT(!line_err && by_line == 2);
	KTEST_ASSERT(reset == -ENOTTY);
}

enum { NR_KEPT = 7 };

static void read_kept(const struct pci_device *dev, uint32_t kept[NR_KEPT])
{
	kept[0] = pci_read32(dev, PCI_COMMAND);
	for (uint32_t i = 0; i < PCI_BARS; i++)
		kept[i + 1] = pci_read32(dev, PCI_BASE_ADDRESS_0 + 4 * i);
}

/* Whatever has no driver, and can. */
KTEST(pci_reset_keeps_the_configuration)
{
	uint32_t nr_reset = 0, nr_changed = 0, before[NR_KEPT], after[NR_KEPT];

	mutex_lock(&pci.lock);
	for (struct pci_device *dev = pci_device_next(NULL); dev; dev = pci_device_next(dev)) {
		if (dev->driver || dev->below || !dev->express)
			continue;
		read_kept(dev, before);
		if (pci_reset(dev))
			continue;
		nr_reset++;
		read_kept(dev, after);
		nr_changed += memcmp(before, after, sizeof(after)) != 0;
	}
	mutex_unlock(&pci.lock);
	KTEST_ASSERT(nr_changed == 0);
	if (nr_reset)
		pr_info("pci: %u functions were reset\n", nr_reset);
}

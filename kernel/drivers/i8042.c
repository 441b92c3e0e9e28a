/*
 * The PS/2 controller and its keyboard. See drivers/i8042.h; IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device Controller".
 *
 * Every wait is bounded, for the hardware may be absent, broken or emulated badly. While the
 * machine starts, commands are sent with polling and their acknowledgements waited for; later the
 * only command is the one for the lights, whose second byte the interrupt sends when the first is
 * acknowledged.
 *
 * Locking: `lock` (RANK_IRQ_LEAF, irq-safe) over the ports and the decoder. Keys are reported
 * without it.
 */
#define pr_fmt(fmt) "i8042: " fmt

#include "drivers/i8042.h"

#include <arch/acpi.h>
#include <arch/io.h>

#include "core/printk.h"
#include "core/spinlock.h"
#include "dev/irq_line.h"
#include "dev/keyboard.h"
#include "dev/scancode.h"
#include "sched/clock.h"

enum {
	DATA = 0x60, COMMAND = 0x64, STATUS = 0x64, IRQ = 1,
	STATUS_OUTPUT = 1 << 0, STATUS_INPUT = 1 << 1, STATUS_AUX = 1 << 5,
	READ_CONFIG = 0x20, WRITE_CONFIG = 0x60, DISABLE_AUX = 0xa7, DISABLE_KEYBOARD = 0xad,
	ENABLE_KEYBOARD = 0xae,
	CONFIG_KEYBOARD_IRQ = 1 << 0, CONFIG_AUX_IRQ = 1 << 1, CONFIG_KEYBOARD_OFF = 1 << 4,
	CONFIG_TRANSLATE = 1 << 6,
	SET_LIGHTS = 0xed, ENABLE_SCANNING = 0xf4, SET_DEFAULTS = 0xf6, ACKNOWLEDGE = 0xfa,
	RESEND = 0xfe,
	SPINS = 1000000,   /* in case the clock stands still */
	STALE_BYTES = 64,  /* that firmware may have left */
	ANSWER_BYTES = 8,  /* before the acknowledgement: keys, and resends */
	BYTES_PER_INTERRUPT = 32,
};

#define CONTROLLER_NS (10 * NS_PER_MSEC)  /* in which it takes or gives a byte */
#define KEYBOARD_NS   (100 * NS_PER_MSEC) /* in which a keyboard answers */

enum light_state { LIGHTS_IDLE, LIGHTS_COMMANDED, LIGHTS_SENT };

static struct {
	struct spinlock         lock;
	struct scancode_decoder decoder __guarded_by(lock);
	enum light_state        state __guarded_by(lock);
	uint8_t                 lights __guarded_by(lock);     /* that are wanted */
	bool                    is_stale __guarded_by(lock);   /* changed since they were sent */
	struct irq_action       action;
} i8042 = { .lock = SPINLOCK(RANK_IRQ_LEAF) };

/* ---- ports ----------------------------------------------------------------------------------- */

static bool wait_status(uint8_t mask, uint8_t value, ns_t limit_ns)
{
	ns_t deadline_ns = clock_monotonic() + limit_ns;

	for (int i = 0; i < SPINS; i++) {
		if ((inb(STATUS) & mask) == value)
			return true;
		if (clock_monotonic() > deadline_ns)
			break;
		cpu_relax();
	}
	return false;
}

static bool write_to(uint16_t port, uint8_t value)
{
	if (!wait_status(STATUS_INPUT, 0, CONTROLLER_NS))
		return false;
	outb(port, value);
	return true;
}

static bool read_data(uint8_t *value, ns_t limit_ns)
{
	if (!wait_status(STATUS_OUTPUT, STATUS_OUTPUT, limit_ns))
		return false;
	*value = inb(DATA);
	return true;
}

/* To the keyboard, while it is not listened to by interrupts; bytes of keys in between are lost. */
static bool command_keyboard(uint8_t command)
{
	uint8_t answer = 0;

	if (!write_to(DATA, command))
		return false;
	for (int i = 0; i < ANSWER_BYTES && answer != ACKNOWLEDGE; i++) {
		if (!read_data(&answer, KEYBOARD_NS))
			return false;
	}
	return answer == ACKNOWLEDGE;
}

/* ---- lights ---------------------------------------------------------------------------------- */

/* Also when an answer is overdue: a keyboard takes the command again, whatever it waits for. */
static void start_lights_locked(void)
{
	if (!i8042.is_stale || inb(STATUS) & STATUS_INPUT)
		return;
	outb(DATA, SET_LIGHTS);
	i8042.state = LIGHTS_COMMANDED;
}

/* An answer to the lights' command. */
static void go_on_with_lights_locked(uint8_t answer)
{
	if (answer == ACKNOWLEDGE && i8042.state == LIGHTS_COMMANDED &&
	    !(inb(STATUS) & STATUS_INPUT)) {
		i8042.is_stale = false;
		i8042.state = LIGHTS_SENT;
		outb(DATA, i8042.lights);
		return;
	}
	i8042.state = LIGHTS_IDLE;
	if (answer == ACKNOWLEDGE)
		start_lights_locked();
}

static void set_lights(struct keyboard *keyboard, uint8_t lights)
{
	uint64_t flags = spin_lock_irqsave(&i8042.lock);

	i8042.lights = lights;
	i8042.is_stale = true;
	start_lights_locked();
	spin_unlock_irqrestore(&i8042.lock, flags);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Takes one byte. 0: there is none; 1: it is no key; 2: a key. */
static int take_byte(uint16_t *key, bool *is_down)
{
	bool is_key = false;
	uint8_t status, byte;

	spin_lock(&i8042.lock);
	status = inb(STATUS);
	if (!(status & STATUS_OUTPUT)) {
		spin_unlock(&i8042.lock);
		return 0;
	}
	byte = inb(DATA);
	if (i8042.state != LIGHTS_IDLE && (byte == ACKNOWLEDGE || byte == RESEND))
		go_on_with_lights_locked(byte);
	else if (!(status & STATUS_AUX) && byte != ACKNOWLEDGE && byte != RESEND)
		is_key = scancode_decode(&i8042.decoder, byte, key, is_down);
	spin_unlock(&i8042.lock);
	return is_key ? 2 : 1;
}

static enum irq_result i8042_interrupt(void *arg)
{
	uint16_t key;
	bool is_down;
	int what;

	for (int i = 0; i < BYTES_PER_INTERRUPT; i++) {
		what = take_byte(&key, &is_down);
		if (!what)
			break;
		if (what == 2)
			keyboard_report(key, is_down);
	}
	return IRQ_HANDLED;
}

/* ---- finding it ------------------------------------------------------------------------------ */

static void drop_stale_bytes(void)
{
	for (int i = 0; i < STALE_BYTES && inb(STATUS) & STATUS_OUTPUT; i++)
		(void)inb(DATA);
}

static bool has_controller(void)
{
	return !acpi.no_keyboard_controller && inb(STATUS) != 0xff;
}

/* The controller answers; both ports are off. */
static bool read_config(uint8_t *config)
{
	if (!write_to(COMMAND, DISABLE_KEYBOARD) || !write_to(COMMAND, DISABLE_AUX))
		return false;
	drop_stale_bytes();
	return write_to(COMMAND, READ_CONFIG) && read_data(config, CONTROLLER_NS) &&
	       *config != 0xff;
}

static bool write_config(uint8_t config)
{
	return write_to(COMMAND, WRITE_CONFIG) && write_to(DATA, config) &&
	       wait_status(STATUS_INPUT, 0, CONTROLLER_NS);
}

static bool has_keyboard(void)
{
	uint8_t config;

	if (!read_config(&config))
		return false;
	config &= (uint8_t)~(CONFIG_KEYBOARD_IRQ | CONFIG_AUX_IRQ | CONFIG_KEYBOARD_OFF);
	config |= CONFIG_TRANSLATE;
	return write_config(config) && write_to(COMMAND, ENABLE_KEYBOARD) &&
	       command_keyboard(SET_DEFAULTS) && command_keyboard(ENABLE_SCANNING) &&
	       write_config(config | CONFIG_KEYBOARD_IRQ);
}

static struct keyboard keyboard = { .name = "PS/2 keyboard", .set_lights = set_lights };

void i8042_init(void)
{
	if (!has_controller() || !has_keyboard())
		return;
	if (!keyboard_register(&keyboard))
		return;
	i8042.action = (struct irq_action){ .handler = i8042_interrupt, .name = "i8042" };
	if (irq_line_register_isa(IRQ, &i8042.action)) {
		pr_warn("the keyboard's interrupt cannot be routed\n");
		return;
	}
	/* an edge that came before is not repeated */
	uint64_t flags = irq_save();

	(void)i8042_interrupt(NULL);
	irq_restore(flags);
	pr_info("a PS/2 keyboard, IRQ %d\n", IRQ);
}

/*
 * The screen as a terminal. See tty/screen.h.
 */
#define pr_fmt(fmt) "screen: " fmt

#include "tty/screen.h"

#include <linux/errno.h>

#include "core/printk.h"
#include "core/sysrq.h"
#include "dev/font.h"
#include "dev/keyboard.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "mem/vmalloc.h"
#include "proc/ctrl_alt_del.h"
#include "tty/termios.h"
#include "tty/tty_impl.h"

enum {
	OUTPUT_ROOM = 4096, OUTPUT_CHUNK = 32, /* bytes for which interrupts are off */
	COLUMNS_MIN = 16, LINES_MIN = 2,
	SCALE_WIDTH = 1920, SCALE_HEIGHT = 1080, /* from twice of that on, pixels are doubled */
};

static struct screen *screen_made __const_after_init;
static const struct tty_ops screen_tty_ops;

static struct screen *to_screen(const struct tty *tty)
{
	return container_of(tty, struct screen, tty);
}

struct screen *screen_find(void)
{
	return screen_made;
}

/* ---- input ----------------------------------------------------------------------------------- */

/* All of the bytes, or none. */
static void put_input_locked(struct screen *screen, const uint8_t *bytes, size_t n)
{
	if (n <= ring_space(&screen->input))
		ring_write(&screen->input, bytes, n);
}

static void put_answer(struct screen *screen, const uint8_t *bytes, size_t n)
{
	uint64_t flags = spin_lock_irqsave(&screen->input_lock);

	put_input_locked(screen, bytes, n);
	spin_unlock_irqrestore(&screen->input_lock, flags);
	work_queue_sleeping(&screen->input_work);
}

static unsigned int modes_of(const struct emulator *emulator)
{
	return (READ_ONCE(emulator->has_application_cursor) ? KEYMAP_APPLICATION_CURSOR : 0) |
	       (READ_ONCE(emulator->has_application_keypad) ? KEYMAP_APPLICATION_KEYPAD : 0) |
	       (READ_ONCE(emulator->newline_returns) ? KEYMAP_NEWLINE : 0);
}

static uint8_t lights_of(const struct keymap *map)
{
	return (uint8_t)((map->has_caps_lock ? KEYBOARD_CAPS_LOCK : 0) |
	                 (map->has_num_lock ? KEYBOARD_NUM_LOCK : 0));
}

/* In the keyboard's interrupt. */
static void key_pressed(uint16_t key, bool is_down)
{
	struct screen *screen = screen_made;
	struct keymap_result result;
	uint8_t lights;
	uint64_t flags = spin_lock_irqsave(&screen->input_lock);

	keymap_press(&screen->keymap, key, is_down, modes_of(&screen->emulator), &result);
	put_input_locked(screen, result.bytes, result.len);
	lights = lights_of(&screen->keymap);
	spin_unlock_irqrestore(&screen->input_lock, flags);
	if (result.len)
		work_queue_sleeping(&screen->input_work);
	if (result.action == KEYMAP_LIGHTS)
		keyboard_set_lights(lights);
	else if (result.action == KEYMAP_REBOOT)
		ctrl_alt_del_press();
	else if (result.action == KEYMAP_SYSRQ)
		sysrq_press_masked((char)result.bytes[0]);
}

static const struct keyboard_client keyboard_client = { .key = key_pressed };

static void feed(struct work *work)
{
	struct screen *screen = container_of(work, struct screen, input_work);

	mutex_lock(&screen->tty.lock);
	tty_pump(&screen->tty);
	tty_output_ready(&screen->tty);
	mutex_unlock(&screen->tty.lock);
}

static size_t screen_fetch(struct tty *tty, uint8_t *bytes, uint8_t *errors, size_t n)
{
	struct screen *screen = to_screen(tty);
	uint64_t flags = spin_lock_irqsave(&screen->input_lock);
	size_t count = ring_read(&screen->input, bytes, n);

	spin_unlock_irqrestore(&screen->input_lock, flags);
	for (size_t i = 0; i < count; i++)
		errors[i] = LDISC_OK;
	return count;
}

static void screen_flush_input(struct tty *tty)
{
	struct screen *screen = to_screen(tty);
	uint64_t flags = spin_lock_irqsave(&screen->input_lock);

	ring_clear(&screen->input);
	spin_unlock_irqrestore(&screen->input_lock, flags);
}

/* ---- output ---------------------------------------------------------------------------------- */

static size_t screen_room(struct tty *tty)
{
	return OUTPUT_ROOM;
}

static void write_chunk(struct screen *screen, const uint8_t *bytes, size_t n)
{
	uint8_t answer[EMULATOR_ANSWER_MAX];
	uint64_t flags = spin_lock_irqsave(&screen->lock);
	size_t len;

	emulator_write(&screen->emulator, bytes, n);
	len = emulator_take_answer(&screen->emulator, answer);
	spin_unlock_irqrestore(&screen->lock, flags);
	if (len)
		put_answer(screen, answer, len);
}

static size_t screen_output(struct tty *tty, const uint8_t *bytes, size_t n)
{
	struct screen *screen = to_screen(tty);

	for (size_t done = 0; done < n; done += OUTPUT_CHUNK)
		write_chunk(screen, bytes + done, min(n - done, (size_t)OUTPUT_CHUNK));
	screen_request_draw(screen);
	return n;
}

/* Output is done when it is written: nothing waits, nothing is stopped half-way. */
static void screen_flush_output(struct tty *tty)
{
}

static void screen_set_stopped(struct tty *tty, bool stopped)
{
}

/* ---- the log --------------------------------------------------------------------------------- */

/* Once a line has been dropped, so are all that follow. */
static bool fits_in_panic(struct screen *screen, size_t n)
{
	const struct grid *grid = screen->emulator.grid;

	screen->panic_rows += (uint32_t)(n / grid->nr_columns) + 1;
	return screen->panic_rows < grid->nr_lines;
}

void screen_write_log(struct screen *screen, const char *text, size_t n)
{
	uint64_t flags;

	if (log_in_panic()) {
		if (!fits_in_panic(screen, n))
			return;
		emulator_write_log(&screen->emulator, text, n);
		screen_draw(screen, false);
		return;
	}
	flags = spin_lock_irqsave(&screen->lock);
	emulator_write_log(&screen->emulator, text, n);
	spin_unlock_irqrestore(&screen->lock, flags);
	if (READ_ONCE(screen->defers))
		atomic_store_relaxed(&screen->has_log_news, true);
	else
		screen_draw(screen, true);
}

/* After the log wrote, where threads may be woken. */
static void log_has_written(void)
{
	struct screen *screen = screen_made;

	if (READ_ONCE(screen->has_log_news) && atomic_xchg(&screen->has_log_news, false))
		screen_request_draw(screen);
}

void screen_flush(struct screen *screen)
{
	screen_draw(screen, true);
	atomic_store_relaxed(&screen->defers, false);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int screen_open(struct inode *inode, struct file *file)
{
	/* tty0 is "the console in front", which nobody gets as his own by looking at it */
	unsigned int how = dev_minor(inode->rdev) == 0 ? TTY_OPEN_NOCTTY : 0;

	return tty_file_open(&screen_made->tty, file, how);
}

static const struct file_ops screen_file_ops = { .open = screen_open };

static int add_device(struct screen *screen, unsigned int minor, const char *name,
                      const char *class_name)
{
	struct chardev *device = &screen->devices[minor];

	*device = (struct chardev){
		.first = dev_make(TTY_MAJOR_SERIAL, minor), .name = name, .class_name = class_name,
		.mode = 0600, .ops = &screen_file_ops,
	};
	return chardev_register(device);
}

/* ---- making it ------------------------------------------------------------------------------- */

static int make_cells(struct screen *screen, uint32_t nr_lines, uint32_t nr_columns)
{
	size_t size = (emulator_memory(nr_lines, nr_columns) + 7) & ~(size_t)7;
	size_t nr_drawn = (size_t)nr_lines * nr_columns;
	uint8_t *memory = vzalloc(size + (nr_drawn + nr_columns) * sizeof(struct cell),
	                          ALLOC_KERNEL);

	if (!memory)
		return -ENOMEM;
	emulator_init(&screen->emulator, memory, nr_lines, nr_columns);
	screen->drawn = (struct cell *)(void *)(memory + size);
	screen->wanted = screen->drawn + nr_drawn;
	return 0;
}

static void set_up_tty(struct screen *screen)
{
	const struct grid *grid = screen->emulator.grid;
	struct termios2 settings = termios_default;

	settings.c_iflag |= IUTF8;
	tty_init(&screen->tty, &screen_tty_ops, dev_make(TTY_MAJOR_SERIAL, 1), &settings);
	screen->tty.size = (struct winsize){
		.ws_row = (unsigned short)grid->nr_lines,
		.ws_col = (unsigned short)grid->nr_columns,
		.ws_xpixel = (unsigned short)screen->fb->width,
		.ws_ypixel = (unsigned short)screen->fb->height,
	};
}

static int set_up(struct screen *screen, const struct framebuffer *fb)
{
	uint32_t scale = max(min(fb->width / SCALE_WIDTH, fb->height / SCALE_HEIGHT), 1u);
	uint32_t nr_columns = min(fb->width / (FONT_WIDTH * scale), (uint32_t)GRID_COLUMNS_MAX);
	uint32_t nr_lines = min(fb->height / (FONT_HEIGHT * scale), (uint32_t)GRID_LINES_MAX);
	int err;

	if (nr_columns < COLUMNS_MIN || nr_lines < LINES_MIN)
		return -ERANGE;
	screen->fb = fb;
	screen->scale = scale;
	spin_lock_init(&screen->lock, RANK_SINK);
	spin_lock_init(&screen->input_lock, RANK_UART);
	ring_init(&screen->input, screen->input_bytes, sizeof(screen->input_bytes));
	work_init(&screen->input_work, feed);
	screen_draw_init(screen);
	err = make_cells(screen, nr_lines, nr_columns);
	if (err)
		return err;
	screen->defers = true; /* the log that is shown again is drawn when all of it is there */
	set_up_tty(screen);
	return 0;
}

void screen_init(void)
{
	const struct framebuffer *fb = framebuffer_find();
	struct screen *screen = fb ? kzalloc(sizeof(*screen), ALLOC_KERNEL) : NULL;
	int err = screen ? set_up(screen, fb) : -ENOMEM;

	if (!fb)
		return;
	if (err) {
		pr_err("no terminal on %ux%u (error %d)\n", fb->width, fb->height, err);
		kfree(screen);
		return;
	}
	screen_made = screen;
	framebuffer_fill_rest(fb, screen->emulator.grid->nr_columns * FONT_WIDTH * screen->scale,
	                      screen->emulator.grid->nr_lines * FONT_HEIGHT * screen->scale,
	                      framebuffer_pixel(fb, 0));
	if (add_device(screen, 0, "tty0", "/dev/vc/0") || add_device(screen, 1, "tty1", "tty"))
		pr_err("the numbers of /dev/tty0 or /dev/tty1 are taken\n");
	keyboard_set_client(&keyboard_client);
	log_add_wake(log_has_written);
	pr_info("tty1 has %u columns, %u lines\n", screen->emulator.grid->nr_columns,
	        screen->emulator.grid->nr_lines);
}

static const struct tty_ops screen_tty_ops = {
	.room = screen_room,
	.output = screen_output,
	.fetch = screen_fetch,
	.flush_input = screen_flush_input,
	.flush_output = screen_flush_output,
	.set_stopped = screen_set_stopped,
	.ioctl = screen_ioctl,
};

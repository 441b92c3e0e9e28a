/*
 * Drawing the screen: what has changed, when there is time. See tty/screen.h.
 */
#include "core/printk.h"
#include "dev/font.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "tty/screen.h"

static bool is_same(const struct cell *a, const struct cell *b)
{
	return a->code == b->code && a->ink == b->ink && a->paper == b->paper;
}

static void draw_cell(const struct screen *screen, uint32_t line, uint32_t column,
                      const struct cell *cell)
{
	const struct framebuffer *fb = screen->fb;
	bool has_cursor = cell->code & CELL_CURSOR;
	struct glyph_style style = {
		.ink = framebuffer_pixel(fb, has_cursor ? cell->paper : cell->ink),
		.paper = framebuffer_pixel(fb, has_cursor ? cell->ink : cell->paper),
		.scale = screen->scale,
		.is_underlined = cell->code & CELL_UNDERLINE,
	};

	framebuffer_draw_glyph(fb, column * FONT_WIDTH * screen->scale,
	                       line * FONT_HEIGHT * screen->scale,
	                       font_glyph(cell->code & CELL_CODE), &style);
}

/* A cursor on a cell whose ink is its paper would not be seen. */
static void show_cursor(struct cell *cell)
{
	if (cell->code & CELL_CURSOR && cell->ink == cell->paper)
		cell->ink = ~cell->paper & 0xffffff;
}

static void draw_line(struct screen *screen, uint32_t line)
{
	uint32_t nr_columns = screen->emulator.grid->nr_columns;
	struct cell *drawn = screen->drawn + (size_t)line * nr_columns, *wanted = screen->wanted;

	screen->emulator.grid->is_dirty[line] = 0;
	emulator_compose(&screen->emulator, line, wanted);
	for (uint32_t column = 0; column < nr_columns; column++) {
		show_cursor(&wanted[column]);
		if (is_same(&wanted[column], &drawn[column]))
			continue;
		draw_cell(screen, line, column, &wanted[column]);
		drawn[column] = wanted[column];
	}
}

static void draw_line_with_lock(struct screen *screen, uint32_t line)
{
	uint64_t flags = spin_lock_irqsave(&screen->lock);

	draw_line(screen, line);
	spin_unlock_irqrestore(&screen->lock, flags);
}

void screen_draw(struct screen *screen, bool takes_lock)
{
	for (uint32_t line = 0; line < screen->emulator.grid->nr_lines; line++) {
		if (!READ_ONCE(READ_ONCE(screen->emulator.grid)->is_dirty[line]))
			continue;
		if (takes_lock)
			draw_line_with_lock(screen, line);
		else
			draw_line(screen, line);
	}
}

static void draw(struct work *work)
{
	struct screen *screen = container_of(work, struct screen, draw_work);

	/* before the cells are looked at: what changes from here on asks again */
	atomic_store(&screen->is_draw_due, false);
	screen_draw(screen, true);
	atomic_store_relaxed(&screen->last_draw_ns, clock_monotonic());
	if (!READ_ONCE(screen->defers))
		atomic_store_relaxed(&screen->defers, true);
}

static void draw_time_has_come(struct timer *timer)
{
	work_queue_sleeping(&container_of(timer, struct screen, timer)->draw_work);
}

void screen_request_draw(struct screen *screen)
{
	ns_t next_ns = atomic_load_relaxed(&screen->last_draw_ns) + SCREEN_DRAW_INTERVAL_NS;

	if (atomic_xchg(&screen->is_draw_due, true))
		return;
	if (clock_monotonic() >= next_ns)
		work_queue_sleeping(&screen->draw_work);
	else
		timer_start(&screen->timer, next_ns);
}

void screen_draw_init(struct screen *screen)
{
	timer_init(&screen->timer, draw_time_has_come);
	work_init(&screen->draw_work, draw);
}

/*
 * Cells of a text screen. See tty/grid.h.
 */
#include "tty/grid.h"

#include "lib/math.h"
#include "lib/string.h"

static size_t cells_size(uint32_t nr_lines, uint32_t nr_columns)
{
	return ((size_t)nr_lines * nr_columns * sizeof(struct cell) + 7) & ~(size_t)7;
}

size_t grid_memory(uint32_t nr_lines, uint32_t nr_columns)
{
	return cells_size(nr_lines, nr_columns) + (size_t)nr_lines * (sizeof(uint16_t) + 1);
}

void grid_init(struct grid *grid, void *memory, uint32_t nr_lines, uint32_t nr_columns,
               const struct cell *blank)
{
	uint8_t *bytes = memory;

	grid->nr_lines = nr_lines;
	grid->nr_columns = nr_columns;
	grid->cells = memory;
	grid->order = (uint16_t *)(void *)(bytes + cells_size(nr_lines, nr_columns));
	grid->is_dirty = (uint8_t *)(grid->order + nr_lines);
	for (uint32_t line = 0; line < nr_lines; line++)
		grid->order[line] = (uint16_t)line;
	grid_fill_lines(grid, 0, nr_lines, blank);
}

void grid_mark_all(struct grid *grid)
{
	memset(grid->is_dirty, 1, grid->nr_lines);
}

void grid_fill(struct grid *grid, uint32_t line, uint32_t start, uint32_t end,
               const struct cell *with)
{
	struct cell *cells = grid_line(grid, line);

	end = min(end, grid->nr_columns);
	for (uint32_t column = start; column < end; column++)
		cells[column] = *with;
	grid_mark(grid, line);
}

void grid_fill_lines(struct grid *grid, uint32_t start, uint32_t end, const struct cell *with)
{
	end = min(end, grid->nr_lines);
	for (uint32_t line = start; line < end; line++)
		grid_fill(grid, line, 0, grid->nr_columns, with);
}

/* The first n numbers of the order go behind the others. */
static void rotate(uint16_t *order, uint32_t count, uint32_t n)
{
	uint16_t kept[GRID_LINES_MAX];

	memcpy(kept, order, n * sizeof(*order));
	memmove(order, order + n, (count - n) * sizeof(*order));
	memcpy(order + count - n, kept, n * sizeof(*order));
}

void grid_scroll_up(struct grid *grid, uint32_t top, uint32_t bottom, uint32_t n,
                    const struct cell *blank)
{
	bottom = min(bottom, grid->nr_lines);
	if (top >= bottom || !n)
		return;
	n = min(n, bottom - top);
	rotate(grid->order + top, bottom - top, n);
	memset(grid->is_dirty + top, 1, bottom - top);
	grid_fill_lines(grid, bottom - n, bottom, blank);
}

void grid_scroll_down(struct grid *grid, uint32_t top, uint32_t bottom, uint32_t n,
                      const struct cell *blank)
{
	bottom = min(bottom, grid->nr_lines);
	if (top >= bottom || !n)
		return;
	n = min(n, bottom - top);
	rotate(grid->order + top, bottom - top, bottom - top - n);
	memset(grid->is_dirty + top, 1, bottom - top);
	grid_fill_lines(grid, top, top + n, blank);
}

void grid_insert(struct grid *grid, uint32_t line, uint32_t column, uint32_t n,
                 const struct cell *blank)
{
	struct cell *cells = grid_line(grid, line);

	if (column >= grid->nr_columns)
		return;
	n = min(n, grid->nr_columns - column);
	memmove(cells + column + n, cells + column,
	        (grid->nr_columns - column - n) * sizeof(*cells));
	grid_fill(grid, line, column, column + n, blank);
}

void grid_delete(struct grid *grid, uint32_t line, uint32_t column, uint32_t n,
                 const struct cell *blank)
{
	struct cell *cells = grid_line(grid, line);

	if (column >= grid->nr_columns)
		return;
	n = min(n, grid->nr_columns - column);
	memmove(cells + column, cells + column + n,
	        (grid->nr_columns - column - n) * sizeof(*cells));
	grid_fill(grid, line, grid->nr_columns - n, grid->nr_columns, blank);
}

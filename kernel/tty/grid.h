/*
 * The cells of a text screen: what is where, before anything is drawn.
 *
 * A line of the screen is a row of cells that `order` names, so that scrolling moves numbers, not
 * cells. Every change marks its lines in `is_dirty`, which whoever draws clears.
 *
 * Pure: no locks (the caller's guards all of it), no allocation. Lines and columns count from 0;
 * arguments outside the screen are cut to it, for they come from programs.
 */
#pragma once

#include "lib/types.h"

enum { GRID_LINES_MAX = 512, GRID_COLUMNS_MAX = 1024 };

/* The upper bits of cell.code: how the character is drawn. */
#define CELL_CODE      0x1fffffu
#define CELL_UNDERLINE (1u << 24)
#define CELL_CURSOR    (1u << 25) /* only in what has been drawn */

/* Colours are 0xRRGGBB. */
struct cell {
	uint32_t code; /* a character, and CELL_* */
	uint32_t ink;
	uint32_t paper;
};

struct grid {
	uint32_t     nr_lines __const_after_init, nr_columns __const_after_init;
	struct cell *cells __const_after_init;    /* nr_lines rows of nr_columns */
	uint16_t    *order __const_after_init;    /* for each line the row that it shows */
	uint8_t     *is_dirty __const_after_init; /* for each line: changed since it was drawn */
};

/* Bytes that grid_init() wants for a screen of this size, within GRID_*_MAX. */
size_t grid_memory(uint32_t nr_lines, uint32_t nr_columns);
/* The memory is aligned to 8 and stays the caller's. All cells are blank. */
void grid_init(struct grid *grid, void *memory, uint32_t nr_lines, uint32_t nr_columns,
               const struct cell *blank);

/* The first cell of a line below nr_lines. */
static inline struct cell *grid_line(const struct grid *grid, uint32_t line)
{
	return &grid->cells[(size_t)grid->order[line] * grid->nr_columns];
}

static inline void grid_mark(struct grid *grid, uint32_t line)
{
	grid->is_dirty[line] = 1;
}

void grid_mark_all(struct grid *grid);

/* Columns from `start` up to, not with, `end`. */
void grid_fill(struct grid *grid, uint32_t line, uint32_t start, uint32_t end,
               const struct cell *with);
/* Lines from `start` up to, not with, `end`. */
void grid_fill_lines(struct grid *grid, uint32_t start, uint32_t end, const struct cell *with);

/* The lines [top, bottom) move up or down by n; what is pushed out is lost, what comes is blank. */
void grid_scroll_up(struct grid *grid, uint32_t top, uint32_t bottom, uint32_t n,
                    const struct cell *blank);
void grid_scroll_down(struct grid *grid, uint32_t top, uint32_t bottom, uint32_t n,
                      const struct cell *blank);

/* n cells come into the line at the column, or go from it; the rest moves, the end falls off. */
void grid_insert(struct grid *grid, uint32_t line, uint32_t column, uint32_t n,
                 const struct cell *blank);
void grid_delete(struct grid *grid, uint32_t line, uint32_t column, uint32_t n,
                 const struct cell *blank);

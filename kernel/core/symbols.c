/*
 * Reading the tables of tools/symbols.py, which describes their layout. Everything is found by a
 * binary search in an index of blocks and a walk through one block.
 */
#include "core/symbols.h"

#include <arch/layout.h>

#include "lib/printf.h"
#include "lib/string.h"

enum {
	KSYMS_MAGIC = 0x4d59534b,
	SYMBOLS_A_BLOCK = 16, ROWS_A_BLOCK = 256, RECENT_FILES = 16,
	ROW_MEDIUM = 0xc0, ROW_RECENT = 0xe0, ROW_FILE = 0xf0, ROW_LARGE = 0xf1,
};

struct ksyms {
	uint32_t magic, nr_symbols, nr_rows, nr_files;
	uint32_t symbol_index, symbol_stream, tokens, line_index, line_stream, files;
};

int symbols_restricted;

struct symbol_block {
	uint32_t offset, position;
};

struct line_block {
	uint32_t offset, position, line, file;
};

static const struct ksyms *ksyms_find(void)
{
	const struct ksyms *k = (const void *)ksyms_start;

	if (ksyms_end - ksyms_start < (ptrdiff_t)sizeof(*k) || k->magic != KSYMS_MAGIC)
		return NULL;
	return k;
}

static const void *part(const struct ksyms *k, uint32_t offset)
{
	return (const char *)k + offset;
}

static uint32_t varint(const uint8_t **at)
{
	uint32_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = *(*at)++;
		value |= (byte & 0x7fu) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

static const uint8_t *skip_name(const uint8_t *at)
{
	while (*at++)
		;
	return at;
}

static void name_expand(const struct ksyms *k, const uint8_t *at, char *name, size_t size)
{
	const uint16_t *positions = part(k, k->tokens);
	const char *strings = (const char *)(positions + 128);
	size_t used = 0;

	name[0] = '\0';
	for (; *at && used + 1 < size; at++) {
		if (*at < 0x80) {
			name[used++] = (char)*at;
			name[used] = '\0';
		} else {
			str_copy(name + used, strings + positions[*at - 0x80], size - used);
			used += strlen(name + used);
		}
	}
}

/* The block that holds the last symbol at or before the offset, or -1. */
static long symbol_block_find(const struct ksyms *k, uint32_t offset)
{
	const struct symbol_block *blocks = part(k, k->symbol_index);
	long low = 0, high = (k->nr_symbols + SYMBOLS_A_BLOCK - 1) / SYMBOLS_A_BLOCK;

	while (low < high) {
		long middle = (low + high) / 2;

		if (blocks[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

static bool is_text(uintptr_t address)
{
	return (address >= (uintptr_t)text_start && address < (uintptr_t)text_end) ||
	       (address >= (uintptr_t)ktest_start && address < (uintptr_t)init_end);
}

/* Start of the first symbol of the next block, or the end of the text. */
static uint32_t block_end(const struct ksyms *k, long block)
{
	const struct symbol_block *blocks = part(k, k->symbol_index);

	if ((block + 1) * SYMBOLS_A_BLOCK < k->nr_symbols)
		return blocks[block + 1].offset;
	return (uint32_t)(init_end - text_start);
}

/*
 * Walk a block up to the entry-th symbol, or (entry < 0) to the last one at or before offset.
 * Gives its start and the start of the next.
 */
static const uint8_t *block_walk(const struct ksyms *k, long block, long entry, uint32_t offset,
				 uint32_t bounds[2])
{
	const struct symbol_block *head =
		(const struct symbol_block *)part(k, k->symbol_index) + block;
	const uint8_t *at = (const uint8_t *)part(k, k->symbol_stream) + head->position;
	long left = k->nr_symbols - block * SYMBOLS_A_BLOCK;
	uint32_t next = head->offset;

	if (left > SYMBOLS_A_BLOCK)
		left = SYMBOLS_A_BLOCK;
	varint(&at);
	for (long i = 0;; i++) {
		const uint8_t *name = at;

		bounds[0] = next;
		at = skip_name(at);
		if (i + 1 == left) {
			bounds[1] = block_end(k, block);
			return name;
		}
		next = bounds[0] + varint(&at);
		bounds[1] = next;
		if (entry >= 0 ? i == entry : next > offset)
			return name;
	}
}

/* Size of a function: up to the next, or to the end of the text where start-up code lies beyond. */
static uint32_t size_of(const uint32_t bounds[2])
{
	uint32_t end = (uint32_t)(text_end - text_start);

	return (bounds[0] < end && bounds[1] > end ? end : bounds[1]) - bounds[0];
}

bool symbol_find(uintptr_t address, struct symbol *symbol)
{
	const struct ksyms *k = ksyms_find();
	uintptr_t offset = address - (uintptr_t)text_start;
	uint32_t bounds[2];

	if (!k || !is_text(address))
		return false;
	long block = symbol_block_find(k, (uint32_t)offset);

	if (block < 0)
		return false;
	name_expand(k, block_walk(k, block, -1, (uint32_t)offset, bounds), symbol->name,
		    sizeof(symbol->name));
	symbol->offset = (uint32_t)offset - bounds[0];
	symbol->size = size_of(bounds);
	return true;
}

bool symbol_at(unsigned int index, uintptr_t *address, struct symbol *symbol)
{
	const struct ksyms *k = ksyms_find();
	uint32_t bounds[2];

	if (!k || index >= k->nr_symbols)
		return false;
	const uint8_t *name =
		block_walk(k, index / SYMBOLS_A_BLOCK, index % SYMBOLS_A_BLOCK, 0, bounds);

	name_expand(k, name, symbol->name, sizeof(symbol->name));
	symbol->offset = 0;
	symbol->size = size_of(bounds);
	*address = (uintptr_t)text_start + bounds[0];
	return true;
}

static long line_block_find(const struct ksyms *k, uint32_t offset)
{
	const struct line_block *blocks = part(k, k->line_index);
	long low = 0, high = (k->nr_rows + ROWS_A_BLOCK - 1) / ROWS_A_BLOCK;

	while (low < high) {
		long middle = (low + high) / 2;

		if (blocks[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

/* Where a walk through the rows of a block is; the file of the row is recent[0]. */
struct row_cursor {
	const uint8_t *at;
	uint32_t       offset;
	struct {
		uint32_t file, line; /* last line seen in it */
	} recent[RECENT_FILES];
};

/* The file at this place of the list comes to the front. */
static void recent_promote(struct row_cursor *row, unsigned int place)
{
	uint32_t file = row->recent[place].file, line = row->recent[place].line;

	memmove(&row->recent[1], &row->recent[0], place * sizeof(row->recent[0]));
	row->recent[0].file = file;
	row->recent[0].line = line;
}

static int32_t unzigzag(uint32_t n)
{
	return n & 1 ? -(int32_t)((n + 1) / 2) : (int32_t)(n / 2);
}

/* Step over one row of the stream. */
static void row_next(struct row_cursor *row)
{
	uint8_t code = *row->at++;
	int32_t lines;

	if (code == ROW_FILE) {
		row->recent[RECENT_FILES - 1].file = varint(&row->at);
		row->recent[RECENT_FILES - 1].line = 0;
		recent_promote(row, RECENT_FILES - 1);
		code = *row->at++;
	} else if (code >= ROW_RECENT && code < ROW_FILE) {
		recent_promote(row, code - ROW_RECENT);
		code = *row->at++;
	}
	if (code < ROW_MEDIUM) {
		row->offset += code / 12 + 1u;
		lines = code % 12 - 4;
	} else if (code < ROW_RECENT) {
		row->offset += code - ROW_MEDIUM + 1u;
		lines = *row->at++ - 128;
	} else {
		row->offset += varint(&row->at);
		lines = unzigzag(varint(&row->at));
	}
	row->recent[0].line += (uint32_t)lines;
}

bool symbol_find_line(uintptr_t address, struct source_line *where)
{
	const struct ksyms *k = ksyms_find();
	uintptr_t offset = address - (uintptr_t)text_start;

	if (!k || !is_text(address))
		return false;
	long block = line_block_find(k, (uint32_t)offset);

	if (block < 0)
		return false;
	const struct line_block *head = (const struct line_block *)part(k, k->line_index) + block;
	long left = k->nr_rows - block * ROWS_A_BLOCK;
	uint32_t file = head->file, line = head->line;
	struct row_cursor row = {
		.at = (const uint8_t *)part(k, k->line_stream) + head->position,
		.offset = head->offset, .recent = { { file, line } },
	};

	for (long i = 1; i < left && i < ROWS_A_BLOCK; i++) {
		row_next(&row);
		if (row.offset > offset)
			break;
		file = row.recent[0].file;
		line = row.recent[0].line;
	}
	const uint32_t *files = part(k, k->files);

	where->file = (const char *)files + files[file];
	where->line = line;
	return line != 0;
}

size_t symbol_format(uintptr_t address, bool is_return_address, char *buf, size_t size)
{
	struct symbol symbol;
	struct source_line where;
	uintptr_t inside = is_return_address ? address - 1 : address;
	int used;

	if (!symbol_find(inside, &symbol))
		return (size_t)scnprintf(buf, size, "%#lx", address);
	used = scnprintf(buf, size, "%s+%#x/%#x", symbol.name, symbol.offset + is_return_address,
			 symbol.size);
	if (symbol_find_line(inside, &where))
		used += scnprintf(buf + used, size - (size_t)used, " (%s:%u)", where.file,
				  where.line);
	return (size_t)used;
}

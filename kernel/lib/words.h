/*
 * The kernel command line, split as Linux splits it: words are separated by blanks, double quotes
 * protect blanks, the first '=' divides name and value, and a value or a whole word may be quoted
 * (name="a b" or "name=a b"). Words behind `--` are arguments of the first program.
 *
 *     struct words words;
 *     struct word word;
 *     words_init(&words, line);              line is split in place
 *     while (words_next(&words, &word)) ...
 */
#pragma once

#include "lib/types.h"

struct words {
	char *at;
	bool for_init; /* `--` has been seen */
};

struct word {
	char *name;
	char *value; /* NULL if there is no '=' */
	bool for_init;
};

void words_init(struct words *words, char *line);
bool words_next(struct words *words, struct word *word);

/* The word as one string again, "name=value" without the quotes; name and value are gone. */
char *word_join(struct word *word);

/* Whether name is this parameter: '-' and '_' are the same. */
bool word_is(const char *name, const char *parameter);

/*
 * The kernel command line. The rules are those of next_arg() in Linux's lib/cmdline.c, odd corners
 * included: an '=' as the very first character does not divide, and quotes elsewhere than at the
 * start of a word or a value stay in it.
 */
#include "lib/words.h"

#include "lib/string.h"

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void words_init(struct words *words, char *line)
{
	words->at = line;
	words->for_init = false;
}

/* Where the word at s ends, and where its first '=' is (NULL: none). */
static char *word_end(char *s, bool in_quotes, char **equals)
{
	char *start = s;

	*equals = NULL;
	for (; *s && (in_quotes || !is_blank(*s)); s++) {
		if (*s == '=' && !*equals && s != start)
			*equals = s;
		if (*s == '"')
			in_quotes = !in_quotes;
	}
	return s;
}

static bool next_word(struct words *words, struct word *word)
{
	char *at = words->at, *end, *equals;
	bool quoted, value_quoted = false;

	while (is_blank(*at))
		at++;
	if (!*at)
		return false;
	quoted = *at == '"';
	at += quoted;
	end = word_end(at, quoted, &equals);
	words->at = *end ? end + 1 : end;
	word->name = at;
	word->value = NULL;
	if (equals) {
		*equals = '\0';
		value_quoted = equals[1] == '"';
		word->value = equals + 1 + value_quoted;
	}
	if ((quoted || value_quoted) && end > at && end[-1] == '"')
		end[-1] = '\0';
	*end = '\0';
	return true;
}

bool words_next(struct words *words, struct word *word)
{
	if (!next_word(words, word))
		return false;
	if (!words->for_init && !word->value && !strcmp(word->name, "--")) {
		words->for_init = true;
		if (!next_word(words, word))
			return false;
	}
	word->for_init = words->for_init;
	return true;
}

char *word_join(struct word *word)
{
	char *equals = word->name + strlen(word->name);

	if (word->value) {
		*equals = '=';
		memmove(equals + 1, word->value, strlen(word->value) + 1);
	}
	return word->name;
}

bool word_is(const char *name, const char *parameter)
{
	for (;; name++, parameter++) {
		char a = *name == '-' ? '_' : *name;
		char b = *parameter == '-' ? '_' : *parameter;

		if (a != b)
			return false;
		if (!a)
			return true;
	}
}

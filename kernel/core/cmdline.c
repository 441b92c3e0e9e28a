/*
 * The command line: one copy is kept as it was given, another is cut into words in place by
 * lib/words, once for each of the two phases.
 */
#include "core/cmdline.h"

#include <linux/errno.h>

#include "core/printk.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "lib/words.h"

static struct {
	char        text[CMDLINE_MAX] __const_after_init;
	char        words[CMDLINE_MAX];
	const char *args[CMDLINE_INIT_MAX + 1] __const_after_init;
	const char *env[CMDLINE_INIT_MAX + 1] __const_after_init;
	uint32_t    nr_args, nr_env;
} cmdline;

/* Hand the word to all who declared it (in this phase); false if nobody ever did. */
static bool word_parse(const struct word *word, bool early)
{
	bool known = false;

	for (const struct cmdline_param *p = cmdline_params_start; p < cmdline_params_end; p++) {
		if (!word_is(word->name, p->name))
			continue;
		known = true;
		if (p->early == early && p->parse(word->value) < 0)
			pr_warn("command line: %s=%s: not a valid value, ignored\n", word->name,
				word->value ? word->value : "");
	}
	return known;
}

static void init_add(const char **list, uint32_t *count, const char *word)
{
	if (*count == CMDLINE_INIT_MAX) {
		pr_warn("command line: too many words for init, %s is left out\n", word);
		return;
	}
	list[(*count)++] = word;
}

/* What the kernel does not know is init's, as on Linux. */
static void word_for_init(struct word *word)
{
	if (!word->for_init && strchr(word->name, '.'))
		pr_info("command line: %s: no such module parameter, ignored\n", word->name);
	else if (!word->for_init && word->value)
		init_add(cmdline.env, &cmdline.nr_env, word_join(word));
	else
		init_add(cmdline.args, &cmdline.nr_args, word_join(word));
}

static void words_parse(bool early)
{
	struct words words;
	struct word word;

	str_copy(cmdline.words, cmdline.text, sizeof(cmdline.words));
	words_init(&words, cmdline.words);
	while (words_next(&words, &word)) {
		bool known = !word.for_init && word_parse(&word, early);

		if (!known && !early)
			word_for_init(&word);
	}
}

void __init cmdline_init(const char *line)
{
	if (str_copy(cmdline.text, line, sizeof(cmdline.text)) < 0)
		pr_warn("command line: longer than %d bytes, the rest is cut off\n",
			CMDLINE_MAX - 1);
	words_parse(true);
}

void __init cmdline_parse(void)
{
	words_parse(false);
}

const char *cmdline_text(void)
{
	return cmdline.text;
}

const char *const *cmdline_init_args(void)
{
	return cmdline.args;
}

const char *const *cmdline_init_env(void)
{
	return cmdline.env;
}

int cmdline_int(const char *value, int *out)
{
	return value ? parse_i32(value, out) : -EINVAL;
}

int cmdline_size(const char *value, uint64_t *out)
{
	return value ? parse_size(value, out) : -EINVAL;
}

int cmdline_bool(const char *value, bool *out)
{
	if (!value)
		*out = true;
	return value ? parse_bool(value, out) : 0;
}

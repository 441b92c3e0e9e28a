/*
 * The kernel command line. A room declares the words that it understands where it uses them:
 *
 *	static int parse_panic(const char *value) { return parse_int(value, &panic_timeout); }
 *	CMDLINE_PARAM("panic", parse_panic);
 *
 * The function gets the text after `=`, or NULL for a bare word; it returns 0, or -EINVAL, for
 * which one warning line names the word and says that it is ignored. Quotes keep blanks together,
 * as on Linux, and `-` and `_` in names are the same. Words after `--` are init's. A word nobody
 * declared goes to init: `name=value` into its environment, anything else to its arguments; a name
 * with a dot in it (a module's parameter on Linux) is dropped with a line in the log. CMDLINE_EARLY
 * runs before memory is set up (log level, mem=), the others later in start-up; neither may sleep,
 * early ones may not allocate.
 */
#pragma once

#include "lib/types.h"

struct cmdline_param {
	const char *name;
	int       (*parse)(const char *value);
	bool        early;
};

#define CMDLINE_PARAM_WHEN(word, fn, early_, line)                            \
	static const struct cmdline_param CMDLINE_JOIN(cmdline_param_, line)  \
		__used __section(".cmdline_params") __aligned(8) =            \
		{ .name = (word), .parse = (fn), .early = (early_) }
#define CMDLINE_JOIN(a, b) CMDLINE_JOIN2(a, b)
#define CMDLINE_JOIN2(a, b) a##b
#define CMDLINE_PARAM(word, fn) CMDLINE_PARAM_WHEN(word, fn, false, __COUNTER__)
#define CMDLINE_EARLY(word, fn) CMDLINE_PARAM_WHEN(word, fn, true, __COUNTER__)

/* All of them, gathered by the linker. */
extern const struct cmdline_param cmdline_params_start[];
extern const struct cmdline_param cmdline_params_end[];

enum { CMDLINE_MAX = 4096, CMDLINE_INIT_MAX = 32 };

/* Keep a copy of the line (a longer one is cut with a warning) and run the early parameters. */
void cmdline_init(const char *line);

/* Run the other parameters and sort what is left for init. Once, after memory is up. */
void cmdline_parse(void);

/* The line as it was given, for /proc/cmdline. */
const char *cmdline_text(void);

/* Words for init, NULL-terminated: arguments from index 0 (without its name), and environment. */
const char *const *cmdline_init_args(void);
const char *const *cmdline_init_env(void);

/* For parse functions: decimal, octal or hex integers; memory sizes with k, m, g; 0 or -EINVAL. */
int cmdline_int(const char *value, int *out);
int cmdline_size(const char *value, uint64_t *out);
/* NULL, "", 1, y, yes, on / 0, n, no, off. */
int cmdline_bool(const char *value, bool *out);

/*
 * lib/words: the command line is split as Linux splits it.
 *
 * sources: lib/words.c
 */
#include "unit.h"

#include "lib/words.h"

/* "name|value" or "name" for each word, "!" before those for init, joined by ';' */
static void check_words(const char *line, const char *expected)
{
	char copy[200], got[400] = "";
	struct words words;
	struct word word;

	snprintf(copy, sizeof(copy), "%s", line);
	words_init(&words, copy);
	while (words_next(&words, &word)) {
		size_t n = strlen(got);

		snprintf(got + n, sizeof(got) - n, "%s%s%s%s%s", n ? ";" : "",
		         word.for_init ? "!" : "", word.name, word.value ? "|" : "",
		         word.value ? word.value : "");
	}
	assert_string_equal(got, expected);
}

TEST(blanks_separate_words)
{
	check_words("", "");
	check_words(" \t\n", "");
	check_words("quiet  console=ttyS0\troot=/dev/vda ", "quiet;console|ttyS0;root|/dev/vda");
}

TEST(the_first_equals_sign_divides)
{
	check_words("a=b=c x= =y", "a|b=c;x|;=y");
}

TEST(quotes_protect_blanks)
{
	check_words("a=\"b c\" d", "a|b c;d");
	check_words("\"a=b c\" d", "a|b c;d");
	check_words("\"a b\"", "a b");
	check_words("a=b\"c d\"e", "a|b\"c d\"e");
	check_words("a=\"open end", "a|open end");
	check_words("\"", "");
	check_words("a=\"\" b", "a|;b");
}

TEST(words_behind_the_dashes_are_for_init)
{
	check_words("quiet -- single x=1 --", "quiet;!single;!x|1;!--");
	check_words("--", "");
	check_words("-- ", "");
	check_words("--x --=y a", "--x;--|y;a");
}

TEST(words_can_be_joined_again)
{
	char plain[] = "a=b", quoted[] = "name=\"b c\"", whole[] = "\"n=b c\"", lone[] = "x";
	char *lines[] = { plain, quoted, whole, lone };
	const char *const joined[] = { "a=b", "name=b c", "n=b c", "x" };

	for (size_t i = 0; i < array_size(lines); i++) {
		struct words words;
		struct word word;

		words_init(&words, lines[i]);
		assert_true(words_next(&words, &word));
		assert_string_equal(word_join(&word), joined[i]);
	}
}

TEST(dashes_and_underscores_are_the_same_in_names)
{
	assert_true(word_is("a-b_c", "a_b-c"));
	assert_false(word_is("a-b", "a-bc"));
	assert_false(word_is("a-bc", "a-b"));
}

UNIT_TESTS(T(blanks_separate_words),
           T(the_first_equals_sign_divides),
           T(quotes_protect_blanks),
           T(words_behind_the_dashes_are_for_init),
           T(words_can_be_joined_again),
           T(dashes_and_underscores_are_the_same_in_names))

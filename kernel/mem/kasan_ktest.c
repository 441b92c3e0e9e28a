/*
 * The address sanitizer finds each kind of mistake. Only in the build with KASAN=1.
 */
#include "core/ktest.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/kasan.h"
#include "mem/slab.h"

static char global_bytes[13];

/* An object of which the compiler does not know the size, or it would refuse these tests. */
static void *hidden(void *object)
{
	__asm__("" : "+r"(object));
	return object;
}

static void *object_of(size_t size)
{
	return hidden(kmalloc(size, ALLOC_KERNEL | ALLOC_ZERO));
}

static bool is_found(const char *kind)
{
	const char *found = kasan_expect_end();

	return found && !strcmp(found, kind);
}

KTEST(kasan_finds_a_write_beyond_an_object)
{
	char *bytes = object_of(20);

	KTEST_ASSERT(bytes);
	kasan_expect_begin();
	((volatile char *)bytes)[20] = 0;
	bool is_beyond_found = is_found("slab-out-of-bounds");

	kasan_expect_begin();
	((volatile char *)bytes)[19] = 1;
	bool is_last_byte_good = !kasan_expect_end();

	kfree(bytes);
	KTEST_ASSERT(is_beyond_found && is_last_byte_good);
}

KTEST(kasan_finds_a_read_before_an_object)
{
	char *bytes = object_of(24), *second = object_of(24);

	KTEST_ASSERT(bytes && second);
	kasan_expect_begin();
	(void)((volatile char *)second)[(size_t)-1];
	bool found = is_found("slab-out-of-bounds");

	kfree(bytes);
	kfree(second);
	KTEST_ASSERT(found);
}

KTEST(kasan_finds_a_use_after_free)
{
	uint64_t *words = object_of(64);

	KTEST_ASSERT(words);
	kfree(words);
	kasan_expect_begin();
	((volatile uint64_t *)words)[3] = 0x6b6b6b6b6b6b6b6b;
	bool is_write_found = is_found("slab-use-after-free");

	kasan_expect_begin();
	memset(words, 0x6b, 8); /* it holds that, and the debug kernel will look */
	KTEST_ASSERT(is_write_found && is_found("slab-use-after-free"));
}

KTEST(kasan_finds_a_copy_that_is_too_long)
{
	char *from = object_of(40), *to = object_of(64);

	KTEST_ASSERT(from && to);
	kasan_expect_begin();
	memcpy(to, from, 41);
	bool is_read_found = is_found("slab-out-of-bounds");

	kfree(from);
	kfree(to);
	KTEST_ASSERT(is_read_found);
}

KTEST(kasan_finds_an_access_beyond_an_array_on_the_stack)
{
	char bytes[10] = { 0 };
	volatile char *at = hidden(bytes);

	kasan_expect_begin();
	(void)at[10];
	KTEST_ASSERT(is_found("stack-out-of-bounds"));
}

KTEST(kasan_finds_an_access_beyond_a_global_variable)
{
	volatile char *at = hidden(global_bytes);

	kasan_expect_begin();
	(void)at[13];
	KTEST_ASSERT(is_found("global-out-of-bounds"));
}

KTEST(kasan_finds_a_use_of_a_freed_page)
{
	struct page *page = page_alloc(ALLOC_KERNEL);

	KTEST_ASSERT(page);
	volatile char *bytes = page_to_virt(page);

	page_put(page);
	kasan_expect_begin();
	(void)bytes[100];
	KTEST_ASSERT(is_found("use-after-free"));
}

KTEST(kasan_lets_an_object_rest_before_it_is_given_out_again)
{
	void *object = object_of(96), *next;

	KTEST_ASSERT(object);
	kfree(object);
	next = object_of(96);
	bool is_another = next != object;

	kfree(next);
	KTEST_ASSERT(is_another);
}

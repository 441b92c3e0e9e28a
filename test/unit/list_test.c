/*
 * lib/list and lib/hlist: order, removal while walking, splicing.
 *
 * sources: lib/refcount.c
 */
#include "unit.h"

#include "lib/hlist.h"
#include "lib/list.h"

struct item {
	struct list link;
	struct hlist_node node;
	int n;
};

static struct item items[6];
static struct list list;

static void setup(int from, int to)
{
	list_init(&list);
	for (int i = from; i < to; i++) {
		items[i].n = i;
		list_add_tail(&list, &items[i].link);
	}
}

static void check_order(struct list *head, const char *expected)
{
	struct item *item;
	size_t n = strlen(expected);
	const char *at = expected;

	list_for_each_entry(item, head, link)
		assert_int_equal(item->n, *at++ - '0');
	assert_int_equal(*at, '\0');
	list_for_each_entry_reverse(item, head, link)
		assert_int_equal(item->n, expected[--n] - '0');
	assert_int_equal(n, 0);
}

TEST(entries_keep_the_order_in_which_they_were_added)
{
	setup(0, 4);
	check_order(&list, "0123");
	items[4].n = 4;
	list_add_head(&list, &items[4].link);
	check_order(&list, "40123");
	list_move_tail(&list, &items[4].link);
	check_order(&list, "01234");
	list_move_head(&list, &items[2].link);
	check_order(&list, "20134");
	assert_ptr_equal(list_first_entry(&list, struct item, link), &items[2]);
	assert_ptr_equal(list_last_entry(&list, struct item, link), &items[4]);
}

TEST(removal_is_safe_while_walking)
{
	struct item *item, *ahead;

	setup(0, 6);
	list_for_each_entry_safe(item, ahead, &list, link) {
		if (item->n % 2 == 0)
			list_remove_init(&item->link);
	}
	check_order(&list, "135");
	assert_true(list_is_empty(&items[0].link));
	list_remove(&items[3].link);
	assert_ptr_equal(items[3].link.next, LIST_POISON);
	list_remove(&items[5].link);
	assert_true(list_is_singular(&list));
	list_remove(&items[1].link);
	assert_true(list_is_empty(&list));
	assert_null(list_first_entry_or_null(&list, struct item, link));
}

TEST(splicing_empties_the_source)
{
	struct list other = LIST_INIT(other);

	setup(0, 3);
	list_splice_tail(&list, &other);
	check_order(&list, "012");
	for (int i = 3; i < 6; i++) {
		items[i].n = i;
		list_add_tail(&other, &items[i].link);
	}
	list_splice_tail(&list, &other);
	check_order(&list, "012345");
	assert_true(list_is_empty(&other));
	list_splice_head(&other, &list);
	check_order(&other, "012345");
	setup(0, 2);
	for (int i = 2; i < 4; i++)
		list_add_tail(&other, &items[i].link);
}

TEST(splicing_to_the_front_puts_the_source_first)
{
	struct list other = LIST_INIT(other);

	setup(3, 6);
	for (int i = 0; i < 3; i++) {
		items[i].n = i;
		list_add_tail(&other, &items[i].link);
	}
	list_splice_head(&list, &other);
	check_order(&list, "012345");
}

TEST(replacement_takes_the_place)
{
	setup(0, 3);
	items[5].n = 5;
	list_replace(&items[1].link, &items[5].link);
	check_order(&list, "052");
}

TEST(hash_chains_add_in_front_and_remove_anywhere)
{
	struct hlist chain = { 0 }, other = { 0 };
	struct hlist_node *ahead;
	struct item *item;
	int n = 5;

	memset(items, 0, sizeof(items));
	assert_true(hlist_is_empty(&chain));
	for (int i = 0; i < 6; i++) {
		items[i].n = i;
		assert_false(hlist_is_linked(&items[i].node));
		hlist_add_rcu(&chain, &items[i].node);
		assert_true(hlist_is_linked(&items[i].node));
	}
	hlist_for_each_entry(item, &chain, node)
		assert_int_equal(item->n, n--);
	hlist_remove(&items[3].node);
	hlist_remove(&items[5].node);
	assert_false(hlist_is_linked(&items[5].node));
	hlist_for_each_entry_safe(item, ahead, &chain, node) {
		if (item->n == 0 || item->n == 4)
			hlist_remove(&item->node);
	}
	hlist_move(&other, &chain);
	assert_true(hlist_is_empty(&chain));
	n = 2;
	hlist_for_each_entry_rcu(item, &other, node)
		assert_int_equal(item->n, n--);
	assert_int_equal(n, 0);
	hlist_remove(&items[2].node);
	hlist_remove(&items[1].node);
	assert_true(hlist_is_empty(&other));
}

TEST(a_reader_on_a_removed_entry_finds_the_rest_of_the_chain)
{
	struct hlist chain = { 0 };

	memset(items, 0, sizeof(items));
	for (int i = 0; i < 3; i++)
		hlist_add_rcu(&chain, &items[i].node);
	hlist_remove_rcu(&items[1].node);
	assert_ptr_equal(hlist_next_rcu(&items[1].node), &items[0].node);
	assert_ptr_equal(hlist_next_rcu(&items[2].node), &items[0].node);
	assert_false(hlist_is_linked(&items[1].node));
}

UNIT_TESTS(T(entries_keep_the_order_in_which_they_were_added),
           T(removal_is_safe_while_walking),
           T(splicing_empties_the_source),
           T(splicing_to_the_front_puts_the_source_first),
           T(replacement_takes_the_place),
           T(hash_chains_add_in_front_and_remove_anywhere),
           T(a_reader_on_a_removed_entry_finds_the_rest_of_the_chain))

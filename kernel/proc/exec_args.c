/*
 * Argument and environment strings of an exec. See proc/exec_args.h.
 */
#include "proc/exec_args.h"

#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/page.h"
#include "mem/slab.h"
#include "sched/thread.h"
#include "vm/usercopy.h"

#define STRING_MAX (32 * PAGE_SIZE)
#define TOTAL_MAX  (6ul << 20)

int exec_args_init(struct exec_args *args, uint64_t stack_limit)
{
	*args = (struct exec_args){ 0 };
	args->limit = clamp(stack_limit / 4, STRING_MAX, TOTAL_MAX);
	args->pages = kzalloc(div_round_up(args->limit, PAGE_SIZE) * sizeof(char *), ALLOC_KERNEL);
	return args->pages ? 0 : -ENOMEM;
}

void exec_args_fini(struct exec_args *args)
{
	struct exec_front *front = args->front, *next;

	for (; front; front = next) {
		next = front->next;
		kfree(front);
	}
	for (uint32_t i = 0; i < args->nr_pages; i++)
		page_put(virt_to_page(args->pages[i]));
	kfree(args->pages);
}

static size_t used(const struct exec_args *args)
{
	return args->size + args->front_size + (args->argc + args->envc) * sizeof(uaddr_t);
}

/* Room for the next bytes: where, and how many until the end of the page. */
static int room(struct exec_args *args, char **where, size_t *n)
{
	size_t offset = args->size % PAGE_SIZE;

	if (used(args) >= args->limit)
		return -E2BIG;
	if (args->size / PAGE_SIZE == args->nr_pages) {
		struct page *page = page_alloc(ALLOC_KERNEL);

		if (!page)
			return -ENOMEM;
		args->pages[args->nr_pages++] = page_to_virt(page);
	}
	*where = args->pages[args->size / PAGE_SIZE] + offset;
	*n = PAGE_SIZE - offset;
	return 0;
}

static int append_user(struct exec_args *args, uaddr_t from)
{
	size_t start = args->size;

	for (;;) {
		char *where;
		size_t n;
		ssize_t got;
		int err = room(args, &where, &n);

		if (err)
			return err;
		n = min(n, STRING_MAX - (args->size - start));
		if (!n)
			return -E2BIG;
		got = strncpy_from_user(where, (const char __user *)from, n);
		if (got >= 0) {
			args->size += (size_t)got + 1;
			return 0;
		}
		if (got != -ENAMETOOLONG)
			return (int)got;
		args->size += n;
		from += n;
	}
}

static int append_kernel(struct exec_args *args, const char *text)
{
	size_t left = strlen(text) + 1;

	while (left) {
		char *where;
		size_t n;
		int err = room(args, &where, &n);

		if (err)
			return err;
		n = min(n, left);
		memcpy(where, text, n);
		args->size += n;
		text += n;
		left -= n;
	}
	return 0;
}

static int append_user_array(struct exec_args *args, uaddr_t array, uint32_t *count)
{
	uaddr_t string;
	int err;

	for (; array; array += sizeof(string)) {
		if (copy_from_user(&string, (const void __user *)array, sizeof(string)))
			return -EFAULT;
		if (!string)
			return 0;
		err = append_user(args, string);
		if (err)
			return err;
		(*count)++;
		if (cond_resched() && thread_test_flag(thread_current(), TF_KILLED))
			return -EINTR;
	}
	return 0;
}

static int append_kernel_array(struct exec_args *args, const char *const array[], uint32_t *count)
{
	for (; *array; array++, (*count)++) {
		int err = append_kernel(args, *array);

		if (err)
			return err;
	}
	return 0;
}

static int end_arguments(struct exec_args *args)
{
	int err = 0;

	if (!args->argc) {
		err = append_kernel(args, "");
		args->argc = 1;
	}
	args->args_size = args->size;
	return err;
}

int exec_args_from_user(struct exec_args *args, uaddr_t argv, uaddr_t envp)
{
	int err = append_user_array(args, argv, &args->argc);

	if (!err)
		err = end_arguments(args);
	return err ? err : append_user_array(args, envp, &args->envc);
}

int exec_args_from_kernel(struct exec_args *args, const char *const argv[],
                          const char *const envp[])
{
	int err = append_kernel_array(args, argv, &args->argc);

	if (!err)
		err = end_arguments(args);
	return err ? err : append_kernel_array(args, envp, &args->envc);
}

int exec_args_push(struct exec_args *args, const char *text)
{
	size_t len = strlen(text) + 1;
	struct exec_front *front;

	if (used(args) + len > args->limit)
		return -E2BIG;
	front = kmalloc(sizeof(*front) + len, ALLOC_KERNEL);
	if (!front)
		return -ENOMEM;
	memcpy(front->text, text, len);
	front->len = len;
	front->next = args->front;
	args->front = front;
	args->front_size += len;
	args->argc++;
	return 0;
}

void exec_args_drop_first(struct exec_args *args)
{
	struct exec_front *front = args->front;

	if (front) {
		args->front = front->next;
		args->front_size -= front->len;
		kfree(front);
	} else {
		while (args->pages[args->dropped / PAGE_SIZE][args->dropped % PAGE_SIZE])
			args->dropped++;
		args->dropped++;
	}
	args->argc--;
}

size_t exec_args_total(const struct exec_args *args)
{
	return args->front_size + args->size - args->dropped;
}

int exec_args_for_each_run(const struct exec_args *args,
			   int (*sink)(void *context, const char *bytes, size_t n), void *context)
{
	int result = 0;
	size_t n;

	for (struct exec_front *front = args->front; front && !result; front = front->next)
		result = sink(context, front->text, front->len);
	for (size_t at = args->dropped; at < args->size && !result; at += n) {
		n = min(args->size - at, PAGE_SIZE - at % PAGE_SIZE);
		result = sink(context, args->pages[at / PAGE_SIZE] + at % PAGE_SIZE, n);
	}
	return result;
}

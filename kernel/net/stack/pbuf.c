/*
 * pbufs over pages. See stack.h.
 */
#include <lwip/mem.h>

#include "lib/atomic.h"
#include "mem/page.h"
#include "net/stack/stack_impl.h"

struct page_pbuf {
	struct pbuf_custom custom; /* first */
	uint32_t           memory; /* what is counted as held by it, beside itself */
	struct page       *page;   /* a reference */
};

static void page_pbuf_free(struct pbuf *pbuf)
{
	struct page_pbuf *it = container_of(pbuf, struct page_pbuf, custom.pbuf);

	atomic_sub(&stack_memory.used, it->memory);
	page_put(it->page);
	mem_free(it);
}

static bool is_over_page(const struct pbuf *pbuf)
{
	return pbuf->flags & PBUF_FLAG_IS_CUSTOM &&
	       container_of(pbuf, const struct pbuf_custom, pbuf)->custom_free_function ==
	       page_pbuf_free;
}

struct pbuf *stack_pbuf_over(struct page *page, uint32_t offset, uint16_t length, uint32_t memory)
{
	struct page_pbuf *it = mem_malloc(sizeof(*it));

	if (!it)
		return NULL;
	atomic_add(&stack_memory.used, memory);
	*it = (struct page_pbuf){
		.custom.pbuf = {
			.payload = (uint8_t *)page_to_virt(page) + offset,
			.tot_len = length, .len = length,
			.type_internal = (uint8_t)PBUF_ROM,
			.flags = PBUF_FLAG_IS_CUSTOM,
			.ref = 1,
		},
		.custom.custom_free_function = page_pbuf_free,
		.memory = memory,
		.page = page,
	};
	return &it->custom.pbuf;
}

struct pbuf *stack_pbuf_from_page(struct page *page, uint32_t offset, uint16_t length)
{
	return stack_pbuf_over(page, offset, length, length);
}

/* pbuf_free() asks for the lock only where somebody else might hold a reference. */
void stack_pbuf_free(struct pbuf *pbuf)
{
	while (pbuf) {
		struct pbuf *next = pbuf->next;

		if (pbuf->flags & PBUF_FLAG_IS_CUSTOM)
			container_of(pbuf, struct pbuf_custom, pbuf)->custom_free_function(pbuf);
		else
			mem_free(pbuf);
		pbuf = next;
	}
}

struct page *stack_page_of(const void *payload, uint32_t *offset)
{
	struct page *head = page_head(virt_to_page(payload));

	if (page_is(head, PAGE_SLAB | PAGE_LARGE | PAGE_RESERVED))
		return NULL;
	page_get(head);
	*offset = (uint32_t)((const uint8_t *)payload - (const uint8_t *)page_to_virt(head));
	return head;
}

uint32_t stack_pbuf_memory(const struct pbuf *pbuf)
{
	uint32_t size = 0;

	for (; pbuf; pbuf = pbuf->next) {
		size += (uint32_t)sizeof(struct page_pbuf);
		size += is_over_page(pbuf) ?
		        container_of(pbuf, const struct page_pbuf, custom.pbuf)->memory : pbuf->len;
	}
	return size;
}

/*
 * A user's bytes as a pbuf: one copy, with room for headers in front. See dgram.h.
 *
 * A small message is one piece of heap; a large one a chain of pieces. The structure of the stack
 * lies at the beginning of each.
 */
#include <linux/errno.h>
#include <lwip/pbuf.h>

#include "lib/math.h"
#include "mem/alloc.h"
#include "net/inet/dgram.h"
#include "net/stack/stack.h"
#include "vm/uio.h"

enum { PIECE_SMALL = 2048, PIECE_LARGE = 16384, PIECE_LEAST = 4096 };

struct piece {
	struct pbuf_custom custom; /* first */
	uint8_t            bytes[];
};

static void piece_free(struct pbuf *pbuf)
{
	kfree(container_of(pbuf, struct piece, custom.pbuf));
}

/* Room for `room` and then `size` bytes. */
static struct piece *piece_alloc(size_t room, size_t size, unsigned int flags)
{
	struct piece *piece = kmalloc(sizeof(*piece) + room + size, flags);

	if (!piece)
		return NULL;
	piece->custom = (struct pbuf_custom){
		.pbuf = {
			.payload = piece->bytes + room,
			.tot_len = (uint16_t)size,
			.len = (uint16_t)size,
			.type_internal = (uint8_t)(PBUF_RAM & UINT8_MAX),
			.flags = PBUF_FLAG_IS_CUSTOM,
			.ref = 1,
		},
		.custom_free_function = piece_free,
	};
	return piece;
}

static struct piece *piece_large(size_t room, size_t *size)
{
	size_t most = PIECE_LARGE - sizeof(struct piece) - room;
	struct piece *piece;

	*size = min(*size, most);
	piece = piece_alloc(room, *size, ALLOC_KERNEL | ALLOC_NOWARN);
	if (piece || *size <= PIECE_LEAST)
		return piece;
	*size = PIECE_LEAST - sizeof(struct piece) - room;
	return piece_alloc(room, *size, ALLOC_KERNEL);
}

int dgram_build(struct uio *uio, size_t size, struct pbuf **out)
{
	size_t room = DGRAM_HEADER_ROOM, left = size;
	struct pbuf *chain = NULL;

	do {
		size_t part = left;
		struct piece *piece;

		if (room + part <= PIECE_SMALL)
			piece = piece_alloc(room, part, ALLOC_KERNEL);
		else
			piece = piece_large(room, &part);
		if (!piece) {
			stack_pbuf_free(chain);
			return -ENOBUFS;
		}
		if (!chain)
			chain = &piece->custom.pbuf;
		else
			pbuf_cat(chain, &piece->custom.pbuf);
		if (uio_copy_in(uio, piece->bytes + room, part) < part) {
			stack_pbuf_free(chain);
			return -EFAULT;
		}
		left -= part;
		room = 0;
	} while (left);
	*out = chain;
	return 0;
}

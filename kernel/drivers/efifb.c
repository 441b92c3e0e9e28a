/*
 * The firmware's framebuffer. See drivers/efifb.h.
 *
 * The picture is never read. Its geometry is hostile until checked: it must fit what it says, and
 * must not lie in memory that the kernel uses.
 */
#define pr_fmt(fmt) "efifb: " fmt

#include "drivers/efifb.h"

#include <arch/io.h>

#include "boot/bootinfo.h"
#include "core/printk.h"
#include "dev/framebuffer.h"

enum { SIDE_MAX = 1 << 14, BITS = 32, PIXEL_SIZE = BITS / 8 };

static struct framebuffer framebuffer;

/* The reason why it cannot be used; NULL: it can. */
static const char *complaint(const struct bootinfo_framebuffer *from)
{
	if (!from->base || !from->bits)
		return "the firmware draws, but gives no memory";
	if (from->bits != BITS)
		return "its pixels have not 32 bits";
	if (from->width > SIDE_MAX || from->height > SIDE_MAX)
		return "it is too large";
	if (from->stride % PIXEL_SIZE || from->stride / PIXEL_SIZE < from->width)
		return "its rows do not fit";
	if (from->base % PIXEL_SIZE || from->base > MMIO_SIZE)
		return "its address makes no sense";
	return NULL;
}

static bool is_in_memory(const struct bootinfo *info, paddr_t start, paddr_t end)
{
	for (uint32_t i = 0; i < info->nr_memory; i++) {
		const struct bootinfo_memory *memory = &info->memory[i];

		if (memory->type == BOOT_MEMORY_RAM && start < memory->end && end > memory->start)
			return true;
	}
	return false;
}

static const char *set_up(const struct bootinfo *info)
{
	const struct bootinfo_framebuffer *from = &info->framebuffer;
	size_t size = (size_t)from->height * from->stride;
	const char *why = complaint(from);
	volatile void *base;

	if (why)
		return why;
	if (!pixel_channel_of(from->red_mask, &framebuffer.red) ||
	    !pixel_channel_of(from->green_mask, &framebuffer.green) ||
	    !pixel_channel_of(from->blue_mask, &framebuffer.blue))
		return "its colours make no sense";
	if (is_in_memory(info, from->base, from->base + size))
		return "it lies in memory";
	if (mmio_map(from->base, size, MMIO_WRITECOMBINE, &base))
		return "it cannot be mapped";
	framebuffer.base = base;
	framebuffer.width = from->width;
	framebuffer.height = from->height;
	framebuffer.stride = from->stride;
	return framebuffer_register(&framebuffer) ? NULL : "there is another one";
}

void efifb_init(const struct bootinfo *info)
{
	const struct bootinfo_framebuffer *from = &info->framebuffer;
	const char *why;

	if (!from->width || !from->height)
		return;
	why = set_up(info);
	if (why)
		pr_warn("%ux%u at %#lx is not used: %s\n", from->width, from->height, from->base,
		        why);
	else
		pr_info("%ux%u at %#lx\n", from->width, from->height, from->base);
}

/*
 * What is kept from lwIP; see guards.h. Knows lwIP alone: it is compiled for the fuzzer, too.
 */
#include "net/stack/guards.h"

#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>

enum { PATH_MTU_MIN = 1280, OPTION_END = 0, OPTION_NOTHING = 1, OPTION_MSS = 2 };

void path_mtus_raise(void)
{
	for (int i = 0; i < LWIP_ND6_NUM_DESTINATIONS; i++)
		if (destination_cache[i].pmtu && destination_cache[i].pmtu < PATH_MTU_MIN)
			destination_cache[i].pmtu = PATH_MTU_MIN;
}

void persist_timers_stop(void)
{
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		if (pcb->persist_backoff && !pcb->unsent)
			pcb->persist_backoff = 0;
}

/* The options of a segment, which may lie in two pieces. */
struct options {
	u8_t *first, *second;
	u16_t first_length, length;
};

static u8_t *option_byte(const struct options *options, unsigned int at)
{
	return at < options->first_length || !options->second ?
	       options->first + at : options->second + (at - options->first_length);
}

/* In a SYN it has a least value; in other segments it is none. */
static void settle_mss(const struct options *options, unsigned int at, _Bool is_syn)
{
	u8_t *high = option_byte(options, at + 2), *low = option_byte(options, at + 3);

	if (!is_syn) {
		for (unsigned int i = 0; i < 4; i++)
			*option_byte(options, at + i) = OPTION_NOTHING;
	} else if ((*high << 8 | *low) < SEGMENT_MIN && (*high || *low)) {
		*high = 0;
		*low = SEGMENT_MIN;
	}
}

/* LWIP_HOOK_TCP_INPACKET_PCB */
err_t stack_check_segment(struct tcp_hdr *header, u16_t length, u16_t first_length, u8_t *second)
{
	struct options options = { (u8_t *)(header + 1), second, first_length, length };
	_Bool is_syn = TCPH_FLAGS(header) & TCP_SYN;

	for (unsigned int at = 0; at + 1 < length;) {
		u8_t kind = *option_byte(&options, at);

		if (kind == OPTION_END)
			break;
		if (kind == OPTION_NOTHING) {
			at++;
			continue;
		}
		u8_t size = *option_byte(&options, at + 1);
		if (size < 2)
			break;
		if (kind == OPTION_MSS && size == 4 && at + 4 <= length)
			settle_mss(&options, at, is_syn);
		at += size;
	}
	return ERR_OK;
}

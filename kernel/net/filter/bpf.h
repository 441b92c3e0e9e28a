/*
 * Classic BPF: the small programs that look at a packet and say how many of its bytes are wanted.
 * bpf(4) of the BSDs, Linux's Documentation/networking/filter.rst
 *
 * bpf_check() judges a program once; bpf_run() trusts it then and runs it any number of times. A
 * checked program cannot loop (jumps go forward), leave its instructions or its 16 words of memory,
 * or read a word that it has not written. What it loads from beyond the packet ends it with 0: the
 * packet is not wanted.
 *
 * Nothing here locks, allocates or sleeps; the files are compiled on the host for tests.
 */
#pragma once

#include <linux/filter.h>

#include "lib/types.h"

enum { BPF_NONE = -1 };

/* A packet as a program sees it. Offsets are in bytes from the first that is there. */
struct bpf_packet {
	const uint8_t *head; /* the first nr_head bytes */
	uint32_t       nr_head;
	uint32_t       size; /* bytes in all */
	uint32_t       data; /* where the program's offset 0 is */
	int32_t        link, network; /* SKF_LL_OFF, SKF_NET_OFF: those headers, or BPF_NONE */
	/* For bytes behind the head: how many could be had. NULL: there are none. */
	uint32_t (*copy)(const struct bpf_packet *packet, uint32_t offset, void *to, uint32_t size);
	const void    *owner; /* copy()'s */
	/* SKF_AD_*, in host order */
	uint32_t       iface, hardware_type; /* iface 0: none, and asking for it ends the program */
	uint32_t       mark, queue, hash, cpu;
	uint16_t       protocol, vlan_tag, vlan_protocol;
	uint8_t        packet_type; /* PACKET_HOST ... */
	bool           has_vlan;
};

/*
 * EINVAL: no program of classic BPF, or one that might go astray. room: nr words for the check's
 * own use.
 */
int __must_check bpf_check(const struct sock_filter *program, uint32_t nr, uint16_t *room);
/* What a checked program returns: bytes that are wanted, from its offset 0 on; may be too many. */
uint32_t bpf_run(const struct sock_filter *program, const struct bpf_packet *packet);

/* SKF_AD_RANDOM: given by who links this. */
uint32_t bpf_random(void);

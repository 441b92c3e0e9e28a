/*
 * host_hooks.h - the guards of net/stack, and sequence numbers that repeat with the seed, which
 * stackfuzz.c has.
 */
#pragma once

#include <lwip/err.h>
#include <lwip/ip_addr.h>

struct tcp_hdr;
err_t stack_check_segment(struct tcp_hdr *header, u16_t length, u16_t first_length, u8_t *second);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, length, first_length, second, packet) \
	((length) ? stack_check_segment(header, length, first_length, second) : ERR_OK)

uint32_t stackfuzz_sequence(void);
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) stackfuzz_sequence()

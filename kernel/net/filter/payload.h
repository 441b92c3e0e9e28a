/*
 * Where the data of a packet begin, behind its headers: SKF_AD_PAY_OFFSET of classic BPF.
 */
#pragma once

#include "lib/types.h"

struct bpf_packet;

/*
 * Offset, as programs count, of what TCP, UDP, ICMP or another protocol carries, or of the first
 * header behind IP that is not known; 0 if it is no packet of IP.
 */
uint32_t payload_offset(const struct bpf_packet *packet);

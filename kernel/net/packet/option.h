/*
 * Structures of SOL_PACKET's options that have no name in the headers.
 */
#pragma once

#include "lib/types.h"

enum { MEMBER_ADDRESS_MAX = 32 };

/* struct packet_mreq, with room for the longest address. */
struct member_request {
	int32_t  mr_ifindex;
	uint16_t mr_type;
	uint16_t mr_alen;
	uint8_t  mr_address[MEMBER_ADDRESS_MAX];
};

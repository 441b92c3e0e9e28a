/*
 * Where lwIP asks us. Included by lwIP's sources in the middle of theirs: declarations only.
 */
#pragma once

#include <lwip/err.h>
#include <lwip/ip_addr.h>

struct netif;

/* RFC 6528: nobody can guess the sequence numbers of a connection. net/stack/random.c */
uint32_t stack_initial_sequence(const ip_addr_t *local, uint16_t local_port,
                                const ip_addr_t *remote, uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN stack_initial_sequence

/* Options that would harm lwIP are taken out of segments: net/stack/guards.c */
struct tcp_hdr;
err_t stack_check_segment(struct tcp_hdr *header, u16_t length, u16_t first_length, u8_t *second);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, length, first_length, second, packet) \
	((length) ? stack_check_segment(header, length, first_length, second) : ERR_OK)

/* Which way a packet goes, and what comes in: net/iface/hooks.c, which says more. */
struct pbuf;
struct netif *iface_route4(const ip4_addr_t *source, const ip4_addr_t *destination);
struct netif *iface_route6(const ip6_addr_t *source, const ip6_addr_t *destination);
const ip4_addr_t *iface_gateway4(struct netif *netif, const ip4_addr_t *destination);
const ip6_addr_t *iface_gateway6(struct netif *netif, const ip6_addr_t *destination);
int iface_input4(struct pbuf *packet, struct netif *netif);
int iface_input6(struct pbuf *packet, struct netif *netif);
#define LWIP_HOOK_IP6_ROUTE(source, destination) iface_route6(source, destination)
#define LWIP_HOOK_ETHARP_GET_GW(netif, destination) iface_gateway4(netif, destination)
#define LWIP_HOOK_ND6_GET_GW(netif, destination) iface_gateway6(netif, destination)
#define LWIP_HOOK_IP4_INPUT(packet, netif) iface_input4(packet, netif)
#define LWIP_HOOK_IP6_INPUT(packet, netif) iface_input6(packet, netif)

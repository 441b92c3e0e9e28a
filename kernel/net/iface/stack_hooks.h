/*
 * What the stack and this room are to each other; for net/stack, net/iface and net/inet only.
 *
 * The stack moves frames: its ethernet.c and loopback.c hand them to lwIP, and lwIP's packets to
 * devices. This room decides: which interface there is for a device, which addresses are ours,
 * which way a packet goes. lwIP asks through the hooks (LWIP_HOOK_*) below, which lwipopts.h names.
 *
 * There is one lwIP netif for each interface, whatever the number of its IPv4 addresses. lwIP knows
 * one IPv4 address a netif: before a packet is looked at, the netif is given the address that the
 * packet is sent to, if that is ours (iface_input4()), so that lwIP accepts exactly what the table
 * "local" says. Who sends says its source address, as found by route_lookup().
 *
 * Everything here is called with the core lock held.
 */
#pragma once

#include "net/iface/iface.h"

struct ip4_addr;
struct ip6_addr;
struct pbuf;

/* netif->state is the interface. */
struct iface *netif_to_iface(const struct netif *netif);

/* LWIP_HOOK_IP4_ROUTE_SRC, LWIP_HOOK_IP6_ROUTE: never NULL, so that nothing else decides. */
struct netif *iface_route4(const struct ip4_addr *source, const struct ip4_addr *destination);
struct netif *iface_route6(const struct ip6_addr *source, const struct ip6_addr *destination);
/* LWIP_HOOK_ETHARP_GET_GW: iface_output4() has found it already. */
const struct ip4_addr *iface_gateway4(struct netif *netif, const struct ip4_addr *destination);
/* LWIP_HOOK_ND6_GET_GW. */
const struct ip6_addr *iface_gateway6(struct netif *netif, const struct ip6_addr *destination);
/* LWIP_HOOK_IP4_INPUT, LWIP_HOOK_IP6_INPUT: 1: the packet was dropped and freed. */
int iface_input4(struct pbuf *pbuf, struct netif *netif);
int iface_input6(struct pbuf *pbuf, struct netif *netif);
/* The stack, before etharp_input(): the netif gets the address that is asked for, if it is ours. */
void iface_input_arp(struct pbuf *pbuf, struct netif *netif);

/* The stack, for each frame received and sent; the test costs nothing without taps. */
bool iface_has_taps(const struct iface *iface);
struct iface_frame;
void iface_tap_frame(const struct iface_frame *frame);

/* The stack, after nd6_tmr(): addresses and routers may have changed. */
void iface_discovery_ran(struct netns *netns);

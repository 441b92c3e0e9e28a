/*
 * What of lwIP is compiled in, and how large its windows, queues and tables are. Anything not
 * said here is lwIP's default (lwip/opt.h).
 *
 * Memory comes from the kernel's heap (net/stack/memory.c stands for lwIP's mem.c and memp.c);
 * timers are ours (net/stack/timers.c for timeouts.c). The tables that lwIP has statically (ARP,
 * ND) are the only memory that it costs before a device is there.
 */
#pragma once

/* The raw interface under one lock. */
#define NO_SYS                  1
#define SYS_LIGHTWEIGHT_PROT    0
#define LWIP_NETCONN            0
#define LWIP_SOCKET             0
#define LWIP_TIMERS             0
#define LWIP_HOOK_FILENAME      "net/stack/port/hooks.h"
/* the only one that headers ask for; the others, and its prototype, are there */
#define LWIP_HOOK_IP4_ROUTE_SRC(source, destination) iface_route4(source, destination)

/* Counters: those of /proc/net/snmp and snmp6. */
#define LWIP_STATS              1
#define LWIP_STATS_LARGE        1
#define MIB2_STATS              1
#define IPFRAG_STATS            1
#define IP6_STATS               1
#define IP6_FRAG_STATS          1
#define ICMP6_STATS             1
#define LINK_STATS              0
#define ETHARP_STATS            0
#define IP_STATS                0
#define ICMP_STATS              0
#define IGMP_STATS              0
#define UDP_STATS               0
#define TCP_STATS               0
#define MLD6_STATS              0
#define ND6_STATS               0
#define MEM_STATS               0
#define MEMP_STATS              0
#define SYS_STATS               0

/* Memory. MEMP_MEM_MALLOC keeps lwIP from declaring pools. */
#define MEM_LIBC_MALLOC         1
#define MEMP_MEM_MALLOC         1
#define MEM_ALIGNMENT           8
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_POOL_BUFSIZE       2048
#define PBUF_POOL_FREE_OOSEQ    0
#define ETH_PAD_SIZE            0

/* Protocols. */
#define LWIP_ARP                1
#define LWIP_ETHERNET           1
#define ARP_TABLE_SIZE          64
#define ARP_QUEUEING            1
#define ARP_QUEUE_LEN           64
#define ETHARP_SUPPORT_STATIC_ENTRIES 1
#define LWIP_IPV4               1
#define IP_FORWARD              0
#define IP_REASSEMBLY           1
#define IP_REASS_MAX_PBUFS      256
#define IP_REASS_MAXAGE         30
#define IP_FRAG                 1
#define IP_DEFAULT_TTL          64
/* nothing more; but who has no address yet may ask (net/iface/hooks.c says what) */
#define LWIP_IP_ACCEPT_UDP_PORT(port) 0
#define LWIP_ICMP               1
#define LWIP_IGMP               1
#define LWIP_MULTICAST_TX_OPTIONS 1
#define LWIP_IPV6               1
#define LWIP_ICMP6_HL           64 /* of answers to ping, as on Linux */
#define IPV6_FRAG_COPYHEADER    1 /* a pointer is larger than a fragment header */
#define LWIP_IPV6_NUM_ADDRESSES 6
#define LWIP_IPV6_MLD           1
#define LWIP_IPV6_AUTOCONFIG    1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_DHCP6         0
#define IPV6_FRAG_COPYHEADER    1 /* a pointer is larger than a fragment header */
#define LWIP_ND6_NUM_NEIGHBORS  32
#define LWIP_ND6_NUM_DESTINATIONS 32
#define LWIP_ND6_QUEUEING       1
#define LWIP_RAW                1
#define LWIP_UDP                1
#define LWIP_TCP                1
#define LWIP_DHCP               0
#define LWIP_DNS                0
#define SO_REUSE                1
#define SO_REUSE_RXTOALL        1

/* Interfaces. What is sent to ourselves goes through net/stack/loopback.c, by its route. */
#define LWIP_NETIF_LOOPBACK     0
#define LWIP_HAVE_LOOPIF        0
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LINK_CALLBACK 1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

/*
 * TCP. The segment is for loopback, 32 KiB of data behind a header with timestamps; on Ethernet it
 * follows the MTU. Sending is slow with more than 256 KiB on their way, since tcp_output() walks
 * what is not acknowledged.
 */
#define TCP_MSS                 32780
#define LWIP_WND_SCALE          1
#define TCP_RCV_SCALE           4
#define TCP_WND                 (0xffffu << TCP_RCV_SCALE)
#define TCP_SND_BUF             (256 * 1024)
#define TCP_SND_QUEUELEN        4096
#define TCP_OVERSIZE            0
/* Backlogs are counted in net/inet/tcp_listen.c, which is asked through extended arguments. */
#define TCP_LISTEN_BACKLOG      0
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
/* How often is said for each socket: net/inet/tcp_event.c. */
#define TCP_SYNMAXRTX           12
#define TCP_QUEUE_OOSEQ         1
#define TCP_OOSEQ_MAX_PBUFS     1024
#define TCP_TMR_INTERVAL        50
#define TCP_MSL                 30000 /* TIME_WAIT is 60 s, as on Linux */
#define LWIP_TCP_SACK_OUT       1
#define LWIP_TCP_TIMESTAMPS     1
#define LWIP_TCP_KEEPALIVE      1
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

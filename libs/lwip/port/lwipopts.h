/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP for one domain with one thread: raw API, IPv4, TCP and ICMP over Ethernet, static address.
 * Memory comes from lwIP's own pools, whose sizes bound what peers can make it use.
 */
#ifndef LWIP_PORT_LWIPOPTS_H
#define LWIP_PORT_LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS          1
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#ifndef LWIP_STATS /* tests count what is in use */
#define LWIP_STATS 0
#endif
#define LWIP_NETIF_API 0

#define LWIP_IPV4           1
#define LWIP_IPV6           0
#define LWIP_ETHERNET       1
#define LWIP_ARP            1
#define LWIP_ICMP           1
#define LWIP_TCP            1
#define LWIP_UDP            0
#define LWIP_RAW            0
#define LWIP_IGMP           0
#define LWIP_DHCP           0
#define LWIP_DNS            0
#define IP_REASSEMBLY       0 /* TCP with path MTU of 1500 needs none; less for peers to play with */
#define IP_FRAG             0
#define ARP_QUEUEING        1
#define ARP_TABLE_SIZE      32
#define ETHARP_TRUST_IP_MAC 0
#define LWIP_SINGLE_NETIF   1

#define MEM_ALIGNMENT     8
#define MEM_SIZE          (256 * 1024) /* segments on their way out */
#define MEMP_NUM_PBUF     64
#define PBUF_POOL_SIZE    192
#define PBUF_POOL_BUFSIZE 1536 /* any frame in one buffer */

#define TCP_MSS                 1460
#define TCP_WND                 (16 * TCP_MSS)
#define TCP_SND_BUF             (16 * TCP_MSS)
#define TCP_SND_QUEUELEN        64
#define MEMP_NUM_TCP_SEG        256
#define MEMP_NUM_TCP_PCB        32
#define MEMP_NUM_TCP_PCB_LISTEN 2
#define TCP_LISTEN_BACKLOG      1
#define TCP_OVERSIZE            TCP_MSS
#define LWIP_TCP_KEEPALIVE      1
#define TCP_MSL                 10000UL /* ms: connections stay within a site */

/* Initial sequence numbers after RFC 6528. */
#define LWIP_HOOK_FILENAME "hooks.h"
#define LWIP_HOOK_TCP_ISN  lwip_port_tcp_isn

#define LWIP_CHKSUM_ALGORITHM 3
#define LWIP_CHECKSUM_ON_COPY 1

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP calls back (lwipopts.h). */
#ifndef LWIP_PORT_HOOKS_H
#define LWIP_PORT_HOOKS_H

#include "lwip/arch.h"
#include "lwip/ip_addr.h"

/* The initial sequence number of a connection. */
u32_t lwip_port_tcp_isn(const ip_addr_t *local_address, u16_t local_port,
                        const ip_addr_t *remote_address, u16_t remote_port);

#endif

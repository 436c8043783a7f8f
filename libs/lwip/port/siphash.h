/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash of short messages. Pure. */
#ifndef LWIP_PORT_SIPHASH_H
#define LWIP_PORT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *message, size_t length);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP wants to know of compiler and platform. */
#ifndef LWIP_PORT_ARCH_CC_H
#define LWIP_PORT_ARCH_CC_H

#include <stdint.h>

/* In lwip_port's port.c: lwIP's own includes stay free of the runtime's. */
void lwip_port_diagnose(const char *format, ...) __attribute__((format(printf, 1, 2)));
void lwip_port_assert(const char *message, const char *file, int line) __attribute__((noreturn));
uint32_t lwip_port_random(void);

#define LWIP_PLATFORM_DIAG(arguments) \
    do {                              \
        lwip_port_diagnose arguments; \
    } while (0)
#define LWIP_PLATFORM_ASSERT(message) lwip_port_assert(message, __FILE__, __LINE__)
#define LWIP_RAND()                   lwip_port_random()

#endif

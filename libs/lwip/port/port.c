/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP needs of its surroundings: time, random numbers, messages. */
#include <stdarg.h>

#include "libs/lwip/port/hooks.h"
#include "libs/lwip/port/siphash.h"
#include "libs/runtime/runtime.h"
#include "lwip/sys.h"

void lwip_port_diagnose(const char *format, ...)
{
    char line[BH_LOG_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)bh_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    bh_log("lwip: %s", line);
}

void lwip_port_assert(const char *message, const char *file, int line)
{
    bh_panic("lwip: %s (%s:%d)", message, file, line);
}

uint32_t lwip_port_random(void)
{
    uint32_t value;
    (void)bh_random(&value, sizeof(value));
    return value;
}

/* Milliseconds, modulo 2^32. */
u32_t sys_now(void)
{
    return (u32_t)(bh_us_from_ticks(bh_ticks()) / 1000);
}

/* RFC 6528 3: a clock of 4 microseconds, plus a keyed hash of the connection's addresses and ports.
 */
u32_t lwip_port_tcp_isn(const ip_addr_t *local_address, u16_t local_port,
                        const ip_addr_t *remote_address, u16_t remote_port)
{
    static uint64_t key[2];
    if (key[0] == 0) {
        (void)bh_random(key, sizeof(key));
        key[0] |= 1;
    }
    const uint32_t connection[] = {ip4_addr_get_u32(local_address),
                                   ip4_addr_get_u32(remote_address),
                                   (uint32_t)local_port << 16 | remote_port};
    return (u32_t)(siphash(key, connection, sizeof(connection)) + bh_us_from_ticks(bh_ticks()) / 4);
}

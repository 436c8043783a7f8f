/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/lwip/stack.h"

#include <stdarg.h>
#include <string.h>

#include "libs/runtime/runtime.h"
#include "lwip/init.h"
#include "lwip/memp.h"
#include "lwip/stats.h"
#include "lwip/timeouts.h"
#include "test/unit/check.h"

struct stack stack;
uint64_t bh_test_ticks = 1000000;

/* --- what the port wants of the runtime --- */

uint64_t bh_us_from_ticks(uint64_t ticks)
{
    return ticks; /* one a microsecond */
}

bool bh_random(void *buffer, size_t length)
{
    memset(buffer, 0x5a, length);
    return true;
}

void bh_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void bh_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    abort();
}

/* --- the stack --- */

static const struct bh_channel_geometry geometry = {.entries = 256,
                                                    .submit_size = sizeof(struct bh_net_request),
                                                    .complete_size = sizeof(struct bh_net_response),
                                                    .data_size = 128u * BH_NET_BUFFER};

static void open_channel(void)
{
    struct bh_channel client;
    struct bh_channel server;
    stack.memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&geometry));
    CHECK(stack.memory != NULL);
    memset(stack.memory, 0, bh_channel_bytes(&geometry));
    bh_channel_open(&client, stack.memory, &geometry);
    bh_channel_open(&server, stack.memory, &geometry);
    static struct bh_io_counters all;
    struct counters counters = {.own = &stack.counters, .all = &all};
    CHECK(port_open(&stack.port, &server, counters));
    channel_netif_attach(&stack.netif, &client);
    (void)channel_netif_flush(&stack.netif);
}

void stack_start(void)
{
    const ip4_addr_t address = {.addr = STACK_ADDRESS};
    const ip4_addr_t mask = {.addr = 0x00ffffff};
    const ip4_addr_t gateway = {.addr = 0x0202000a};
    lwip_init();
    CHECK(channel_netif_init(&stack.netif, STACK_MAC, address, mask, gateway));
    open_channel();
}

void stack_reattach(void)
{
    channel_netif_detach(&stack.netif);
    port_close(&stack.port);
    free(stack.memory);
    open_channel();
}

void stack_run(unsigned milliseconds, void (*work)(void))
{
    for (unsigned i = 0; i <= milliseconds; i++) {
        while (channel_netif_poll(&stack.netif, 16)) {
        }
        sys_check_timeouts();
        if (work != NULL) {
            work();
        }
        (void)channel_netif_flush(&stack.netif);
        bh_test_ticks += i < milliseconds ? 1000 : 0;
    }
}

uint64_t stack_now_us(void)
{
    return bh_test_ticks;
}

uint32_t stack_take(uint8_t *memory)
{
    struct frame frame;
    uint32_t budget = 100;
    if (port_take(&stack.port, &frame, &budget) != PORT_FRAME) {
        (void)port_flush(&stack.port);
        return 0;
    }
    frame_copy(memory, &frame);
    port_transmitted(&stack.port);
    (void)port_flush(&stack.port);
    return frame.length;
}

void stack_give(const uint8_t *memory, uint32_t length)
{
    struct frame frame;
    uint16_t vlan;
    (void)frame_open(&frame, memory, length, &vlan);
    port_deliver(&stack.port, &frame);
    (void)port_flush(&stack.port);
}

unsigned stack_memory_in_use(void)
{
    static const unsigned pools[] = {MEMP_PBUF, MEMP_PBUF_POOL, MEMP_TCP_SEG, MEMP_TCP_PCB};
    unsigned count = 0;
    for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
        count += lwip_stats.memp[pools[i]]->used;
    }
    return count;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console domain: owns the UART, serves the consoles of all guests and the logs of all domains
 * on it.
 *
 * Arguments: show=NAME, the console to be shown first; raw, nothing but its bytes (consoles.h).
 */
#include <string.h>

#include <bh/syscall.h>

#include "domains/console/server.h"
#include "drivers/pl011/pl011.h"
#include "ipc/console.h"
#include "ipc/domain.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

/* Keys that are read before the clients get their turn. */
#define KEYS_PER_ROUND 64

static struct server server;
static struct pl011 uart;
static bool has_uart;
static bool keys_waiting; /* the receive FIFO may hold some, and no interrupt will tell */
static const struct bh_resource *uart_irq;
static bool released[BH_DOMAIN_RESOURCE_MAX]; /* root has been told that the detaching resource is
                                                 not used */

static void signal_peer(uint64_t notification)
{
    (void)bh_signal(notification);
}

/* An attached resource of the UART: device registers name the driver, its interrupt has the same
 * device's name. */
static const struct bh_resource *find_uart(uint32_t kind)
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED && resource->kind == kind &&
            strncmp(resource->object, "pl011", BH_NAME_MAX) == 0) {
            return resource;
        }
    }
    return NULL;
}

static void start_uart(void)
{
    const struct bh_resource *registers = find_uart(BH_RESOURCE_MMIO);
    if (registers == NULL) {
        server_log(&server, "no UART: consoles are kept for the manager only");
        return;
    }
    uart_irq = find_uart(BH_RESOURCE_IRQ);
    if (uart_irq == NULL) {
        server_log(&server, "UART %s has no interrupt: not used", registers->name);
        return;
    }
    pl011_init(&uart, (volatile void *)registers->address);
    has_uart = true;
    keys_waiting = true;
}

/* Gives the UART what it takes. True: it took something. */
static bool write_uart(void)
{
    size_t total = 0;
    for (;;) {
        size_t length;
        const uint8_t *data = output_front(&server.output, &length);
        size_t written = has_uart ? pl011_write(&uart, data, length) : length;
        output_take(&server.output, written);
        total += written;
        if (length == 0 || written < length) {
            break;
        }
    }
    if (has_uart) {
        pl011_enable_transmit_interrupt(&uart, output_length(&server.output) > 0);
    }
    return total > 0;
}

static void read_uart(void)
{
    uint8_t key;
    keys_waiting = false;
    for (int i = 0; i < KEYS_PER_ROUND; i++) {
        if (!pl011_read(&uart, &key)) {
            return;
        }
        server_key(&server, key);
    }
    keys_waiting = true;
}

static void handle_uart_interrupt(void)
{
    pl011_clear_interrupts(&uart);
    read_uart();
    (void)bh_irq_handler_ack(uart_irq->cap);
}

static bool is_served(const struct bh_resource *resource)
{
    return resource->kind == BH_RESOURCE_SERVER &&
           (resource->protocol == BH_PROTOCOL_CONSOLE ||
            resource->protocol == BH_PROTOCOL_CONSOLE_INPUT);
}

/* Follows the domain page: channels that come and go. */
static void follow_page(void)
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        uint32_t state = bh_resource_state(resource);
        if (state == BH_RESOURCE_ATTACHED) {
            released[i] = false;
            if (is_served(resource) && !server_serves(&server, i, resource->epoch)) {
                server_detach(&server, i);
                server_attach(&server, i, resource);
            }
        } else if (state == BH_RESOURCE_DETACHING && is_served(resource)) {
            server_detach(&server, i);
            if (!released[i]) {
                released[i] = true;
                (void)bh_root_call(BH_ROOT_DETACHED, i, 0, 0);
            }
        }
    }
}

static void turn_machine_off(void)
{
    server.power_off = false;
    consoles_say(&server.consoles, "[turning the machine off]");
    (void)write_uart();
    struct bh_root_answer answer = bh_root_call(BH_ROOT_MACHINE_OFF, 0, 0, 0);
    if (answer.status != BH_ROOT_OK) {
        consoles_say(&server.consoles, "[root does not let the console turn the machine off]");
    }
}

int main(void)
{
    char show[BH_CONSOLE_NAME_MAX] = "";
    (void)bh_argument("show", show, sizeof(show));
    const struct bh_resource *history = bh_resource_find(BH_RESOURCE_REGION, "history");
    server_init(&server, history != NULL ? (struct bh_console_history *)history->address : NULL,
                history != NULL ? history->size / sizeof(struct bh_console_history) : 0, show,
                bh_argument("raw", NULL, 0), signal_peer);
    start_uart();
    consoles_say(&server.consoles, "[Bulkhead console: Ctrl-] h for help]");
    follow_page();
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);

    for (;;) {
        bool more = server_run(&server);
        if (write_uart()) {
            server_drained(&server);
            more = true;
        }
        if (has_uart && keys_waiting) {
            read_uart();
            more = true;
        }
        if (server.power_off) {
            turn_machine_off();
            more = true;
        }
        uint64_t bits = 0;
        if (more) {
            (void)bh_poll(BH_SLOT_NOTIFICATION, &bits);
        } else {
            (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
        }
        if ((bits & BH_SIGNAL_CONTROL) != 0) {
            bh_domain_changed();
            follow_page();
        }
        if (has_uart && (bits & uart_irq->bits) != 0) {
            handle_uart_interrupt();
        }
        server_wake(&server, bits);
    }
}

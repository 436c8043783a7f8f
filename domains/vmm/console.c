/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/console.h"

#include "domains/vmm/vm.h"

#include "domains/vmm/system.h"
#include "ipc/statistics.h"
#include "libs/runtime/runtime.h"

#define FLUSH_US 1000u
#define STALL_US 1000000u

/* The console domain has room again, or is gone: output goes on. */
static void console_unstall(struct console *console)
{
    if (console->stalled) {
        console->stalled = false;
        console->dropping = false;
        pl011_transmit_ready(console->uart);
        if (console->other.ready != NULL) {
            console->other.ready(console->other.device);
        }
    }
}

/* Takes the next chunk out of the ring. False: there is none. */
static bool console_next(struct console *console)
{
    struct bh_ring *ring = &console->channel.complete;
    console->input_used = 0;
    enum bh_ring_status status = bh_ring_consume(ring, &console->input);
    if (status == BH_RING_EMPTY && !bh_ring_consumer_sleep(ring)) {
        status = bh_ring_consume(ring, &console->input);
    }
    if (status == BH_RING_OK && console->input.length > BH_CONSOLE_CHUNK_MAX) {
        ring->broken = true;
        status = BH_RING_BROKEN;
    }
    if (status != BH_RING_OK) {
        console->input.length = 0;
    }
    return status == BH_RING_OK;
}

static size_t console_receive(struct console *console, const uint8_t *bytes, size_t count)
{
    return console->other_wrote ? console->other.receive(console->other.device, bytes, count)
                                : pl011_receive(console->uart, bytes, count);
}

void console_pull(struct console *console)
{
    uint32_t chunks = 0;
    while (true) {
        uint32_t left = console->input.length - console->input_used;
        if (left > 0) {
            size_t taken =
                console_receive(console, console->input.data + console->input_used, left);
            console->input_used += (uint32_t)taken;
            console->vm->statistics->console_bytes_in += taken;
            if (taken < left) {
                break; /* it asks again when it has room */
            }
        }
        if (!console->attached) {
            break;
        }
        if (chunks == console->channel.complete.size) {
            /* One ring full at a time, however fast the other side is. */
            vm_timer_arm(console->vm, &console->flush, bh_ticks() + bh_ticks_from_us(FLUSH_US));
            break;
        }
        if (!console_next(console)) {
            break;
        }
        chunks++;
    }
    if (chunks > 0 && bh_ring_release(&console->channel.complete)) {
        system_signal(console->channel.signal_cap);
    }
}

static void console_due(void *device)
{
    console_flush(device);
    console_pull(device);
}

static void console_attached(void *device, const struct bh_channel *channel)
{
    struct console *console = device;
    console->channel = *channel;
    console->attached = true;
    console_due(console);
}

static void console_detached(void *device)
{
    struct console *console = device;
    console->attached = false;
}

bool console_start(struct console *console, struct vm *vm, struct pl011 *uart)
{
    static const struct vm_link_ops ops = {
        .attached = console_attached, .detached = console_detached, .signalled = console_due};
    *console = (struct console){.vm = vm, .uart = uart};
    console->flush = (struct vm_timer){.expired = console_due, .device = console};
    const struct bh_resource *resource = bh_resource_find(BH_RESOURCE_CLIENT, "console");
    if (resource == NULL || resource->protocol != BH_PROTOCOL_CONSOLE) {
        return true;
    }
    return vm_link_start(&console->link, vm, resource, &ops, console);
}

void console_flush(struct console *console)
{
    vm_timer_disarm(console->vm, &console->flush);
    if (console->output.length == 0) {
        console_unstall(console);
        return;
    }
    enum bh_ring_status status = BH_RING_BROKEN;
    if (console->attached) {
        do {
            status = bh_ring_produce(&console->channel.submit, &console->output);
        } while (status == BH_RING_FULL && !bh_ring_producer_sleep(&console->channel.submit));
    }
    if (status == BH_RING_FULL) {
        if (!console->stalled) {
            console->stalled = true;
            console->stall_start = bh_ticks();
        }
        return;
    }
    if (status == BH_RING_OK) {
        bh_ring_producer_awake(&console->channel.submit);
        if (bh_ring_publish(&console->channel.submit)) {
            system_signal(console->channel.signal_cap);
        }
    }
    console->output.length = 0;
    console_unstall(console);
}

bool console_given_up(struct console *console)
{
    if (!console->dropping) {
        console->dropping = bh_ticks() - console->stall_start >= bh_ticks_from_us(STALL_US);
    }
    return console->dropping;
}

static void console_gather(struct console *console, uint8_t byte)
{
    console->vm->statistics->console_bytes_out++;
    if (console->output.length == BH_CONSOLE_CHUNK_MAX) {
        console_flush(console);
        if (console->output.length == BH_CONSOLE_CHUNK_MAX) {
            return; /* stalled: the guest did not ask, or has waited long enough */
        }
    }
    console->output.data[console->output.length++] = byte;
    if (console->output.length == BH_CONSOLE_CHUNK_MAX || byte == '\n') {
        console_flush(console);
    } else if (!console->flush.armed && !console->stalled) {
        vm_timer_arm(console->vm, &console->flush, bh_ticks() + bh_ticks_from_us(FLUSH_US));
    }
}

void console_put(struct console *console, uint8_t byte)
{
    console->other_wrote = false;
    console_gather(console, byte);
}

void console_put_other(struct console *console, uint8_t byte)
{
    console->other_wrote = true;
    console_gather(console, byte);
}

void console_join(struct console *console, const struct console_other *other)
{
    console->other = *other;
}

void console_other_gone(struct console *console)
{
    console->other_wrote = false;
}

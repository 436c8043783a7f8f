/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/vmm/virtio_console.h"

#include <stddef.h>

#include "domains/vmm/virtio_memory.h"
#include "libs/runtime/runtime.h"

#define F_EMERG_WRITE (UINT64_C(1) << 2) /* 5.3.3 */
#define RETRY_US      50000u
#define COPY_BYTES    64u

enum {
    QUEUE_RECEIVE = 0,
    QUEUE_TRANSMIT = 1
}; /* 5.3.2 */

/* The bytes of the chain that are not out yet. False: the console takes no more now. */
static bool write_chain(struct virtio_console *port, const struct virtqueue_chain *chain)
{
    uint8_t bytes[COPY_BYTES];
    while (true) {
        size_t count = virtqueue_copy_out(chain->segment, chain->readable_count, port->written,
                                          bytes, sizeof(bytes));
        if (count == 0) {
            return true;
        }
        for (size_t i = 0; i < count; i++) {
            if (!console_ready(port->console)) {
                return false;
            }
            console_put_other(port->console, bytes[i]);
            port->written++;
        }
    }
}

/* The driver may wait for its buffer without sleeping: a console that takes nothing is asked again,
 * and drops output after a while (console.h). */
static void transmit(struct virtio_console *port)
{
    struct virtqueue *queue = &port->device.queue[QUEUE_TRANSMIT];
    struct virtqueue_chain chain;
    bool out = true;
    port->transmitting = true;
    do {
        while (out && virtio_device_pop(&port->device, QUEUE_TRANSMIT, &chain)) {
            out = write_chain(port, &chain);
            if (out) {
                port->written = 0;
                virtqueue_push(queue, chain.head, 0);
            } else {
                virtqueue_unpop(queue);
            }
        }
    } while (out && virtio_device_running(&port->device) && !virtqueue_wait(queue));
    port->transmitting = false;
    if (!out) {
        vm_timer_arm(port->vm, &port->retry, bh_ticks() + bh_ticks_from_us(RETRY_US));
    }
    virtio_device_publish(&port->device, QUEUE_TRANSMIT);
}

static void console_is_ready(void *context)
{
    struct virtio_console *port = context;
    if (virtio_device_running(&port->device) && !port->transmitting) {
        transmit(port);
    }
}

/* Input for the guest: returns how much of it found room. */
static size_t receive(void *context, const uint8_t *bytes, size_t count)
{
    struct virtio_console *port = context;
    struct virtqueue *queue = &port->device.queue[QUEUE_RECEIVE];
    struct virtqueue_chain chain;
    size_t done = 0;
    while (done < count && virtio_device_running(&port->device)) {
        if (!virtio_device_pop(&port->device, QUEUE_RECEIVE, &chain)) {
            if (virtqueue_wait(queue)) {
                break; /* the driver's next buffer asks for the rest */
            }
            continue;
        }
        size_t part = virtqueue_copy_in(chain.segment + chain.readable_count, chain.writable_count,
                                        0, bytes + done, count - done);
        virtqueue_push(queue, chain.head, (uint32_t)part);
        done += part;
    }
    virtio_device_publish(&port->device, QUEUE_RECEIVE);
    return done;
}

static void port_kick(struct virtio_device *device, unsigned index)
{
    struct virtio_console *port = device->context;
    if (index == QUEUE_TRANSMIT) {
        transmit(port);
    } else {
        console_pull(port->console);
    }
}

static void port_start(struct virtio_device *device)
{
    transmit(device->context);
}

static void port_reset(struct virtio_device *device)
{
    struct virtio_console *port = device->context;
    port->written = 0;
    vm_timer_disarm(port->vm, &port->retry);
    console_other_gone(port->console);
}

/* 5.3.4: emerg_wr puts out a character, whatever state the device is in. */
static void port_configure(struct virtio_device *device, uint32_t offset, unsigned bytes,
                           uint64_t value)
{
    struct virtio_console *port = device->context;
    (void)bytes;
    if (offset == offsetof(struct virtio_console_config, emerg_wr)) {
        console_put_other(port->console, (uint8_t)value);
    }
}

static const struct virtio_device_ops port_ops = {
    .start = port_start, .reset = port_reset, .kick = port_kick, .configure = port_configure};

void virtio_console_create(struct virtio_console *port, struct vm *vm, struct console *console)
{
    port->vm = vm;
    port->console = console;
    port->config.max_nr_ports = 1;
    port->retry = (struct vm_timer){.expired = console_is_ready, .device = port};
    port->device = (struct virtio_device){
        .ops = &port_ops,
        .context = port,
        .type = VIRTIO_TYPE_CONSOLE,
        .offered = F_EMERG_WRITE,
        .configuration = &port->config,
        .configuration_size = sizeof(port->config),
        .memory = virtio_memory_of(vm),
        .queue_sizes = {VIRTIO_CONSOLE_QUEUE_SIZE, VIRTIO_CONSOLE_QUEUE_SIZE},
    };
    virtio_device_init(&port->device);
    struct console_other other = {.receive = receive, .ready = console_is_ready, .device = port};
    console_join(console, &other);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio console (virtio 1.2 section 5.3), one port, that shares the guest's console with the
 * UART (console.h).
 */
#ifndef DOMAINS_VMM_VIRTIO_CONSOLE_H
#define DOMAINS_VMM_VIRTIO_CONSOLE_H

#include "domains/vmm/console.h"
#include "libs/virtio/device.h"

#define VIRTIO_CONSOLE_QUEUE_SIZE 64u

/* 5.3.4 */
struct virtio_console_config {
    uint16_t cols, rows;
    uint32_t max_nr_ports;
    uint32_t emerg_wr;
};

struct virtio_console {
    struct virtio_device device;
    struct virtio_console_config config;
    struct vm *vm;
    struct console *console;
    uint64_t written;  /* bytes of the next chain that are out already */
    bool transmitting; /* the console may call back meanwhile */
    struct vm_timer retry;
};

/* `port` is zeroed. */
void virtio_console_create(struct virtio_console *port, struct vm *vm, struct console *console);

#endif

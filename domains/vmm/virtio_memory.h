/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory as libs/virtio looks at it. */
#ifndef DOMAINS_VMM_VIRTIO_MEMORY_H
#define DOMAINS_VMM_VIRTIO_MEMORY_H

#include "domains/vmm/device.h"
#include "libs/virtio/queue.h"

static inline void *virtio_memory_pointer(void *vm, uint64_t address, uint64_t length)
{
    return guest_memory(vm, address, length);
}

static inline struct virtio_memory virtio_memory_of(struct vm *vm)
{
    return (struct virtio_memory){.pointer = virtio_memory_pointer, .context = vm};
}

#endif

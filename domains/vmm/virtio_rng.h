/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio entropy device (virtio 1.2 section 5.4), where the machine's processor generates random
 * numbers. */
#ifndef DOMAINS_VMM_VIRTIO_RNG_H
#define DOMAINS_VMM_VIRTIO_RNG_H

#include "domains/vmm/device.h"
#include "libs/virtio/device.h"

#define VIRTIO_RNG_QUEUE_SIZE 8u
#define VIRTIO_RNG_BYTES_MAX  256u /* in one buffer, however large it is */

struct virtio_rng {
    struct virtio_device device;
};

/* `rng` is zeroed. False: this machine has no random numbers fit for keys. */
bool virtio_rng_create(struct virtio_rng *rng, struct vm *vm);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the structures that Identify returns (5.15.2): pure, on untrusted pages of 4 KiB. Private
 * to the driver. */
#ifndef DRIVERS_NVME_IDENTIFY_H
#define DRIVERS_NVME_IDENTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nvme_controller_data {
    uint32_t transfer_max; /* bytes, at most BLOCK_TRANSFER_MAX */
    char model[41];
};

struct nvme_namespace_data {
    uint64_t blocks;
    bool read_only;
};

void nvme_read_controller(const uint8_t *page, struct nvme_controller_data *data);

/* The first active namespace, or 0. */
uint32_t nvme_read_namespace_list(const uint8_t *page);

/* NULL: fine; else why the namespace can't be used. */
const char *nvme_read_namespace(const uint8_t *page, struct nvme_namespace_data *data);

#endif

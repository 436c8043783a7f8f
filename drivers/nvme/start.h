/* SPDX-License-Identifier: BSD-2-Clause */
/* From reset to running, in stages that never wait: private to the driver. */
#ifndef DRIVERS_NVME_START_H
#define DRIVERS_NVME_START_H

#include "drivers/nvme/nvme.h"

void nvme_begin(struct nvme *nvme, uint64_t now);
void nvme_advance(struct nvme *nvme, uint64_t now);

/* FAILED: no more interrupts and commands until the next nvme_begin. */
void nvme_stop(struct nvme *nvme, const char *error);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The disks of this domain, out of the devices in its domain page. */
#ifndef DOMAINS_STORAGE_DEVICE_H
#define DOMAINS_STORAGE_DEVICE_H

#include "domains/storage/disk.h"

#define DEVICES_MAX 8u

/* A disk and its interrupt. */
struct device {
    struct disk disk;
    uint64_t irq_bits; /* 0: it has none */
    uint64_t irq_cap;
};

struct devices {
    uint32_t count;
    struct device device[DEVICES_MAX];
};

/* Opens all of them and starts them. What can't be used is left out, with a line in the log. */
void devices_open(struct devices *devices, struct volume_table *volumes, uint64_t now);

#endif

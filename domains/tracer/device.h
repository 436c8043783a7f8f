/* SPDX-License-Identifier: BSD-2-Clause */
/* The tracer's virtio console, as its domain page describes it. */
#ifndef TRACER_DEVICE_H
#define TRACER_DEVICE_H

#include "drivers/virtio_console/virtio_console.h"

/* Finds the device and starts it, which may take a moment. NULL, or why there is none. */
const char *device_start(struct virtio_console *console);

#endif

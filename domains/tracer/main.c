/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tracer: copies the kernel's trace out of its rings to a virtio console, from time to time and
 * much at once. It holds the rings read-only, the table of threads read-only, and its device.
 */
#include <bh/syscall.h>

#include "domains/tracer/device.h"
#include "domains/tracer/stream.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

/* In the longer pause 6.5 million entries a second fit into a core's ring. */
#define PAUSE_MAX_US  10000u
#define PAUSE_BUSY_US 2500u
#define BUSY          (4 * VIRTIO_CONSOLE_BUFFER) /* bytes at once */
#define PATIENCE_US   1000000u

static struct stream stream;
static struct virtio_console console;
static bool poll; /* argument: wait for the device */

static const char *open_trace(void)
{
    const struct bh_resource *rings = bh_resource_find(BH_RESOURCE_REGION, "trace");
    const struct bh_resource *threads = bh_resource_find(BH_RESOURCE_REGION, "threads");
    if (rings == NULL || threads == NULL) {
        return "the kernel does not trace, or it may not be read";
    }
    stream = (struct stream){.rings = (const struct bh_trace_ring *)(uintptr_t)rings->address,
                             .threads = (const struct bh_trace_thread_table *)(uintptr_t)threads->address,
                             .core_count = (uint32_t)(rings->size >> BH_TRACE_RING_BITS),
                             .frequency = bh_timer_frequency()};
    return stream.rings->magic != BH_TRACE_MAGIC || stream.core_count > BH_CORES_MAX
               ? "the kernel's trace is of another version"
               : NULL;
}

/* Time stands while the device works, as it were: for machines whose time runs on and jumps
 * meanwhile, as QEMU's does with -icount sleep=off. Not for ever. */
static void wait_for_device(void)
{
    uint64_t limit = bh_ticks() + bh_ticks_from_us(PATIENCE_US);
    while (!virtio_console_idle(&console) && bh_ticks() < limit) {
    }
}

/* Returns how many bytes there were. */
static uint64_t drain(void)
{
    uint64_t bytes = 0;
    uint8_t *buffer;
    while ((buffer = virtio_console_buffer(&console)) != NULL) {
        uint32_t size = stream_next(&stream, buffer, VIRTIO_CONSOLE_BUFFER);
        if (size == 0) {
            break;
        }
        virtio_console_send(&console, size);
        bytes += size;
        if (poll) {
            wait_for_device();
        }
    }
    return bytes;
}

int main(void)
{
    const char *reason = open_trace();
    if (reason == NULL) {
        reason = device_start(&console);
    }
    poll = bh_argument("poll", NULL, 0);
    bh_log("%s", reason == NULL ? "tracing" : reason);
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
    uint64_t due = bh_ticks();
    for (;;) {
        if (reason == NULL && bh_ticks() >= due) {
            uint32_t pause = drain() < BUSY ? PAUSE_MAX_US : PAUSE_BUSY_US;
            due = bh_ticks() + bh_ticks_from_us(pause);
            if (virtio_console_broken(&console)) {
                reason = "its virtio console has failed";
                bh_log("%s", reason);
            }
        }
        if (reason == NULL) {
            bh_deadline_set(due);
        }
        uint64_t bits = 0;
        (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
        if ((bits & BH_SIGNAL_CONTROL) != 0) {
            bh_domain_changed();
        }
    }
}

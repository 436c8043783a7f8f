/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The storage domain: finds the volumes on its disks, publishes their names, and serves them over
 * the block channels that root gives it and takes away at run time. Data goes between disk and
 * channel without being copied.
 *
 * Arguments: `memory-volume=NAME:BYTES`, a volume in the domain's heap, lost when it ends;
 * `request-timeout=SECONDS`, after which a command is given up and its disk reset (30; 0: never);
 * `poll`: while a disk has requests in flight, wait for it without letting the processor
 * idle. Where time is virtual and jumps ahead whenever everything waits, as under QEMU's icount,
 * disks that work in the host's time would otherwise seem to take minutes.
 */
#include <bh/syscall.h>

#include "domains/storage/attachment.h"
#include "domains/storage/device.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

static struct devices devices;
static struct volume_table volumes;
static struct attachments attachments;
static struct bh_service_statistics private_statistics; /* when root gives none to share */
static uint64_t armed = BLOCK_NEVER;
static bool poll; /* argument: the processor does not idle while a disk works */

static void signal_peer(uint64_t cap)
{
    (void)bh_signal(cap);
}

/* Disks may share an interrupt: all of them lower it before it is acknowledged. */
static void handle_interrupts(uint64_t bits, uint64_t now)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        if ((devices.device[i].irq_bits & bits) != 0) {
            disk_step(&devices.device[i].disk, now);
        }
    }
    for (uint32_t i = 0; i < devices.count; i++) {
        if ((devices.device[i].irq_bits & bits) != 0) {
            (void)bh_irq_handler_ack(devices.device[i].irq_cap);
        }
    }
}

static void handle_time(uint64_t now)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        if (disk_wake_at(&devices.device[i].disk) <= now) {
            disk_step(&devices.device[i].disk, now);
        }
    }
}

/* When the first disk wants attention; BLOCK_NEVER: no disk has anything to do. */
static uint64_t earliest_wake(void)
{
    uint64_t wake_at = BLOCK_NEVER;
    for (uint32_t i = 0; i < devices.count; i++) {
        uint64_t disk = disk_wake_at(&devices.device[i].disk);
        wake_at = disk < wake_at ? disk : wake_at;
    }
    return wake_at;
}

static bool starting(void)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        if (disk_starting(&devices.device[i].disk)) {
            return true;
        }
    }
    return false;
}

/* A disk owes an answer. */
static bool busy(void)
{
    bool any = starting();
    for (uint32_t i = 0; i < devices.count; i++) {
        any |= devices.device[i].disk.in_flight != 0;
    }
    return any;
}

static uint64_t wait_for_bits(void)
{
    uint64_t bits;
    uint64_t wake_at = earliest_wake();
    if (wake_at < armed) { /* one that is armed too early stays: it does no harm */
        bh_deadline_set(wake_at);
        armed = wake_at;
    }
    if (poll && busy()) {
        while (bh_poll(BH_SLOT_NOTIFICATION, &bits) != BH_OK) {
        }
    } else {
        (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
    }
    if ((bits & BH_SIGNAL_TIMER) != 0) {
        armed = BLOCK_NEVER;
    }
    return bits;
}

static void handle(uint64_t bits)
{
    uint64_t now = bh_ticks();
    handle_interrupts(bits, now);
    if ((bits & BH_SIGNAL_TIMER) != 0) {
        handle_time(now);
    }
    if ((bits & BH_SIGNAL_CONTROL) != 0) {
        bh_domain_changed();
    }
}

static void start(void)
{
    poll = bh_argument("poll", NULL, 0);
    devices_open(&devices, &volumes, bh_ticks());
    while (starting()) {
        handle(wait_for_bits());
    }
    for (uint32_t i = 0; i < volumes.count; i++) {
        const struct volume *volume = &volumes.volume[i];
        bh_log("volume %s: %llu KiB%s", volume->name, (unsigned long long)volume->sectors / 2,
               volume->read_only ? ", read-only" : "");
    }
    const struct bh_resource *region = bh_resource_find(BH_RESOURCE_REGION, "volumes");
    if (region != NULL && region->size >= sizeof(struct bh_volume_table)) {
        volume_publish(&volumes, (struct bh_volume_table *)(uintptr_t)region->address);
    } else {
        bh_log("there is no region to publish the volumes in");
    }
    struct bh_service_statistics *statistics = &private_statistics;
    region = bh_resource_find(BH_RESOURCE_REGION, "statistics");
    if (region != NULL && region->size >= sizeof *statistics) {
        statistics = (struct bh_service_statistics *)(uintptr_t)region->address;
    }
    attachments_open(&attachments, &volumes, statistics);
    attachments_scan(&attachments);
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
}

int main(void)
{
    start();
    for (;;) {
        uint64_t now = bh_ticks();
        bool more = disk_run(&attachments.nowhere, now, signal_peer);
        for (uint32_t i = 0; i < devices.count; i++) {
            more |= disk_run(&devices.device[i].disk, now, signal_peer);
        }
        attachments_drain(&attachments);
        uint64_t bits = 0;
        if (more) {
            (void)bh_poll(BH_SLOT_NOTIFICATION, &bits);
            armed = (bits & BH_SIGNAL_TIMER) != 0 ? BLOCK_NEVER : armed;
        } else {
            bits = wait_for_bits();
        }
        handle(bits);
        if ((bits & BH_SIGNAL_CONTROL) != 0) {
            attachments_scan(&attachments);
        }
        attachments_wake(&attachments, bits);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the place of a VMM: finds what its last life has flushed, writes and flushes more, and resets
 * itself with the disks' queues full of its reads. After LIVES of them it powers off; it crashes
 * when anything is not as it should be.
 */
#include <bh/syscall.h>
#include <string.h>

#include "ipc/block_client.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

#define LIVES     12u
#define LENGTH    4096u
#define UNTOUCHED (64u * 1024u) /* bytes at the end of the data that nothing is read into */

static struct bh_block_client disks[2];

static void crash(const char *what, uint64_t life)
{
    bh_log("FAILED in life %llu: %s", (unsigned long long)life, what);
    (void)bh_root_call(BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_CRASHED, 0, 0);
}

static uint32_t ask(struct bh_block_client *disk, enum bh_block_operation operation,
                    uint64_t sector, uint32_t length)
{
    struct bh_block_done done;
    (void)bh_block_client_submit(disk, operation, sector, 0, length, NULL);
    if (bh_block_client_publish(disk)) {
        (void)bh_signal(disk->channel.signal_cap);
    }
    while (!bh_block_client_next(disk, &done)) {
        uint64_t bits;
        if (bh_block_client_sleep(disk)) {
            (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
        }
    }
    return done.status;
}

static bool all(const uint8_t *at, size_t length, uint8_t value)
{
    for (size_t i = 0; i < length; i++) {
        if (at[i] != value) {
            return false;
        }
    }
    return true;
}

static void flood(struct bh_block_client *disk)
{
    uint32_t length = (uint32_t)disk->channel.data_size - UNTOUCHED;
    length = length > BH_BLOCK_LENGTH_MAX ? BH_BLOCK_LENGTH_MAX : length;
    while (bh_block_client_submit(disk, BH_BLOCK_READ, 0, 0, length, NULL) == BH_RING_OK) {
    }
    (void)bh_block_client_publish(disk);
    (void)bh_signal(disk->channel.signal_cap);
}

int main(void)
{
    static const char *const names[2] = {"disk0", "disk1"};
    uint8_t life = 0;
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
    (void)bh_root_call(BH_ROOT_GUEST_EVENT, BH_GUEST_EVENT_RUNNING, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct bh_channel channel;
        bh_channel_attach(&channel, bh_resource_find(BH_RESOURCE_CLIENT, names[i]));
        bh_block_client_init(&disks[i], &channel);
        uint8_t *data = channel.data;
        if (!all(data, channel.data_size, 0)) {
            crash("the data region is not clear", life);
        }
        if (ask(&disks[i], BH_BLOCK_READ, 0, LENGTH) != BH_BLOCK_OK) {
            crash("a read fails", life);
        }
        if (!all(data, LENGTH, data[0]) || (i == 1 && data[0] != life)) {
            crash("what was flushed is not on the disk", life);
        }
        life = data[0];
    }
    for (unsigned i = 0; i < 2; i++) {
        memset(disks[i].channel.data, life + 1, LENGTH);
        if (ask(&disks[i], BH_BLOCK_WRITE, 0, LENGTH) != BH_BLOCK_OK ||
            ask(&disks[i], BH_BLOCK_FLUSH, 0, 0) != BH_BLOCK_OK) {
            crash("a write or flush fails", life);
        }
        flood(&disks[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct bh_channel *channel = &disks[i].channel;
        if (!all(channel->data + channel->data_size - UNTOUCHED, UNTOUCHED, 0)) {
            crash("somebody else's data came in", life);
        }
    }
    bh_log("life %u ends", life);
    uint64_t event = life + 1 == LIVES ? BH_GUEST_EVENT_OFF : BH_GUEST_EVENT_RESET;
    (void)bh_root_call(BH_ROOT_GUEST_EVENT, event, 0, 0);
    for (;;) {
        uint64_t bits;
        (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
    }
}

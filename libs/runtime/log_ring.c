/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/runtime/log_ring.h"

#include <string.h>

#include "ipc/console.h"

bool log_ring_put(struct bh_channel *channel, const char *text, size_t length, bool *signal)
{
    struct bh_ring *ring = &channel->submit;
    *signal = false;
    if (length > (size_t)bh_ring_space(ring) * BH_CONSOLE_CHUNK_MAX) {
        return false;
    }
    while (length > 0) {
        struct bh_console_chunk chunk = {0};
        chunk.length = length < BH_CONSOLE_CHUNK_MAX ? (uint32_t)length : BH_CONSOLE_CHUNK_MAX;
        memcpy(chunk.data, text, chunk.length);
        if (bh_ring_produce(ring, &chunk) != BH_RING_OK) {
            return false; /* broken: nothing reaches the server any more */
        }
        text += chunk.length;
        length -= chunk.length;
    }
    *signal = bh_ring_publish(ring);
    return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The layout of a channel, the check of ranges in its data region, and the page allocator of its
 * client. */
#include <string.h>

#include "ipc/block.h"
#include "ipc/console.h"
#include "ipc/net.h"
#include "ipc/pages.h"
#include "test/unit/check.h"

static void parts_lie_apart(uint32_t entries, uint32_t submit_size, uint32_t complete_size,
                            uint64_t data_size)
{
    struct bh_channel_geometry geometry = {.entries = entries,
                                           .submit_size = submit_size,
                                           .complete_size = complete_size,
                                           .data_size = data_size};
    uint64_t bytes = bh_channel_bytes(&geometry);
    CHECK(bytes % BH_CHANNEL_PAGE == 0);
    uint8_t *memory = aligned_alloc(BH_CHANNEL_PAGE, bytes);
    CHECK(memory != NULL);
    memset(memory, 0, bytes);

    struct bh_channel channel;
    bh_channel_open(&channel, memory, &geometry);
    uint8_t *submit_end = channel.submit.entries + (size_t)entries * submit_size;
    uint8_t *complete_end = channel.complete.entries + (size_t)entries * complete_size;
    CHECK((uint8_t *)channel.submit.shared == memory);
    CHECK((uint8_t *)channel.complete.shared >= submit_end);
    CHECK((uintptr_t)channel.complete.shared % 64 == 0);
    CHECK(channel.data >= complete_end);
    CHECK((uintptr_t)channel.data % BH_CHANNEL_PAGE == 0);
    CHECK(channel.data + channel.data_size == memory + bytes);
    CHECK_EQUAL(channel.submit.size, entries);
    CHECK_EQUAL(channel.complete.entry_size, complete_size);
    free(memory);
}

static void ranges_outside_the_data_are_refused(void)
{
    struct bh_channel channel = {.data_size = 8192};
    CHECK(bh_channel_range_ok(&channel, 0, 8192));
    CHECK(bh_channel_range_ok(&channel, 8192, 0));
    CHECK(bh_channel_range_ok(&channel, 8191, 1));
    CHECK(!bh_channel_range_ok(&channel, 0, 8193));
    CHECK(!bh_channel_range_ok(&channel, 8192, 1));
    CHECK(!bh_channel_range_ok(&channel, 8193, 0));
    CHECK(!bh_channel_range_ok(&channel, 1, UINT64_MAX));
    CHECK(!bh_channel_range_ok(&channel, UINT64_MAX, 2));
    CHECK(!bh_channel_range_ok(&channel, UINT64_MAX, UINT64_MAX));
}

static void pages_never_overlap(uint64_t data_size)
{
    enum {
        RUNS = 64
    };
    struct run {
        uint64_t offset;
        uint32_t length;
    } runs[RUNS] = {0};
    static uint8_t owner[BH_PAGES_MAX];
    memset(owner, 0, sizeof(owner));

    struct bh_pages pages;
    bh_pages_init(&pages, data_size);
    uint32_t random = 1;
    for (unsigned step = 0; step < 100000; step++) {
        random = random * 1664525u + 1013904223u;
        unsigned slot = (random >> 8) % RUNS;
        struct run *run = &runs[slot];
        if (run->length == 0) {
            uint32_t length = (random >> 14) % (64 * 1024) + 1;
            uint64_t offset = bh_pages_take(&pages, length);
            if (offset == BH_PAGES_NONE) {
                continue;
            }
            CHECK(offset % BH_CHANNEL_PAGE == 0 && length <= data_size &&
                  offset <= data_size - length);
            run->offset = offset;
            run->length = length;
            for (uint64_t page = offset / 4096; page * 4096 < offset + length; page++) {
                CHECK(owner[page] == 0);
                owner[page] = 1;
            }
        } else {
            for (uint64_t page = run->offset / 4096; page * 4096 < run->offset + run->length;
                 page++) {
                CHECK(owner[page] == 1);
                owner[page] = 0;
            }
            bh_pages_give(&pages, run->offset, run->length);
            run->length = 0;
        }
    }
    for (unsigned i = 0; i < RUNS; i++) {
        if (runs[i].length != 0) {
            bh_pages_give(&pages, runs[i].offset, runs[i].length);
        }
    }
    CHECK_EQUAL(pages.free_count, pages.count);
    if (pages.count != 0) {
        CHECK_EQUAL(bh_pages_take(&pages, pages.count * 4096), 0);
    }
    CHECK_EQUAL(bh_pages_take(&pages, 1), BH_PAGES_NONE);
    CHECK_EQUAL(bh_pages_take(&pages, 0), BH_PAGES_NONE);
}

int main(void)
{
    parts_lie_apart(1, 8, 8, 0);
    parts_lie_apart(64, sizeof(struct bh_console_chunk), sizeof(struct bh_console_chunk), 0);
    parts_lie_apart(256, sizeof(struct bh_block_request), sizeof(struct bh_block_response),
                    1024 * 1024);
    parts_lie_apart(BH_CHANNEL_ENTRIES_MAX, sizeof(struct bh_net_request),
                    sizeof(struct bh_net_response), 4096);
    ranges_outside_the_data_are_refused();
    pages_never_overlap(1024 * 1024);
    pages_never_overlap(65 * 4096);
    pages_never_overlap(64 * 4096);
    pages_never_overlap(4096);
    pages_never_overlap(0);
    pages_never_overlap(UINT64_C(32) * 1024 * 1024);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of pages of a channel's data region, handed out by its client. Private to one side; what the peer does to the
 * region changes nothing here. Offsets and lengths are in bytes, offsets are multiples of BH_CHANNEL_PAGE.
 */
#ifndef IPC_PAGES_H
#define IPC_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/channel.h"

#define BH_PAGES_MAX 4096u /* 16 MiB; a larger region is used up to there */
#define BH_PAGES_NONE UINT64_MAX

struct bh_pages {
    uint32_t count;
    uint32_t free_count;
    uint32_t hint; /* where the search starts: behind the run handed out last */
    uint64_t used[BH_PAGES_MAX / 64];
};

static inline void bh_pages_init(struct bh_pages *pages, uint64_t data_size)
{
    uint64_t count = data_size / BH_CHANNEL_PAGE;
    *pages = (struct bh_pages){.count = count < BH_PAGES_MAX ? (uint32_t)count : BH_PAGES_MAX};
    pages->free_count = pages->count;
}

/* First page at or after `page` whose state is `used`, or `count`. */
static inline uint32_t bh_pages_next_(const struct bh_pages *pages, uint32_t page, bool used)
{
    while (page < pages->count) {
        uint64_t word = used ? pages->used[page / 64] : ~pages->used[page / 64];
        word >>= page % 64;
        if (word != 0) {
            page += (uint32_t)__builtin_ctzll(word);
            return page < pages->count ? page : pages->count;
        }
        page = (page | 63) + 1;
    }
    return pages->count;
}

static inline void bh_pages_mark_(struct bh_pages *pages, uint32_t page, uint32_t count, bool used)
{
    for (uint32_t end = page + count; page < end;) {
        uint32_t bits = 64 - page % 64 < end - page ? 64 - page % 64 : end - page;
        uint64_t mask = (bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1) << (page % 64);
        if (used) {
            pages->used[page / 64] |= mask;
        } else {
            pages->used[page / 64] &= ~mask;
        }
        page += bits;
    }
}

static inline uint32_t bh_pages_search_(const struct bh_pages *pages, uint32_t from, uint32_t wanted)
{
    uint32_t page = bh_pages_next_(pages, from, false);
    if (wanted == 1) {
        return page;
    }
    while (page < pages->count) {
        uint32_t end = bh_pages_next_(pages, page, true);
        if (end - page >= wanted) {
            return page;
        }
        page = bh_pages_next_(pages, end, false);
    }
    return pages->count;
}

/* Offset of a free run of at least `length` bytes, now the caller's; BH_PAGES_NONE: there is none, or length is 0. */
static inline uint64_t bh_pages_take(struct bh_pages *pages, uint32_t length)
{
    uint32_t wanted = length / BH_CHANNEL_PAGE + (length % BH_CHANNEL_PAGE != 0);
    if (wanted == 0 || wanted > pages->free_count) {
        return BH_PAGES_NONE;
    }
    uint32_t page = bh_pages_search_(pages, pages->hint, wanted);
    if (page >= pages->count && pages->hint != 0) {
        page = bh_pages_search_(pages, 0, wanted);
    }
    if (page >= pages->count) {
        return BH_PAGES_NONE;
    }
    bh_pages_mark_(pages, page, wanted, true);
    pages->free_count -= wanted;
    pages->hint = page + wanted < pages->count ? page + wanted : 0;
    return (uint64_t)page * BH_CHANNEL_PAGE;
}

/* Gives back what bh_pages_take(pages, length) returned. */
static inline void bh_pages_give(struct bh_pages *pages, uint64_t offset, uint32_t length)
{
    uint32_t count = length / BH_CHANNEL_PAGE + (length % BH_CHANNEL_PAGE != 0);
    bh_pages_mark_(pages, (uint32_t)(offset / BH_CHANNEL_PAGE), count, false);
    pages->free_count += count;
}

#endif

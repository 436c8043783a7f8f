/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages are handed out once, cleared, and come back; the break grows only into free pages. */
#include <string.h>

#include "libs/runtime/page_heap.h"
#include "test/unit/check.h"

#define PAGE PAGE_HEAP_PAGE

static uint8_t *new_range(size_t pages)
{
    uint8_t *memory = aligned_alloc(PAGE, pages * PAGE);
    CHECK(memory != NULL);
    memset(memory, 0, pages * PAGE);
    return memory;
}

static void is_clear(const uint8_t *memory, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        CHECK(memory[i] == 0);
    }
}

static void a_heap_without_memory_gives_none(void)
{
    struct page_heap heap = {0};
    CHECK(page_heap_map(&heap, 1) == NULL);
    CHECK(page_heap_break(&heap, NULL) == NULL);
    CHECK(!page_heap_unmap(&heap, NULL, PAGE));
    CHECK(!page_heap_unmap(&heap, (void *)PAGE, PAGE));

    uint8_t *memory = new_range(1);
    page_heap_init(&heap, memory, PAGE);
    CHECK(page_heap_map(&heap, 1) == NULL);
    CHECK(page_heap_break(&heap, NULL) == memory);
    CHECK(page_heap_break(&heap, memory + PAGE) == memory);
    CHECK(!page_heap_unmap(&heap, memory, PAGE));
    free(memory);
}

static void all_pages_can_be_had_and_no_more(void)
{
    enum {
        PAGES = 200
    };
    uint8_t *memory = new_range(PAGES);
    struct page_heap heap;
    page_heap_init(&heap, memory, PAGES * PAGE + 100);
    uint8_t *all = page_heap_map(&heap, (PAGES - 1) * PAGE);
    CHECK(all == memory + PAGE);
    CHECK(page_heap_map(&heap, 1) == NULL);
    CHECK(page_heap_break(&heap, NULL) == memory + PAGE);
    CHECK(page_heap_break(&heap, memory + 2 * PAGE) == memory + PAGE);
    memset(all, 0xff, (PAGES - 1) * PAGE);
    CHECK(page_heap_unmap(&heap, all, (PAGES - 1) * PAGE));
    CHECK(!page_heap_unmap(&heap, all, PAGE));
    uint8_t *top = page_heap_map(&heap, 3 * PAGE - 5);
    CHECK(top == memory + (PAGES - 3) * PAGE);
    is_clear(top, 3 * PAGE);
    free(memory);
}

static void bad_requests_change_nothing(void)
{
    uint8_t *memory = new_range(64);
    struct page_heap heap;
    page_heap_init(&heap, memory, 64 * PAGE);
    CHECK(page_heap_map(&heap, 0) == NULL);
    CHECK(page_heap_map(&heap, SIZE_MAX) == NULL);
    uint8_t *run = page_heap_map(&heap, 4 * PAGE);
    size_t used = heap.used_count;
    CHECK(!page_heap_unmap(&heap, run + 1, PAGE));
    CHECK(!page_heap_unmap(&heap, run, 0));
    CHECK(!page_heap_unmap(&heap, run, SIZE_MAX));
    CHECK(!page_heap_unmap(&heap, run - PAGE, 2 * PAGE));
    CHECK(!page_heap_unmap(&heap, memory, PAGE)); /* the bitmap */
    CHECK(!page_heap_unmap(&heap, memory - PAGE, PAGE));
    CHECK(!page_heap_unmap(&heap, memory + 64 * PAGE, PAGE));
    CHECK(page_heap_break(&heap, memory) == memory + PAGE);
    CHECK(page_heap_break(&heap, memory + PAGE + 8) == memory + PAGE);
    CHECK(page_heap_break(&heap, memory + 65 * PAGE) == memory + PAGE);
    CHECK(page_heap_break(&heap, memory - PAGE) == memory + PAGE);
    CHECK_EQUAL(heap.used_count, used);
    CHECK(page_heap_unmap(&heap, run + PAGE, 2 * PAGE)); /* part of a run */
    CHECK(page_heap_map(&heap, 2 * PAGE) == run + PAGE);
    free(memory);
}

static void the_break_stops_at_mapped_pages(void)
{
    uint8_t *memory = new_range(8);
    struct page_heap heap;
    page_heap_init(&heap, memory, 8 * PAGE);
    uint8_t *start = page_heap_break(&heap, NULL);
    CHECK(start == memory + PAGE);
    CHECK(page_heap_break(&heap, start + 2 * PAGE) == start + 2 * PAGE);
    memset(start, 0xff, 2 * PAGE);
    uint8_t *run = page_heap_map(&heap, 4 * PAGE);
    CHECK(run == memory + 4 * PAGE);
    CHECK(page_heap_break(&heap, start + 4 * PAGE) == start + 2 * PAGE);
    CHECK(page_heap_break(&heap, start + 3 * PAGE) == start + 3 * PAGE);
    CHECK(!page_heap_unmap(&heap, start, PAGE)); /* the break's pages are its own */
    CHECK(page_heap_map(&heap, 1) == NULL);
    CHECK(page_heap_break(&heap, start) == start);
    uint8_t *reused = page_heap_map(&heap, 3 * PAGE);
    CHECK(reused == start);
    is_clear(reused, 3 * PAGE);
    free(memory);
}

/* A long random use against a plain model: no page twice, always cleared, free space is found
 * whenever a run exists. */
static void random_use_keeps_the_promises(size_t pages, unsigned seed)
{
    enum {
        RUNS = 48
    };
    struct run {
        size_t page, count;
    } runs[RUNS] = {0};
    uint8_t *memory = new_range(pages);
    uint8_t *owner = calloc(1, pages);
    CHECK(owner != NULL);
    struct page_heap heap;
    page_heap_init(&heap, memory, pages * PAGE);
    size_t first = (size_t)((uint8_t *)page_heap_break(&heap, NULL) - memory) / PAGE;
    memset(owner, 1, first);
    size_t break_page = first;
    srand(seed);
    for (int step = 0; step < 3000; step++) {
        unsigned pick = (unsigned)rand() % 64;
        if (pick >= RUNS) { /* move the break */
            size_t to = first + (size_t)rand() % 12;
            bool possible = to <= pages;
            for (size_t i = break_page; possible && i < to; i++) {
                possible = owner[i] == 0;
            }
            void *now = page_heap_break(&heap, memory + to * PAGE);
            CHECK(now == memory + (possible ? to : break_page) * PAGE);
            if (possible) {
                if (to > break_page) {
                    is_clear(memory + break_page * PAGE, (to - break_page) * PAGE);
                }
                for (size_t i = first; i < pages; i++) {
                    if (i < to || i < break_page) {
                        owner[i] = i < to;
                    }
                }
                break_page = to;
                memset(memory + first * PAGE, 0xaa, (break_page - first) * PAGE);
            }
        } else if (runs[pick].count != 0) {
            CHECK(page_heap_unmap(&heap, memory + runs[pick].page * PAGE, runs[pick].count * PAGE));
            memset(owner + runs[pick].page, 0, runs[pick].count);
            runs[pick].count = 0;
        } else {
            size_t count = 1 + (size_t)rand() % (pages / 12);
            size_t longest = 0, length = 0;
            for (size_t i = break_page; i < pages; i++) {
                length = owner[i] == 0 ? length + 1 : 0;
                longest = length > longest ? length : longest;
            }
            uint8_t *run = page_heap_map(&heap, count * PAGE - (size_t)rand() % PAGE);
            CHECK((run != NULL) == (longest >= count));
            if (run == NULL) {
                continue;
            }
            is_clear(run, count * PAGE);
            size_t page = (size_t)(run - memory) / PAGE;
            for (size_t i = page; i < page + count; i++) {
                CHECK(owner[i] == 0);
                owner[i] = 1;
            }
            memset(run, 0x55, count * PAGE);
            runs[pick] = (struct run){page, count};
        }
        size_t used = 0;
        for (size_t i = 0; i < pages; i++) {
            used += owner[i];
        }
        CHECK_EQUAL(heap.used_count, used);
    }
    free(owner);
    free(memory);
}

int main(void)
{
    a_heap_without_memory_gives_none();
    all_pages_can_be_had_and_no_more();
    bad_requests_change_nothing();
    the_break_stops_at_mapped_pages();
    random_use_keeps_the_promises(64, 1);
    random_use_keeps_the_promises(300, 2);
    random_use_keeps_the_promises(333, 3);
    return 0;
}

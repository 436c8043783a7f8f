/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/runtime/page_heap.h"

#include <string.h>

static bool is_used(const struct page_heap *heap, size_t page)
{
    return heap->used[page / 64] >> (page % 64) & 1;
}

static void mark(struct page_heap *heap, size_t page, size_t count, bool used)
{
    for (size_t end = page + count; page < end; page++) {
        uint64_t bit = UINT64_C(1) << (page % 64);
        heap->used[page / 64] = used ? heap->used[page / 64] | bit : heap->used[page / 64] & ~bit;
    }
    heap->used_count = used ? heap->used_count + count : heap->used_count - count;
}

void page_heap_init(struct page_heap *heap, void *memory, size_t size)
{
    *heap = (struct page_heap){.base = memory, .used = memory, .page_count = size / PAGE_HEAP_PAGE};
    size_t bitmap_bytes = (heap->page_count + 63) / 64 * sizeof(uint64_t);
    size_t bitmap_pages = (bitmap_bytes + PAGE_HEAP_PAGE - 1) / PAGE_HEAP_PAGE;
    if (bitmap_pages >= heap->page_count) {
        *heap = (struct page_heap){.base = memory};
        return;
    }
    mark(heap, 0, bitmap_pages, true);
    heap->first_break = bitmap_pages;
    heap->break_page = bitmap_pages;
    heap->fresh_low = bitmap_pages;
    heap->fresh_high = heap->page_count;
}

/* Clears the pages of a run that were in use before; those that were not stay untouched. */
static void *hand_out(struct page_heap *heap, size_t page, size_t count)
{
    size_t end = page + count;
    size_t fresh_from = page > heap->fresh_low ? page : heap->fresh_low;
    size_t fresh_to = end < heap->fresh_high ? end : heap->fresh_high;
    if (fresh_from >= fresh_to) {
        fresh_from = fresh_to = end;
    }
    memset(heap->base + page * PAGE_HEAP_PAGE, 0, (fresh_from - page) * PAGE_HEAP_PAGE);
    memset(heap->base + fresh_to * PAGE_HEAP_PAGE, 0, (end - fresh_to) * PAGE_HEAP_PAGE);
    mark(heap, page, count, true);
    return heap->base + page * PAGE_HEAP_PAGE;
}

/* The highest run of `count` free pages above the break; page_count if there is none. */
static size_t find_run(const struct page_heap *heap, size_t count)
{
    size_t free = 0;
    for (size_t page = heap->page_count; page > heap->break_page;) {
        if (page % 64 == 0 && page - 64 >= heap->break_page &&
            heap->used[page / 64 - 1] == UINT64_MAX) {
            page -= 64;
            free = 0;
            continue;
        }
        page--;
        free = is_used(heap, page) ? 0 : free + 1;
        if (free == count) {
            return page;
        }
    }
    return heap->page_count;
}

void *page_heap_map(struct page_heap *heap, size_t length)
{
    size_t count = length / PAGE_HEAP_PAGE + (length % PAGE_HEAP_PAGE != 0);
    if (count == 0 || count > heap->page_count - heap->used_count) {
        return NULL;
    }
    size_t page = find_run(heap, count);
    if (page == heap->page_count) {
        return NULL;
    }
    if (page < heap->fresh_high) {
        void *run = hand_out(heap, page, count);
        heap->fresh_high = page > heap->fresh_low ? page : heap->fresh_low;
        return run;
    }
    return hand_out(heap, page, count);
}

bool page_heap_unmap(struct page_heap *heap, void *address, size_t length)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)heap->base;
    size_t count = length / PAGE_HEAP_PAGE + (length % PAGE_HEAP_PAGE != 0);
    size_t page = offset / PAGE_HEAP_PAGE;
    if (offset % PAGE_HEAP_PAGE != 0 || count == 0 || page < heap->break_page ||
        page >= heap->page_count || count > heap->page_count - page) {
        return false;
    }
    for (size_t i = page; i < page + count; i++) {
        if (!is_used(heap, i)) {
            return false;
        }
    }
    mark(heap, page, count, false);
    return true;
}

void *page_heap_break(struct page_heap *heap, void *address)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)heap->base;
    size_t page = offset / PAGE_HEAP_PAGE;
    void *old = heap->base + heap->break_page * PAGE_HEAP_PAGE;
    if (address == NULL || offset % PAGE_HEAP_PAGE != 0 || page < heap->first_break ||
        page > heap->page_count) {
        return old;
    }
    for (size_t i = heap->break_page; i < page; i++) {
        if (is_used(heap, i)) {
            return old;
        }
    }
    if (page > heap->break_page) {
        hand_out(heap, heap->break_page, page - heap->break_page);
        if (page > heap->fresh_low) {
            heap->fresh_low = page < heap->fresh_high ? page : heap->fresh_high;
        }
    } else {
        mark(heap, page, heap->break_page - page, false);
    }
    heap->break_page = page;
    return address;
}

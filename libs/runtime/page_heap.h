/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous memory in pages: what musl's malloc asks of brk, mmap and munmap. Pure bookkeeping over
 * one range of memory.
 *
 * The range begins with a bitmap of the pages in use. The break grows from there upwards; runs of
 * pages are taken from the top down, first fit. Memory is handed out cleared; the range is cleared
 * at the start, so pages that were never handed out need no clearing.
 */
#ifndef LIBS_RUNTIME_PAGE_HEAP_H
#define LIBS_RUNTIME_PAGE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_HEAP_PAGE ((size_t)4096)

struct page_heap {
    uint8_t *base;
    uint64_t *used;     /* bit i: page i is in use */
    size_t page_count;  /* of the range, bitmap included */
    size_t used_count;  /* bitmap included */
    size_t first_break; /* index of the first page behind the bitmap */
    size_t break_page;  /* pages from first_break up to here belong to the break */
    size_t fresh_low;   /* pages from here ... */
    size_t fresh_high;  /* ... up to here were never in use */
};

/* `memory` is page-aligned and cleared. A remainder of `size` below a page is ignored; a heap that
 * is too small for its own bitmap and one page stays empty. */
void page_heap_init(struct page_heap *heap, void *memory, size_t size);

/* A run of at least `length` bytes of cleared pages, or NULL: no such run, or length is 0. */
void *page_heap_map(struct page_heap *heap, size_t length);

/* Gives pages back, all or part of a run. False, and nothing happens: not page-aligned, or not all
 * of them are pages that page_heap_map handed out. */
bool page_heap_unmap(struct page_heap *heap, void *address, size_t length);

/* Moves the break to `address` and returns the break that holds then: `address`, or the old one if
 * that is not possible (not page-aligned, below the start, or the pages are in use). NULL asks for
 * the break. */
void *page_heap_break(struct page_heap *heap, void *address);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/runtime/heap.h"

#include "libs/runtime/runtime.h"

static struct page_heap heap;

struct page_heap *runtime_heap(void)
{
    return &heap;
}

void bh_heap_set(void *memory, size_t size)
{
    page_heap_init(&heap, memory, size);
}

struct bh_heap_usage bh_heap_usage(void)
{
    return (struct bh_heap_usage){.total = heap.page_count * PAGE_HEAP_PAGE,
                                  .used = heap.used_count * PAGE_HEAP_PAGE};
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The domain's one heap, for libc.c. Empty until bh_heap_set. */
#ifndef LIBS_RUNTIME_HEAP_H
#define LIBS_RUNTIME_HEAP_H

#include "libs/runtime/page_heap.h"

struct page_heap *runtime_heap(void);

#endif

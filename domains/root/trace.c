/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/trace.h"

#include <string.h>

#include "domains/root/capabilities.h"
#include "domains/root/root.h"
#include "ipc/trace.h"
#include "libs/runtime/runtime.h"

static struct region rings, threads;

bool trace_init(void)
{
    if (root.boot->trace_ring_count == 0) {
        return true;
    }
    rings = (struct region){.arena = &root.arena,
                            .frame = root.boot->trace_slot,
                            .count = root.boot->trace_ring_count,
                            .size_bits = BH_TRACE_RING_BITS};
    return region_make(&threads, &root.arena, sizeof(struct bh_trace_thread_table), BH_PAGE_BITS) &&
           region_map(&threads, &root.space, ROOT_TRACE_THREADS, BH_RIGHT_READ | BH_RIGHT_WRITE);
}

void trace_name(const struct domain *domain, bh_cptr thread)
{
    if (threads.count == 0) {
        return;
    }
    struct bh_trace_thread_table *table = (struct bh_trace_thread_table *)ROOT_TRACE_THREADS;
    struct bh_trace_thread *entry = &table->entry[table->count % BH_TRACE_THREADS];
    uint64_t tcb = capability_read(BH_ROOT_SLOT_CNODE, thread).object;
    *entry = (struct bh_trace_thread){.since = domain->number == 0 ? 0 : bh_ticks(),
                                      .thread = (uint32_t)(tcb >> BH_TCB_BITS)};
    memcpy(entry->name, domain->name, sizeof(domain->name));
    __atomic_store_n(&table->count, table->count + 1, __ATOMIC_RELEASE);
}

struct region *trace_rings(void)
{
    return &rings;
}

struct region *trace_threads(void)
{
    return &threads;
}

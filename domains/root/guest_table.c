/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/guest_table.h"

#include "domains/root/root.h"

static struct region region;

bool guest_table_init(void)
{
    if (!region_make(&region, &root.arena, sizeof(struct bh_guest_table), BH_PAGE_BITS) ||
        !region_map(&region, &root.space, ROOT_GUEST_TABLE, BH_RIGHT_READ | BH_RIGHT_WRITE)) {
        return false;
    }
    struct bh_guest_table *table = (struct bh_guest_table *)ROOT_GUEST_TABLE;
    table->memory_total = root.boot->memory_size;
    table->memory_free = memory_free_bytes();
    table->timer_frequency = root.boot->timer_frequency;
    return true;
}

struct region *guest_table_region(void)
{
    return &region;
}

void guest_table_write(uint32_t index, const struct bh_guest_info *info)
{
    struct bh_guest_table *table = (struct bh_guest_table *)ROOT_GUEST_TABLE;
    uint64_t version = table->version;
    __atomic_store_n(&table->version, version + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (info != NULL) {
        table->guest[index] = *info;
    }
    table->memory_free = memory_free_bytes();
    __atomic_store_n(&table->version, version + 2, __ATOMIC_RELEASE);
}

void guest_table_refresh(void)
{
    guest_table_write(0, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Making objects and mapping frames. What is done must be undone before it can be done again: batches of each. */
#include "test/bench/kernel_bench.h"

#define BATCH 64u
#define BATCHES 64u
#define UNTYPED_BITS 18

#define TIMED(ticks, name, body)                                                                                       \
    do {                                                                                                               \
        uint64_t start_ = ticks_now();                                                                                 \
        for (unsigned i = 0; i < BATCH; i++) {                                                                         \
            MARKED(name, body);                                                                                        \
        }                                                                                                              \
        (ticks) += ticks_now() - start_;                                                                               \
    } while (0)

static void retype(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, UNTYPED_BITS);
    bh_cptr slots = new_slots(BATCH);
    uint64_t ticks = 0;
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        TIMED(ticks, retype_tcb,
              (void)bh_untyped_retype(untyped, BH_TYPE_TCB, 0, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE, slots + i, 1));
        for (unsigned i = 0; i < BATCH; i++) {
            CHECK_OK(bh_cnode_delete(BH_ROOT_SLOT_CNODE, slots + i));
        }
    }
    bench_report("retype_tcb", ticks, BATCH * BATCHES);
}

static void map_and_unmap(void)
{
    static bh_cptr frame[BATCH];
    static uint64_t page[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        frame[i] = new_frame();
        page[i] = window_page();
    }
    uint64_t map_ticks = 0;
    uint64_t unmap_ticks = 0;
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        TIMED(map_ticks, frame_map,
              (void)bh_frame_map(frame[i], BH_ROOT_SLOT_VSPACE, page[i], BH_RIGHT_READ | BH_RIGHT_WRITE, 0));
        TIMED(unmap_ticks, frame_unmap, (void)bh_frame_unmap(frame[i]));
    }
    bench_report("frame_map", map_ticks, BATCH * BATCHES);
    bench_report("frame_unmap", unmap_ticks, BATCH * BATCHES);
}

TEST_GROUP(object, false, TEST_CASE(retype), TEST_CASE(map_and_unmap));

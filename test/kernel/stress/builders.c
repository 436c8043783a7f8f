/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers who make things from an Untyped of their own and take them away again while other cores use them: objects of
 * all kinds at random (churners); and address spaces, domains and guests that run (builders).
 */
#include "stress.h"

#include "../supervise.h"

#define CHURNERS_MAX 4
#define BUILDERS_MAX 4
#define CHURN_SLOTS  32
#define SPACE_CODE   UINT64_C(0x10000000)
#define SPACE_DATA   (SPACE_CODE + BH_PAGE_SIZE)

/* Slots of both. The rest is random for churners. */
enum {
    ARENA,
    WHOLE,
    TCB,
    SCHED_CONTEXT,
    SPACE,
    TABLE,
    TABLE_2,
    VCPU,
    OBJECT,
    PAGES,
    BUILDER_SLOTS = PAGES + GUEST_PAGES
};

static bh_cptr shared_notification, shared_endpoint; /* copied, used and revoked by all churners */

/* --- churners --- */

static void check_arena(struct worker *worker)
{
    bh_cptr slots = worker->slots;
    EXPECT_OK(worker, bh_cnode_revoke(CNODE, slots + ARENA));
    EXPECT_OK(worker, bh_untyped_retype(slots + ARENA, BH_TYPE_UNTYPED, ARENA_BITS, 0, CNODE, slots + WHOLE, 1));
    EXPECT_OK(worker, bh_cnode_delete(CNODE, slots + WHOLE));
    count_more(COUNT_revocations, 1);
}

static bh_cptr random_slot(struct worker *worker)
{
    return worker->slots + WHOLE + 1 + random_below(worker, CHURN_SLOTS - WHOLE - 1);
}

static void start_over(struct worker *worker)
{
    check_arena(worker);
    for (bh_cptr i = WHOLE + 1; i < CHURN_SLOTS; i++) { /* what was not made of it */
        EXPECT_OK(worker, bh_cnode_delete(CNODE, worker->slots + i));
    }
}

static void make_something(struct worker *worker, bh_cptr slot)
{
    static const struct {
        enum bh_type type;
        uint64_t size;
    } kinds[] = {{BH_TYPE_TCB, 0},
                 {BH_TYPE_ENDPOINT, 0},
                 {BH_TYPE_REPLY, 0},
                 {BH_TYPE_NOTIFICATION, 0},
                 {BH_TYPE_SCHED_CONTEXT, 0},
                 {BH_TYPE_FRAME, BH_PAGE_BITS},
                 {BH_TYPE_PAGE_TABLE, 0},
                 {BH_TYPE_VSPACE, 0},
                 {BH_TYPE_GUEST_SPACE, 0},
                 {BH_TYPE_VCPU, 0},
                 {BH_TYPE_CNODE, 4},
                 {BH_TYPE_UNTYPED, 12},
                 {BH_TYPE_FRAME, BH_PAGE_BITS},
                 {BH_TYPE_TCB, 0}};
    uint64_t kind = random_below(worker, sizeof(kinds) / sizeof(kinds[0]));
    struct bh_result result =
        bh_untyped_retype(worker->slots + ARENA, kinds[kind].type, kinds[kind].size, BH_RETYPE_NEXT, CNODE, slot, 1);
    if (result.error == BH_ERROR_NO_MEMORY) {
        start_over(worker);
    } else {
        EXPECT(worker, result.error == BH_OK || result.error == BH_ERROR_NOT_EMPTY, result.error);
        count_more(COUNT_retypes, 1);
    }
}

/* All cores use this address space; nobody else touches this page. */
static void use_frame(struct worker *worker, bh_cptr frame)
{
    volatile uint64_t *page = (volatile uint64_t *)worker->page;
    if (bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, (uint64_t)page, R | W, 0).error != BH_OK) {
        return;
    }
    for (uint64_t i = 0; i < 512; i += 64) {
        page[i] = worker->id << 32 | i;
    }
    (void)bh_yield();
    for (uint64_t i = 0; i < 512; i += 64) {
        EXPECT(worker, page[i] == (worker->id << 32 | i), page[i]);
    }
    if (random_below(worker, 2) == 0) {
        EXPECT_OK(worker, bh_frame_unmap(frame));
    } else {
        EXPECT_OK(worker, bh_cnode_delete(CNODE, frame));
    }
    count_more(COUNT_mappings, 1);
}

/* A thread that faults at once, or never has time: where it does not matter. */
static void use_thread(struct worker *worker, bh_cptr tcb, bh_cptr a, bh_cptr b, bh_cptr c)
{
    (void)bh_tcb_set_affinity(tcb, random_below(worker, boot_info->core_count));
    (void)bh_tcb_configure(tcb, a, b, 0, c);
    (void)bh_sched_context_bind(a, tcb);
    (void)bh_tcb_bind_notification(tcb, b);
    (void)bh_vcpu_configure(c, tcb, a, b);
    (void)bh_tcb_resume(tcb);
}

static void use_something(struct worker *worker, bh_cptr slot, bh_cptr other, bh_cptr third)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    uint64_t bits;
    switch (bh_cnode_inspect(CNODE, slot).value[0]) {
    case BH_TYPE_FRAME:
        if (random_below(worker, 4) != 0) {
            use_frame(worker, slot);
        } else {
            (void)bh_frame_map(slot, other, random_below(worker, 4) << BH_PAGE_BITS, R | W, 0);
        }
        break;
    case BH_TYPE_PAGE_TABLE:
        (void)bh_page_table_map(slot, other, random_below(worker, 4) << BH_PAGE_BITS);
        break;
    case BH_TYPE_NOTIFICATION:
        (void)bh_signal(slot);
        (void)bh_poll(slot, &bits);
        break;
    case BH_TYPE_ENDPOINT:
        (void)bh_nb_send(slot, bh_info(0, 2), none);
        (void)bh_nb_recv(slot, other);
        break;
    case BH_TYPE_TCB:
        use_thread(worker, slot, other, third, random_slot(worker));
        break;
    case BH_TYPE_SCHED_CONTEXT:
        (void)bh_sched_control_configure(CONTROL, slot, ticks_from_us(100), ticks_from_us(1000));
        (void)bh_sched_context_bind(slot, other);
        break;
    case BH_TYPE_VCPU:
        (void)bh_vcpu_configure(slot, other, third, random_slot(worker));
        (void)bh_vcpu_post(slot, random_below(worker, 64));
        break;
    case BH_TYPE_CNODE:
        (void)bh_cnode_copy(slot, random_below(worker, 16), CNODE, other, ALL);
        (void)bh_cnode_move(slot, random_below(worker, 16), CNODE, third);
        break;
    default:
        break;
    }
}

static void churn(struct worker *worker)
{
    while (stage != ENDING) {
        bh_cptr slot = random_slot(worker);
        bh_cptr other = random_slot(worker);
        bh_cptr third = random_slot(worker);
        bh_cptr shared = random_below(worker, 2) == 0 ? shared_notification : shared_endpoint;
        switch (random_below(worker, 16)) {
        case 0:
        case 1:
        case 2:
        case 3:
            make_something(worker, slot);
            break;
        case 4:
            (void)bh_cnode_copy(CNODE, slot, CNODE, other, ALL);
            count_more(COUNT_copies, 1);
            break;
        case 5:
            (void)bh_cnode_mint(CNODE, slot, CNODE, shared, ALL, 1 + random_below(worker, 255));
            count_more(COUNT_copies, 1);
            break;
        case 6:
            (void)bh_cnode_move(CNODE, slot, CNODE, other);
            break;
        case 7:
            EXPECT_OK(worker, bh_cnode_delete(CNODE, slot));
            count_more(COUNT_deletions, 1);
            break;
        case 8:
            if (random_below(worker, 16) == 0) {
                EXPECT_OK(worker, bh_cnode_revoke(CNODE, shared));
                count_more(COUNT_shared_revocations, 1);
            } else {
                (void)bh_cnode_revoke(CNODE, slot);
            }
            break;
        case 9:
            if (random_below(worker, 8) == 0) {
                start_over(worker);
            }
            break;
        default:
            use_something(worker, slot, other, third);
            break;
        }
        if (random_below(worker, 8) == 0) {
            rest(worker, 500);
        }
        worker->progress++;
    }
    start_over(worker);
}

void add_churners(uint64_t cores)
{
    shared_notification = new_object(BH_TYPE_NOTIFICATION);
    shared_endpoint = new_object(BH_TYPE_ENDPOINT);
    for (uint64_t i = 0; i < (cores < CHURNERS_MAX ? cores : CHURNERS_MAX); i++) {
        struct worker *worker = add_worker("churner", i, churn, PRIORITY_WORKER,
                                           MAY_MOVE | MAY_STOP | MAY_PRIORITY | MAY_BUDGET | MAY_UNBIND);
        worker->slots = new_slots(CHURN_SLOTS);
        worker->page = window_page();
        CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_UNTYPED, ARENA_BITS, BH_RETYPE_NEXT, CNODE,
                                   worker->slots + ARENA, 1));
    }
}

/* --- builders --- */

static struct builder {
    bh_cptr pages[GUEST_PAGES], frame_cap; /* these stay */
    volatile uint64_t *data;
    struct bh_vcpu_frame *frame;
    volatile uint64_t reason, ran;
    _Alignas(16) uint8_t stack[4096];
} builders[BUILDERS_MAX];

static void make(struct worker *worker, unsigned index, enum bh_type type, uint64_t size_bits)
{
    EXPECT_OK(worker, bh_untyped_retype(worker->slots + ARENA, type, size_bits, BH_RETYPE_NEXT, CNODE,
                                        worker->slots + index, 1));
}

/* Tormentors may resume it before it is ready; without time it does not get far. */
static void prepare_thread(struct worker *worker, bh_cptr cnode, bh_cptr vspace, const uint64_t registers[6])
{
    bh_cptr tcb = worker->slots + TCB;
    uint64_t slice = ticks_from_us(1000);
    struct bh_result result;
    make(worker, TCB, BH_TYPE_TCB, 0);
    make(worker, SCHED_CONTEXT, BH_TYPE_SCHED_CONTEXT, 0);
    EXPECT_OK(worker, bh_sched_control_configure(CONTROL, worker->slots + SCHED_CONTEXT, slice, slice));
    do {
        EXPECT_OK(worker, bh_tcb_suspend(tcb));
        result = bh_tcb_configure(tcb, cnode, vspace, 0, 0);
        if (result.error == BH_OK) {
            result = bh_tcb_write_registers(tcb, registers[0], registers[1], registers[2], registers[3], registers[4],
                                            registers[5]);
        }
    } while (result.error == BH_ERROR_ILLEGAL_OPERATION);
    EXPECT_OK(worker, result);
    EXPECT_OK(worker, bh_tcb_set_priority(tcb, PRIORITY_WORKER, BH_PRIORITY_MAX));
    EXPECT_OK(worker, bh_tcb_set_affinity(tcb, random_below(worker, boot_info->core_count)));
}

static void start_thread(struct worker *worker)
{
    EXPECT_OK(worker, bh_sched_context_bind(worker->slots + SCHED_CONTEXT, worker->slots + TCB));
    EXPECT_OK(worker, bh_tcb_resume(worker->slots + TCB));
}

/* Until it is so, or not any more for a while. */
static bool await(struct worker *worker, const volatile uint64_t *what, uint64_t least, uint64_t tries)
{
    for (uint64_t i = 0; i < tries && *what < least; i++) {
        if (random_below(worker, 4) == 0) {
            (void)bh_yield();
        } else {
            rest(worker, 300);
        }
    }
    return *what >= least;
}

static void copy_pages(struct worker *worker, bh_cptr space, uint64_t base, uint64_t first, uint64_t rights)
{
    static const uint64_t data_rights = R | W;
    for (uint64_t i = first; i < GUEST_PAGES; i++) {
        bh_cptr slot = worker->slots + PAGES + i;
        EXPECT_OK(worker, bh_cnode_copy(CNODE, slot, CNODE, builders[worker->id].pages[i], ALL));
        EXPECT_OK(worker, bh_frame_map(slot, space, base + (i - first) * BH_PAGE_SIZE,
                                       i + 1 == GUEST_PAGES ? data_rights : rights, 0));
    }
}

/* Takes away what runs, from whatever side. */
static void take_away(struct worker *worker)
{
    struct builder *builder = &builders[worker->id];
    bh_cptr slots = worker->slots;
    switch (random_below(worker, 6)) {
    case 0:
        EXPECT_OK(worker, bh_cnode_delete(CNODE, slots + TCB));
        break;
    case 1:
        EXPECT_OK(worker, bh_cnode_revoke(CNODE, builder->frame_cap));
        break;
    case 2:
        EXPECT_OK(worker, bh_cnode_delete(CNODE, slots + SPACE));
        break;
    case 3:
        EXPECT_OK(worker, bh_cnode_delete(CNODE, slots + SCHED_CONTEXT));
        break;
    case 4:
        EXPECT_OK(worker, bh_cnode_delete(CNODE, slots + VCPU));
        break;
    default:
        break;
    }
    if (random_below(worker, 2) == 0) {
        for (unsigned i = 0; i < GUEST_PAGES; i++) {
            EXPECT_OK(worker, bh_cnode_revoke(CNODE, builder->pages[i]));
        }
    }
    check_arena(worker);
    for (unsigned i = 0; i < GUEST_PAGES; i++) {
        EXPECT_OK(worker, bh_cnode_delete(CNODE, slots + PAGES + i));
    }
    for (unsigned i = WHOLE; i < BUILDER_SLOTS; i++) {
        struct bh_result result = bh_cnode_inspect(CNODE, slots + i);
        EXPECT(worker, result.error == BH_OK && result.value[0] == BH_TYPE_NULL, result.value[0]);
    }
}

/* An address space with a thread that counts. */
static void build_space(struct worker *worker)
{
    struct builder *builder = &builders[worker->id];
    bh_cptr slots = worker->slots;
    make(worker, SPACE, BH_TYPE_VSPACE, 0);
    make(worker, TABLE, BH_TYPE_PAGE_TABLE, 0);
    make(worker, TABLE_2, BH_TYPE_PAGE_TABLE, 0);
    EXPECT_OK(worker, bh_page_table_map(slots + TABLE, slots + SPACE, SPACE_CODE));
    EXPECT_OK(worker, bh_page_table_map(slots + TABLE_2, slots + SPACE, SPACE_CODE));
    copy_pages(worker, slots + SPACE, SPACE_CODE, 1, R | X);
    builder->data[0] = 0;
    const uint64_t registers[6] = {SPACE_CODE + guest_loop - BH_PAGE_SIZE, 0, 0, SPACE_DATA};
    prepare_thread(worker, CNODE, slots + SPACE, registers);
    start_thread(worker);
    count_more(COUNT_spaces, 1);
    count_more(COUNT_spaces_ran, await(worker, &builder->data[0], 1, random_below(worker, 100)) ? 1 : 0);
}

/* A thread with a CNode of its own, by which it makes system calls until it is gone. */
static void use_cnode(uint64_t id)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    for (;;) {
        uint64_t bits;
        (void)bh_signal(1);
        (void)bh_poll(2, &bits);
        (void)bh_nb_send(3, 0, none);
        (void)bh_cnode_inspect(4, 4);
        builders[id].ran++;
    }
}

static void build_domain(struct worker *worker)
{
    struct builder *builder = &builders[worker->id];
    bh_cptr slots = worker->slots;
    make(worker, SPACE, BH_TYPE_CNODE, 6);
    make(worker, OBJECT, BH_TYPE_NOTIFICATION, 0);
    EXPECT_OK(worker, bh_cnode_mint(slots + SPACE, 1, CNODE, shared_notification, ALL, 1 + worker->id));
    EXPECT_OK(worker, bh_cnode_move(slots + SPACE, 2, CNODE, slots + OBJECT));
    (void)bh_cnode_copy(slots + SPACE, 3, CNODE, shared_endpoint, ALL);
    EXPECT_OK(worker, bh_cnode_copy(slots + SPACE, 4, CNODE, slots + SPACE, ALL));
    builder->ran = 0;
    const uint64_t registers[6] = {(uint64_t)thread_trampoline, (uint64_t)builder->stack + sizeof(builder->stack),
                                   worker->id, (uint64_t)use_cnode};
    prepare_thread(worker, slots + SPACE, BH_ROOT_SLOT_VSPACE, registers);
    start_thread(worker);
    count_more(COUNT_domains, 1);
    count_more(COUNT_domains_ran, await(worker, &builder->ran, 1, random_below(worker, 100)) ? 1 : 0);
}

/* Exits that are no HVC are a signal, or an interrupt that was completed. */
static void run_guest(uint64_t id)
{
    uint64_t reason;
    do {
        uint64_t bits;
        reason = bh_vm_enter(&bits);
        builders[id].ran++;
    } while (reason == BH_EXIT_NOTIFICATION || reason == BH_EXIT_IRQ_COMPLETED);
    builders[id].reason = reason;
}

static void make_guest(struct worker *worker, uint64_t entry)
{
    struct builder *builder = &builders[worker->id];
    bh_cptr slots = worker->slots;
    make(worker, SPACE, BH_TYPE_GUEST_SPACE, 0);
    make(worker, TABLE, BH_TYPE_PAGE_TABLE, 0);
    make(worker, TABLE_2, BH_TYPE_PAGE_TABLE, 0);
    make(worker, VCPU, BH_TYPE_VCPU, 0);
    EXPECT_OK(worker, bh_page_table_map(slots + TABLE, slots + SPACE, GUEST_RAM));
    EXPECT_OK(worker, bh_page_table_map(slots + TABLE_2, slots + SPACE, GUEST_RAM));
    copy_pages(worker, slots + SPACE, GUEST_RAM, 0, R | W | X);
    memset((void *)builder->data, 0, BH_PAGE_SIZE);
    memset(builder->frame, 0, sizeof(*builder->frame));
    builder->reason = UINT64_MAX;
    builder->ran = 0;
    const uint64_t registers[6] = {(uint64_t)thread_trampoline, (uint64_t)builder->stack + sizeof(builder->stack),
                                   worker->id, (uint64_t)run_guest, slots + TCB};
    prepare_thread(worker, CNODE, BH_ROOT_SLOT_VSPACE, registers);
    EXPECT_OK(worker, bh_vcpu_configure(slots + VCPU, slots + TCB, slots + SPACE, builder->frame_cap));
    guest_reset_state(&builder->frame->state);
    EXPECT_OK(worker, bh_vcpu_load(slots + VCPU));
    for (int i = 0; i < BH_VCPU_INTERRUPTS; i++) {
        builder->frame->priority[i] = 0xa0;
    }
    builder->frame->pc = GUEST_RAM + entry;
    builder->frame->pstate = GUEST_EL1H_MASKED;
    count_more(COUNT_guests, 1);
}

/* A guest that takes interrupts, posted one after the other; each must arrive. Now and then it is taken away before. */
static void build_guest(struct worker *worker)
{
    struct builder *builder = &builders[worker->id];
    uint64_t wanted = 1 + random_below(worker, 20);
    uint64_t posts = random_below(worker, 4) == 0 ? random_below(worker, wanted) : wanted;
    make_guest(worker, random_below(worker, 2) == 0 ? guest_wait_irq : guest_spin_irq);
    builder->frame->x[2] = wanted;
    start_thread(worker);
    for (uint64_t i = 0; i < posts; i++) {
        uint64_t intid = 32 + random_below(worker, 64);
        EXPECT_OK(worker, bh_vcpu_post(worker->slots + VCPU, intid));
        count_more(COUNT_interrupts_posted, 1);
        while (builder->data[GUEST_IRQ_LOG + i] == 0) {
            (void)await(worker, &builder->data[GUEST_IRQ_LOG + i], 1, 64);
            EXPECT(worker, builder->reason == UINT64_MAX || builder->data[GUEST_IRQ_LOG + i] != 0,
                   builder->reason << 32 | builder->frame->esr);
        }
        EXPECT(worker, builder->data[GUEST_IRQ_LOG + i] == intid, builder->data[GUEST_IRQ_LOG + i]);
        count_more(COUNT_interrupts_taken, 1);
        worker->progress++;
    }
    if (posts == wanted) {
        while (builder->reason == UINT64_MAX) {
            rest(worker, 300);
        }
        EXPECT(worker, builder->reason == BH_EXIT_HVC && (builder->frame->esr & 0xffff) == 1,
               builder->reason << 32 | builder->frame->esr);
        EXPECT(worker, builder->frame->x[24] == wanted, builder->frame->x[24]);
        count_more(COUNT_guests_ended, 1);
    }
}

/* A guest that checks its registers all the time. */
static void build_keeper(struct worker *worker)
{
    struct builder *builder = &builders[worker->id];
    make_guest(worker, guest_keep);
    builder->frame->x[0] = 0x1000 + (random_word(worker) & 0xff0);
    builder->frame->x[1] = GUEST_DATA;
    start_thread(worker);
    uint64_t rounds = 1 + random_below(worker, 1000);
    for (int tries = 0; builder->data[1] < rounds && tries < 5; tries++) {
        (void)await(worker, &builder->data[1], rounds, 16);
        EXPECT(worker, builder->reason == UINT64_MAX, builder->reason << 32 | builder->frame->esr);
    }
    count_more(COUNT_guests_kept, builder->data[1] != 0 ? 1 : 0);
    if (random_below(worker, 2) == 0) {
        builder->data[2] = 1;
        while (builder->reason == UINT64_MAX) {
            rest(worker, 300);
        }
        EXPECT(worker, builder->reason == BH_EXIT_HVC && (builder->frame->esr & 0xffff) == 1,
               builder->reason << 32 | builder->frame->esr);
    }
}

static void build(struct worker *worker)
{
    static void (*const kinds[])(struct worker *) = {build_space, build_domain, build_guest, build_guest, build_keeper};
    while (stage != ENDING) {
        kinds[random_below(worker, sizeof(kinds) / sizeof(kinds[0]))](worker);
        take_away(worker);
        rest(worker, 500);
        worker->progress++;
    }
}

void add_builders(uint64_t cores)
{
    for (uint64_t id = 0; id < (cores < BUILDERS_MAX ? cores : BUILDERS_MAX); id++) {
        struct builder *builder = &builders[id];
        struct worker *worker = add_worker("builder", id, build, PRIORITY_WORKER,
                                           MAY_MOVE | MAY_STOP | MAY_PRIORITY | MAY_BUDGET | MAY_UNBIND);
        worker->slots = new_slots(BUILDER_SLOTS);
        CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_UNTYPED, ARENA_BITS, BH_RETYPE_NEXT, CNODE,
                                   worker->slots + ARENA, 1));
        for (uint64_t i = 0; i < GUEST_PAGES; i++) {
            builder->pages[i] = new_frame();
            uint8_t *page = map_frame(builder->pages[i], R | W);
            for (uint64_t byte = 0; byte < BH_PAGE_SIZE && i * BH_PAGE_SIZE + byte < guest_image_size; byte++) {
                page[byte] = guest_image[i * BH_PAGE_SIZE + byte];
            }
            builder->data = (volatile uint64_t *)page;
        }
        builder->frame_cap = new_frame();
        builder->frame = map_frame(builder->frame_cap, R | W);
        add_victim(worker->slots + TCB, worker->slots + SCHED_CONTEXT, MAY_MOVE | MAY_STOP | MAY_PRIORITY | MAY_BUDGET);
    }
}

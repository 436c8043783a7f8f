/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile domain on the real kernel: its own address space, a CNode with capabilities of every type but the
 * machine's, and threads that issue random system calls. After some time everything is revoked. The kernel must not
 * panic or hang (the harness's supervisor has a deadline), all memory must come back, and what others do must work.
 *
 * The seed, how many are tried, and the rounds of each are in the machine's command line: hostile.seed=N
 * hostile.count=N hostile.rounds=N.
 */
#include "hostile.h"

#include "../harness.h"
#include "../guest.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define ALL BH_RIGHTS_ALL
#define R BH_RIGHT_READ
#define W BH_RIGHT_WRITE
#define X BH_RIGHT_GRANT

#define PRIORITY_HOSTILE 90 /* below the case */
#define SLICES 48           /* of a round */
#define SLICE_US 200
#define ARENA_BITS 20
#define DEVICE_BITS 16
#define PARALLEL_US 40000000u /* several cores run in real time, which others on the host take from them */

/* Slots of the case that are filled anew in each round. */
enum {
    ARENA, /* an Untyped; it stays */
    WHOLE,
    DOMAIN_CNODE,
    DOMAIN_VSPACE,
    GUEST_SPACE,
    VCPU,
    ENDPOINT,
    NOTIFICATION,
    IO_SPACE,
    MEMORY, /* Untypeds that the domain gets for itself: this and the next */
    DEVICE,
    TCBS,
    CONTEXTS = TCBS + HOSTILE_THREADS,
    REPLIES = CONTEXTS + HOSTILE_THREADS,
    TABLES = REPLIES + HOSTILE_THREADS,
    PAGES = TABLES + 5,
    IRQ = PAGES + HOSTILE_PAGES,
    IMAGE,
    SLOTS = IMAGE + 64
};

extern const uint8_t __image_start[], __data_start[];

static bh_cptr slots;
static bh_cptr image; /* Frames of the program's text and constants */
static uint64_t image_pages;
static bh_cptr device_source; /* the boot-time Untyped that DEVICE comes from */
static volatile uint64_t *counters;
static uint64_t state;

static uint64_t random_word(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void make(unsigned index, enum bh_type type, uint64_t size_bits, uint64_t count)
{
    CHECK_OK(bh_untyped_retype(slots + ARENA, type, size_bits, BH_RETYPE_NEXT, CNODE, slots + index, count));
}

/* --- what stays --- */

static void copy_image(void)
{
    image_pages = (uint64_t)(__data_start - __image_start) / BH_PAGE_SIZE;
    CHECK(image_pages <= SLOTS - IMAGE);
    image = new_slots(image_pages);
    for (uint64_t i = 0; i < image_pages; i++) {
        CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_FRAME, BH_PAGE_BITS, BH_RETYPE_NEXT, CNODE, image + i, 1));
        memcpy(map_frame(image + i, R | W), __image_start + i * BH_PAGE_SIZE, BH_PAGE_SIZE);
    }
}

/* Device memory that nothing is known to be in: the end of the largest piece. */
static void find_device(void)
{
    const struct bh_boot_untyped *best = NULL;
    for (uint32_t i = 0; i < boot_info->untyped_count; i++) {
        const struct bh_boot_untyped *untyped = &boot_info->untyped[i];
        if (untyped->device && (best == NULL || untyped->size_bits > best->size_bits)) {
            best = untyped;
        }
    }
    CHECK(best != NULL && best->size_bits > DEVICE_BITS);
    device_source = best->slot;
}

/* --- a domain --- */

static void map_domain(void)
{
    for (unsigned i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(slots + TABLES + i, slots + DOMAIN_VSPACE, HOSTILE_DATA));
    }
    CHECK_OK(bh_page_table_map(slots + TABLES + 2, slots + DOMAIN_VSPACE, (uint64_t)__image_start));
    for (unsigned i = 3; i < 5; i++) {
        CHECK_OK(bh_page_table_map(slots + TABLES + i, slots + GUEST_SPACE, GUEST_RAM));
    }
    for (uint64_t i = 0; i < image_pages; i++) {
        CHECK_OK(bh_cnode_copy(CNODE, slots + IMAGE + i, CNODE, image + i, ALL));
        CHECK_OK(bh_frame_map(slots + IMAGE + i, slots + DOMAIN_VSPACE, (uint64_t)__image_start + i * BH_PAGE_SIZE,
                              R | X, 0));
    }
    for (uint64_t i = 0; i < HOSTILE_PAGES; i++) {
        uint64_t address = i < HOSTILE_THREADS ? HOSTILE_DATA + i * BH_PAGE_SIZE
                                               : HOSTILE_BUFFERS + (i - HOSTILE_THREADS) * BH_PAGE_SIZE;
        CHECK_OK(bh_frame_map(slots + PAGES + i, slots + DOMAIN_VSPACE, address, R | W, 0));
    }
}

/* One more capability in the domain's CNode. */
static void give(uint64_t *index, unsigned cap)
{
    CHECK_OK(bh_cnode_copy(slots + DOMAIN_CNODE, (*index)++, CNODE, slots + cap, ALL));
}

static void give_capabilities(void)
{
    uint64_t index = HOSTILE_OWN_CNODE;
    static const unsigned shared[] = {DOMAIN_CNODE, DOMAIN_VSPACE, GUEST_SPACE, VCPU, ENDPOINT, NOTIFICATION, IO_SPACE,
                                      IRQ};
    for (unsigned i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        give(&index, shared[i]);
    }
    for (unsigned i = 0; i < HOSTILE_THREADS; i++) {
        give(&index, TCBS + i);
        give(&index, CONTEXTS + i);
        CHECK_OK(bh_cnode_move(slots + DOMAIN_CNODE, index++, CNODE, slots + REPLIES + i));
    }
    for (unsigned i = 0; i < HOSTILE_PAGES; i++) {
        give(&index, PAGES + i);
    }
    for (uint64_t badge = 1; badge <= 2; badge++) {
        CHECK_OK(bh_cnode_mint(slots + DOMAIN_CNODE, index++, CNODE, slots + ENDPOINT, ALL, badge));
        CHECK_OK(bh_cnode_mint(slots + DOMAIN_CNODE, index++, CNODE, slots + NOTIFICATION, ALL, badge));
    }
    CHECK_OK(bh_cnode_copy(slots + DOMAIN_CNODE, index++, CNODE, BH_ROOT_SLOT_SCHED_CONTROL, ALL));
    CHECK_OK(bh_cnode_copy(slots + DOMAIN_CNODE, index++, CNODE, BH_ROOT_SLOT_IO_CONTROL, ALL));
    CHECK_OK(bh_cnode_move(slots + DOMAIN_CNODE, index++, CNODE, slots + MEMORY));
    CHECK_OK(bh_cnode_move(slots + DOMAIN_CNODE, index++, CNODE, slots + DEVICE));
    CHECK(index <= 1 << HOSTILE_CNODE_RADIX);
}

static void build_domain(void)
{
    make(DOMAIN_CNODE, BH_TYPE_CNODE, HOSTILE_CNODE_RADIX, 1);
    make(DOMAIN_VSPACE, BH_TYPE_VSPACE, 0, 1);
    make(GUEST_SPACE, BH_TYPE_GUEST_SPACE, 0, 1);
    make(IO_SPACE, BH_TYPE_IO_SPACE, 0, 1);
    make(VCPU, BH_TYPE_VCPU, 0, 1);
    make(ENDPOINT, BH_TYPE_ENDPOINT, 0, 1);
    make(NOTIFICATION, BH_TYPE_NOTIFICATION, 0, 1);
    make(TCBS, BH_TYPE_TCB, 0, HOSTILE_THREADS);
    make(CONTEXTS, BH_TYPE_SCHED_CONTEXT, 0, HOSTILE_THREADS);
    make(REPLIES, BH_TYPE_REPLY, 0, HOSTILE_THREADS);
    make(TABLES, BH_TYPE_PAGE_TABLE, 0, 5);
    make(PAGES, BH_TYPE_FRAME, BH_PAGE_BITS, HOSTILE_PAGES);
    make(MEMORY, BH_TYPE_UNTYPED, 16, 1);
    CHECK_OK(bh_untyped_retype(device_source, BH_TYPE_DEVICE_UNTYPED, DEVICE_BITS,
                               BH_RETYPE_NEXT, CNODE, slots + DEVICE, 1));
    CHECK_OK(bh_irq_control_get(BH_ROOT_SLOT_IRQ_CONTROL, 200, 0, CNODE, slots + IRQ));
    map_domain();
    CHECK_OK(bh_vcpu_configure(slots + VCPU, slots + TCBS, slots + GUEST_SPACE,
                               slots + PAGES + 2 * HOSTILE_THREADS));
    give_capabilities();
    for (uint64_t i = 0; i < HOSTILE_THREADS; i++) {
        CHECK_OK(bh_tcb_set_priority(slots + TCBS + i, PRIORITY_HOSTILE - i % 2, PRIORITY_HOSTILE));
    }
}

/* Those that run on other cores may resume those that have been suspended. */
static void stop_threads(void)
{
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        bool stopped = true;
        for (unsigned i = 0; i < HOSTILE_THREADS; i++) {
            CHECK_OK(bh_tcb_suspend(slots + TCBS + i));
        }
        for (unsigned i = 0; i < HOSTILE_THREADS; i++) {
            stopped = stopped && bh_tcb_read_registers(slots + TCBS + i, 0).error == BH_OK;
        }
        if (stopped) {
            return;
        }
    }
    test_fail(__FILE__, __LINE__, "the threads cannot be stopped");
}

/* To the beginning, whatever the thread was doing and whatever the domain has done to it. */
static void reset_thread(uint64_t i)
{
    bh_cptr tcb = slots + TCBS + i, context = slots + CONTEXTS + i;
    uint64_t period = ticks_from_us(300);
    (void)bh_tcb_set_affinity(tcb, (i + 1) % boot_info->core_count); /* BUSY if it is between others of its core */
    CHECK_OK(bh_tcb_configure(tcb, slots + DOMAIN_CNODE, slots + DOMAIN_VSPACE, slots + ENDPOINT,
                              slots + PAGES + HOSTILE_THREADS + i));
    CHECK_OK(bh_tcb_write_registers(tcb, (uint64_t)hostile_main, HOSTILE_DATA + (i + 1) * BH_PAGE_SIZE,
                                    random_word() | 1, i, 0, 0));
    CHECK_OK(bh_tcb_set_priority(tcb, PRIORITY_HOSTILE - i % 2, PRIORITY_HOSTILE));
    CHECK_OK(bh_sched_context_unbind(context));
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, context, i % 2 == 0 ? period : period / 2, period));
}

/* Every other time all threads start anew, or else one loses its scheduling context: from now on it can only be lent one. */
static void start_slice(uint64_t slice)
{
    if (slice % 2 != 0) {
        CHECK_OK(bh_sched_context_unbind(slots + CONTEXTS + random_word() % HOSTILE_THREADS));
        return;
    }
    stop_threads();
    for (uint64_t i = 0; i < HOSTILE_THREADS; i++) {
        reset_thread(i);
    }
    for (uint64_t i = 0; i < HOSTILE_THREADS; i++) {
        /* The thread may have a scheduling context that the domain has made. */
        (void)bh_sched_context_bind(slots + CONTEXTS + i, slots + TCBS + i);
        CHECK_OK(bh_tcb_resume(slots + TCBS + i));
    }
}

/* --- afterwards --- */

static void revoke_domain(void)
{
    CHECK_OK(bh_cnode_revoke(CNODE, slots + ARENA));
    CHECK_OK(bh_cnode_revoke(CNODE, device_source));
    CHECK_OK(bh_cnode_delete(CNODE, slots + IRQ));
    for (uint64_t i = 0; i < image_pages; i++) {
        CHECK_OK(bh_cnode_delete(CNODE, slots + IMAGE + i));
    }
    for (unsigned i = WHOLE; i < SLOTS; i++) {
        CHECK_EQUAL(type_of(slots + i), BH_TYPE_NULL);
    }
    CHECK_OK(bh_untyped_retype(slots + ARENA, BH_TYPE_UNTYPED, ARENA_BITS, 0, CNODE, slots + WHOLE, 1));
    CHECK_OK(bh_cnode_delete(CNODE, slots + WHOLE));
    /* The interrupt is free again, and the kernel has nothing of the domain's in it. */
    CHECK_OK(bh_irq_control_get(BH_ROOT_SLOT_IRQ_CONTROL, 200, 0, CNODE, slots + IRQ));
    CHECK_OK(bh_cnode_delete(CNODE, slots + IRQ));
}

static void answer_once(uint64_t argument)
{
    struct bh_message message = bh_recv((bh_cptr)argument, (bh_cptr)argument + 1);
    message.word[0]++;
    (void)bh_send((bh_cptr)argument + 1, bh_info(0, 1), message.word);
    (void)bh_recv((bh_cptr)argument, 0);
}

/* Others get on as before. */
static void others_work(void)
{
    uint64_t word[BH_MESSAGE_REGISTERS] = {41};
    bh_cptr endpoint = new_slots(2);
    CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, BH_RETYPE_NEXT, CNODE, endpoint, 1));
    CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_REPLY, 0, BH_RETYPE_NEXT, CNODE, endpoint + 1, 1));
    (void)thread_start(answer_once, endpoint, PRIORITY_HIGH);
    struct bh_message answer = bh_call(endpoint, bh_info(0, 1), word);
    CHECK_EQUAL(answer.status, BH_OK);
    CHECK_EQUAL(answer.word[0], 42);
    volatile uint64_t *page = map_new_frame();
    CHECK_EQUAL(*page, 0);
    *page = 1;
    CHECK_EQUAL(*page, 1);
    uint64_t before = ticks_now();
    sleep_us(100);
    CHECK(ticks_now() - before >= ticks_from_us(100));
}

/* --- the case --- */

/* How many calls the domain has made. */
static uint64_t run_round(void)
{
    uint64_t calls = 0;
    build_domain();
    bh_cptr counter_frame = slots + WHOLE;
    CHECK_OK(bh_cnode_copy(CNODE, counter_frame, CNODE, slots + PAGES, R));
    CHECK_OK(bh_frame_map(counter_frame, BH_ROOT_SLOT_VSPACE, (uint64_t)counters, R, 0));
    for (uint64_t slice = 0; slice < SLICES; slice++) {
        start_slice(slice);
        sleep_us(SLICE_US);
    }
    for (unsigned i = 0; i < HOSTILE_THREADS; i++) {
        calls += counters[i];
    }
    revoke_domain();
    return calls;
}

static void a_hostile_domain_is_contained(void)
{
    uint64_t seed = test_option("hostile.seed=", 1), count = test_option("hostile.count=", 2);
    uint64_t rounds = test_option("hostile.rounds=", 20);
    slots = new_slots(SLOTS);
    CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_UNTYPED, ARENA_BITS, BH_RETYPE_NEXT, CNODE, slots + ARENA, 1));
    copy_image();
    find_device();
    counters = (volatile uint64_t *)window_page();
    for (; count > 0; count--, seed++) {
        uint64_t calls = 0;
        state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        print("hostile: seed %u\n", seed);
        if (boot_info->core_count > 1) {
            test_extend(PARALLEL_US, NULL);
        }
        for (uint64_t round = 0; round < rounds; round++) {
            calls += run_round();
        }
        print("hostile: %u calls in %u rounds\n", calls, rounds);
        CHECK(calls > 100 * rounds);
        others_work();
    }
}

TEST_GROUP(hostile, false, TEST_CASE(a_hostile_domain_is_contained));

const struct test_group *const test_groups[] = {&hostile_group};
const size_t test_group_count = 1;

/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/relay.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/placement.h"
#include "domains/root/root.h"
#include "domains/root/trace.h"
#include "libs/runtime/runtime.h"

#define STACK_SIZE   UINT64_C(0x4000)
#define STACK_STRIDE UINT64_C(0x10000) /* the stacks are apart: an overflow faults */

#define RELAY_SLICE_US UINT64_C(10000)

extern const char _start[]; /* libs/runtime: calls bh_thread_main on a thread's stack */

/* Whose the rest of a relay's record is. */
enum turn {
    TURN_RELAY = 0,
    TURN_MAIN = 1,
};

struct relay {
    bh_cptr endpoint, reply;
    bh_cptr wake;   /* a notification, by which the main thread gives the turn back */
    bh_cptr signal; /* root's notification, badge ROOT_SIGNAL_RELAY */
    uint32_t turn;  /* atomic */
    bool answering;
    struct bh_message message;
    uint64_t answer[BH_MESSAGE_REGISTERS];
};

static struct relay relays[BH_CORES_MAX]; /* [0] is not used */
static struct relay *served;

/* A relay touches nothing of root but its record: neither the C library nor anything else is made for
 * two threads. */
static void pass_on(struct relay *relay)
{
    uint64_t bits;
    __atomic_store_n(&relay->turn, TURN_MAIN, __ATOMIC_RELEASE);
    (void)bh_signal(relay->signal);
    while (__atomic_load_n(&relay->turn, __ATOMIC_ACQUIRE) == TURN_MAIN) {
        (void)bh_wait(relay->wake, &bits);
    }
}

void bh_thread_main(unsigned core)
{
    struct relay *relay = &relays[core];
    relay->answering = false;
    for (;;) {
        relay->message =
            relay->answering
                ? bh_reply_recv(relay->endpoint, bh_info(0, 4), relay->answer, relay->reply)
                : bh_recv(relay->endpoint, relay->reply);
        relay->answering = false;
        if (relay->message.status == BH_OK) {
            pass_on(relay);
        }
    }
}

const struct bh_message *relay_next(void)
{
    for (uint32_t i = 1; i < BH_CORES_MAX; i++) {
        if (__atomic_load_n(&relays[i].turn, __ATOMIC_ACQUIRE) == TURN_MAIN) {
            served = &relays[i];
            return &served->message;
        }
    }
    return NULL;
}

void relay_done(const uint64_t answer[BH_MESSAGE_REGISTERS])
{
    served->answering = answer != NULL;
    if (answer != NULL) {
        memcpy(served->answer, answer, sizeof(served->answer));
    }
    __atomic_store_n(&served->turn, TURN_RELAY, __ATOMIC_RELEASE);
    (void)bh_signal(served->wake);
}

bh_cptr relay_endpoint(uint32_t core)
{
    return core == 0 ? root.endpoint : relays[core].endpoint;
}

static bool make_objects(struct relay *relay)
{
    relay->endpoint = arena_make(&root.arena, BH_TYPE_ENDPOINT, 0, 1);
    relay->reply = arena_make(&root.arena, BH_TYPE_REPLY, 0, 1);
    relay->wake = arena_make(&root.arena, BH_TYPE_NOTIFICATION, 0, 1);
    relay->signal = arena_slots(&root.arena, 1);
    return relay->endpoint != 0 && relay->reply != 0 && relay->wake != 0 && relay->signal != 0 &&
           bh_cnode_mint(BH_ROOT_SLOT_CNODE, relay->signal, BH_ROOT_SLOT_CNODE, root.notification,
                         BH_RIGHT_WRITE, ROOT_SIGNAL_RELAY)
                   .error == BH_OK;
}

/* Its priority is root's own, for the moments in which it runs. */
static bool start_thread(uint32_t core)
{
    bh_cptr tcb = arena_make(&root.arena, BH_TYPE_TCB, 0, 1);
    bh_cptr sched_context = arena_make(&root.arena, BH_TYPE_SCHED_CONTEXT, 0, 1);
    struct region stack;
    uint64_t top = ROOT_RELAYS + core * STACK_STRIDE;
    if (tcb != 0) {
        trace_name(domain_get(0), tcb);
    }
    return tcb != 0 && sched_context != 0 &&
           region_make(&stack, &root.arena, STACK_SIZE, BH_PAGE_BITS) &&
           region_map(&stack, &root.space, top - STACK_SIZE, BH_RIGHT_READ | BH_RIGHT_WRITE) &&
           bh_tcb_configure(tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, BH_CPTR_NULL,
                            BH_CPTR_NULL)
                   .error == BH_OK &&
           thread_place(tcb, core) &&
           bh_tcb_set_priority(tcb, BH_PRIORITY_MAX, BH_PRIORITY_MAX).error == BH_OK &&
           bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, sched_context,
                                      root_ticks_from_us(RELAY_SLICE_US),
                                      root_ticks_from_us(RELAY_SLICE_US))
                   .error == BH_OK &&
           bh_sched_context_bind(sched_context, tcb).error == BH_OK &&
           bh_tcb_write_registers(tcb, (uint64_t)_start, top, 0, core, 0, 0).error == BH_OK &&
           bh_tcb_resume(tcb).error == BH_OK;
}

bool relays_create(void)
{
    for (uint32_t core = 1; core < root.boot->core_count; core++) {
        if (!make_objects(&relays[core]) || !start_thread(core)) {
            return false;
        }
    }
    return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals, deadlines, calls and FP registers: workers who notice whatever is lost. */
#include "stress.h"

#define PAIRS_MAX 4
#define SERVICES  2
#define CLIENTS   2
#define BITS      8

/* --- signals: every bit must arrive, once --- */

static struct pair {
    bh_cptr there, back;
    bh_cptr badged[BITS];
    bh_cptr endpoint; /* where the receiver waits if the notification is bound to it; else 0 */
    volatile uint64_t expected;
} pairs[PAIRS_MAX];

static void send_signals(struct worker *worker)
{
    struct pair *pair = &pairs[worker->id];
    while (stage != ENDING) {
        uint64_t mask = 1 + random_below(worker, (1 << BITS) - 1);
        uint64_t first = random_below(worker, BITS);
        __atomic_store_n(&pair->expected, mask, __ATOMIC_SEQ_CST);
        for (uint64_t i = 0; i < BITS; i++) {
            uint64_t bit = (first + i) % BITS;
            if ((mask >> bit & 1) != 0) {
                uint64_t status = bh_signal(pair->badged[bit]);
                EXPECT(worker, status == BH_OK, status);
                count_more(COUNT_signals_sent, 1);
            }
        }
        uint64_t bits;
        uint64_t status = bh_wait(pair->back, &bits);
        EXPECT(worker, status == BH_OK && bits == 1, status << 32 | bits);
        if (random_below(worker, 16) == 0) {
            rest(worker, 500);
        }
        worker->progress++;
    }
}

static uint64_t receive(const struct pair *pair, uint64_t *bits)
{
    if (pair->endpoint == 0) {
        return bh_wait(pair->there, bits);
    }
    struct bh_message message = bh_recv(pair->endpoint, 0);
    *bits = message.badge;
    return message.status;
}

static void receive_signals(struct worker *worker)
{
    struct pair *pair = &pairs[worker->id];
    uint64_t got = 0;
    for (;;) {
        uint64_t bits;
        uint64_t status = receive(pair, &bits);
        EXPECT(worker, status == BH_OK, status);
        uint64_t expected = __atomic_load_n(&pair->expected, __ATOMIC_SEQ_CST);
        EXPECT(worker, bits != 0 && (bits & got) == 0 && (bits & ~expected) == 0, bits << 32 | expected << 16 | got);
        got |= bits;
        for (uint64_t left = bits; left != 0; left &= left - 1) {
            count_more(COUNT_signals_received, 1);
        }
        worker->progress++;
        if (got == expected) {
            got = 0;
            (void)bh_signal(pair->back);
        }
    }
}

/* --- deadlines --- */

static void wait_for_deadlines(struct worker *worker)
{
    bh_cptr notification = worker->slots;
    while (stage != ENDING) {
        uint64_t bit = UINT64_C(1) << random_below(worker, 64);
        uint64_t when = ticks_now() + ticks_from_us(random_below(worker, 3000));
        if (random_below(worker, 4) == 0) {
            EXPECT_OK(worker, bh_notification_arm(notification, when + 3600 * boot_info->timer_frequency, ~bit));
        }
        EXPECT_OK(worker, bh_notification_arm(notification, when, bit));
        uint64_t bits;
        uint64_t status = bh_wait(notification, &bits);
        EXPECT(worker, status == BH_OK && bits == bit, status);
        EXPECT(worker, ticks_now() >= when, when);
        count_more(COUNT_deadlines, 1);
        worker->progress++;
    }
}

/* --- calls: each is answered, and with its own answer --- */

static struct service {
    bh_cptr endpoint, reply;
    volatile bool waiting; /* the server is about to receive for the first time */
} services[SERVICES];

static void go_elsewhere(struct worker *worker)
{
    (void)bh_tcb_set_affinity(worker->thread.tcb, random_below(worker, boot_info->core_count));
    count_more(COUNT_moves, 1);
}

/* It may have been moved since it received: then the caller waits at the core where that was. */
static void serve(struct worker *worker)
{
    struct service *service = &services[worker->id];
    service->waiting = true;
    struct bh_message message = bh_recv(service->endpoint, service->reply);
    for (;;) {
        worker->progress++;
        if (message.status == BH_ERROR_CORE) { /* callers wait elsewhere */
            go_elsewhere(worker);
            message = bh_recv(service->endpoint, service->reply);
            continue;
        }
        EXPECT(worker, message.status == BH_OK, message.status);
        uint64_t word[BH_MESSAGE_REGISTERS];
        for (int i = 0; i < BH_MESSAGE_REGISTERS; i++) {
            word[i] = message.word[i] + 1;
        }
        uint64_t info = bh_info(0, bh_info_length(message.info));
        count_more(COUNT_served, 1);
        message = bh_reply_recv(service->endpoint, info, word, service->reply);
        if (message.status == BH_ERROR_CORE) {
            while (bh_send(service->reply, info, word) == BH_ERROR_CORE) {
                go_elsewhere(worker);
            }
        }
    }
}

static void call_server(struct worker *worker)
{
    struct service *service = &services[worker->id / CLIENTS];
    while (stage != ENDING) {
        uint64_t length = random_below(worker, BH_MESSAGE_REGISTERS + 1);
        uint64_t word[BH_MESSAGE_REGISTERS];
        for (int i = 0; i < BH_MESSAGE_REGISTERS; i++) {
            word[i] = random_word(worker);
        }
        struct bh_message answer = bh_call(service->endpoint, bh_info(0, length), word);
        if (answer.status == BH_ERROR_CORE) {
            count_more(COUNT_calls_refused, 1);
            if (random_below(worker, 8) == 0) {
                go_elsewhere(worker);
            } else {
                rest(worker, 300);
            }
        } else {
            EXPECT(worker, answer.status == BH_OK && bh_info_length(answer.info) == length, answer.status);
            for (uint64_t i = 0; i < length; i++) {
                EXPECT(worker, answer.word[i] == word[i] + 1, answer.word[i] - word[i]);
            }
            count_more(COUNT_calls, 1);
        }
        if (random_below(worker, 16) == 0) {
            rest(worker, 500);
        }
        worker->progress++;
    }
}

/* The server without time of its own loses what it was lent when its caller is stopped. Now and then it gets some, so
 * that it gets to its next caller. */
static void lend_time(struct worker *worker)
{
    const struct thread *server = &workers[worker->slots].thread;
    while (stage != ENDING) {
        if (bh_sched_context_bind(server->sched_context, server->tcb).error == BH_OK) {
            count_more(COUNT_loans, 1);
        }
        rest(worker, 1000);
        (void)bh_sched_context_unbind(server->sched_context);
        rest(worker, 1000);
        worker->progress++;
    }
    (void)bh_sched_context_bind(server->sched_context, server->tcb); /* for those who still wait */
}

/* --- FP registers --- */

static void keep_fp_registers(struct worker *worker)
{
    uint64_t seed = (worker->id + 1) * 0x100000 + worker->id;
    fp_fill(seed);
    while (stage != ENDING) {
        for (int i = 0; i < 100; i++) {
            uint64_t wrong = fp_check(seed);
            EXPECT(worker, wrong == 0, wrong);
        }
        count_more(COUNT_fp_checks, 1);
        if (random_below(worker, 4) == 0) {
            rest(worker, 1000);
        }
        worker->progress++;
    }
}

/* --- */

static void add_pair(uint64_t i, unsigned may)
{
    struct pair *pair = &pairs[i];
    *pair = (struct pair){.there = new_object(BH_TYPE_NOTIFICATION), .back = new_object(BH_TYPE_NOTIFICATION)};
    for (uint64_t bit = 0; bit < BITS; bit++) {
        pair->badged[bit] = new_mint(pair->there, ALL, UINT64_C(1) << bit);
    }
    (void)add_worker("sender", i, send_signals, PRIORITY_WORKER, may);
    struct worker *receiver = add_worker("receiver", i, receive_signals, PRIORITY_WORKER, may);
    receiver->done = true; /* it ends with its sender */
    if (i % 2 != 0) {
        pair->endpoint = new_object(BH_TYPE_ENDPOINT);
        CHECK_OK(bh_tcb_bind_notification(receiver->thread.tcb, pair->there));
    }
    pair->back = new_mint(pair->back, ALL, 1);
}

void add_messengers(uint64_t cores)
{
    const unsigned all = MAY_MOVE | MAY_STOP | MAY_PRIORITY | MAY_BUDGET | MAY_UNBIND;
    for (uint64_t i = 0; i < (cores < PAIRS_MAX ? cores : PAIRS_MAX); i++) {
        add_pair(i, all);
    }
    for (uint64_t i = 0; i < 2; i++) {
        add_worker("deadline", i, wait_for_deadlines, PRIORITY_WORKER, all)->slots = new_object(BH_TYPE_NOTIFICATION);
        struct worker *keeper = add_worker("fp", i, keep_fp_registers, PRIORITY_WORKER, all);
        CHECK_OK(bh_tcb_set_flags(keeper->thread.tcb, BH_TCB_FP));
    }
    for (uint64_t i = 0; i < SERVICES; i++) {
        services[i] = (struct service){.endpoint = new_object(BH_TYPE_ENDPOINT), .reply = new_object(BH_TYPE_REPLY)};
        /* The first has no time of its own: to ask again it would need some. */
        struct worker *server = add_worker("server", i, serve, i == 0 ? PRIORITY_HIGH : PRIORITY_WORKER,
                                           i == 0 ? 0 : all & ~(unsigned)MAY_UNBIND);
        server->done = true;
        if (i == 0) {
            CHECK_OK(bh_tcb_set_affinity(server->thread.tcb, 0));
            thread_resume(&server->thread);
            while (!services[0].waiting) {
                sleep_us(1000);
            }
            sleep_us(1000);
            CHECK_OK(bh_sched_context_unbind(server->thread.sched_context));
            add_worker("lender", i, lend_time, PRIORITY_TORMENTOR, 0)->slots = (uint64_t)(server - workers);
        }
        for (uint64_t client = 0; client < CLIENTS; client++) {
            (void)add_worker("client", i * CLIENTS + client, call_server, PRIORITY_WORKER, all);
        }
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once, on all cores in parallel: messages, signals, deadlines and guests, whose workers notice whatever
 * is lost; memory and capabilities that are made, used and revoked; and tormentors that move, stop and starve the
 * others meanwhile. Afterwards everything must have come back, and each core must work as before.
 *
 * In the machine's command line: stress.seed=N stress.seconds=N. Only the choices follow from the seed: the cores run
 * as the host lets them.
 */
#include "stress.h"

#define TORMENTORS_MAX 4
#define VICTIMS_MAX    64

/* The host may leave a core without time for long. */
#define PATIENCE_US UINT64_C(60000000)
#define SLICE_US    100000

#define REST_FACTOR 8
#define REST_MAX_US 1000000

volatile int stage;
struct worker workers[WORKERS_MAX];
uint64_t worker_count;
uint64_t counts[COUNT_COUNT];

static struct {
    bh_cptr tcb, sched_context;
    unsigned may;
} victims[VICTIMS_MAX];
static uint64_t victim_count;

static uint64_t seed;

static struct {
    volatile bool happened;
    const struct worker *worker;
    const char *file, *what;
    uint32_t line;
    uint64_t value;
} failure;

uint64_t random_word(struct worker *worker)
{
    worker->state ^= worker->state << 13;
    worker->state ^= worker->state >> 7;
    worker->state ^= worker->state << 17;
    return worker->state >> 8;
}

/* On a host that has fewer processors than the machine, cores wait for one that has the lock and is not running: the
 * longer everything takes, the longer all rest, or most of them would only wait. */
void rest(struct worker *worker, uint64_t us)
{
    uint64_t now = ticks_now(), longest = ticks_from_us(REST_MAX_US), ticks = ticks_from_us(us);
    uint64_t worked = REST_FACTOR * (now - worker->rested);
    ticks += worked < longest ? worked : longest;
    uint64_t bits;
    EXPECT_OK(worker, bh_notification_arm(worker->pause, now + random_below(worker, ticks), 1));
    uint64_t status = bh_wait(worker->pause, &bits);
    EXPECT(worker, status == BH_OK, status);
    worker->rested = ticks_now();
}

void worker_check(struct worker *worker, bool good, const char *file, uint32_t line, const char *what, uint64_t value)
{
    static bool taken;
    if (good) {
        return;
    }
    if (!__atomic_exchange_n(&taken, true, __ATOMIC_SEQ_CST)) {
        failure.worker = worker;
        failure.file = file;
        failure.line = line;
        failure.what = what;
        failure.value = value;
        __atomic_store_n(&failure.happened, true, __ATOMIC_SEQ_CST);
    }
    for (;;) {
        (void)bh_yield();
    }
}

/* --- workers --- */

static void run_worker(uint64_t index)
{
    struct worker *worker = &workers[index];
    worker->run(worker);
    worker->done = true;
}

void add_victim(bh_cptr tcb, bh_cptr sched_context, unsigned may)
{
    CHECK(victim_count < VICTIMS_MAX);
    victims[victim_count].tcb = tcb;
    victims[victim_count].sched_context = sched_context;
    victims[victim_count].may = may;
    victim_count++;
}

struct worker *add_worker(const char *name, uint64_t id, void (*run)(struct worker *), uint64_t priority, unsigned may)
{
    CHECK(worker_count < WORKERS_MAX);
    struct worker *worker = &workers[worker_count];
    *worker = (struct worker){.name = name, .id = id, .run = run, .pause = new_object(BH_TYPE_NOTIFICATION)};
    worker->state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + (worker_count + 1) * UINT64_C(0xbf58476d1ce4e5b9);
    worker->rested = ticks_now();
    worker->thread = thread_prepare(run_worker, worker_count, priority);
    CHECK_OK(bh_tcb_set_affinity(worker->thread.tcb, worker_count % boot_info->core_count));
    if (may != 0) {
        add_victim(worker->thread.tcb, worker->thread.sched_context, may);
    }
    worker_count++;
    return worker;
}

/* --- tormentors --- */

static void set_budget(bh_cptr sched_context, uint64_t budget_us)
{
    (void)bh_sched_control_configure(CONTROL, sched_context, ticks_from_us(budget_us), ticks_from_us(1000));
}

static void torment_one(struct worker *worker)
{
    uint64_t i = random_below(worker, victim_count);
    bh_cptr tcb = victims[i].tcb, sched_context = victims[i].sched_context;
    switch (victims[i].may & 1u << random_below(worker, 5)) {
    case MAY_MOVE: {
        bool moved = bh_tcb_set_affinity(tcb, random_below(worker, boot_info->core_count)).error == BH_OK;
        count_more(moved ? COUNT_moves : COUNT_moves_refused, 1);
        break;
    }
    case MAY_STOP:
        (void)bh_tcb_suspend(tcb);
        if (random_below(worker, 4) == 0) {
            rest(worker, 200);
        }
        (void)bh_tcb_resume(tcb);
        count_more(COUNT_suspensions, 1);
        break;
    case MAY_PRIORITY:
        (void)bh_tcb_set_priority(tcb, PRIORITY_WORKER - 10 + random_below(worker, 20), BH_PRIORITY_MAX);
        rest(worker, 200);
        (void)bh_tcb_set_priority(tcb, PRIORITY_WORKER, BH_PRIORITY_MAX);
        count_more(COUNT_priorities, 1);
        break;
    case MAY_BUDGET:
        set_budget(sched_context, random_below(worker, 3) == 0 ? 1000 : 100 + random_below(worker, 900));
        (void)bh_sched_context_consumed(sched_context);
        count_more(COUNT_budgets, 1);
        break;
    case MAY_UNBIND:
        (void)bh_sched_context_unbind(sched_context);
        (void)bh_sched_context_bind(sched_context, tcb);
        count_more(COUNT_unbindings, 1);
        break;
    default:
        break;
    }
}

static void torment(struct worker *worker)
{
    while (stage == RUNNING) {
        torment_one(worker);
        if (random_below(worker, 8) == 0) {
            (void)bh_tcb_set_affinity(worker->thread.tcb, random_below(worker, boot_info->core_count));
        }
        rest(worker, 300);
        worker->progress++;
    }
}

/* What they leave behind must not slow down the end. */
static void calm_down(void)
{
    for (uint64_t i = 0; i < victim_count; i++) {
        (void)bh_tcb_set_priority(victims[i].tcb, PRIORITY_WORKER, BH_PRIORITY_MAX);
        if ((victims[i].may & MAY_BUDGET) != 0) {
            set_budget(victims[i].sched_context, 1000);
        }
        if ((victims[i].may & MAY_UNBIND) != 0) {
            (void)bh_sched_context_bind(victims[i].sched_context, victims[i].tcb);
        }
        (void)bh_tcb_resume(victims[i].tcb);
    }
}

/* --- the case's own thread --- */

static void report(void)
{
    for (uint64_t i = 0; i < worker_count; i++) {
        (void)bh_tcb_suspend(workers[i].thread.tcb);
        struct bh_result registers = bh_tcb_read_registers(workers[i].thread.tcb, 30);
        print("stress: %s %u: progress %u, %s; pc %x, x30 %x\n", workers[i].name, workers[i].id, workers[i].progress,
              workers[i].done ? "done" : "not done", registers.value[2], registers.value[0]);
    }
    for (unsigned i = 0; i < COUNT_COUNT; i++) {
        static const char *const names[] = {
#define COUNT_TEXT(name) #name,
            COUNTS(COUNT_TEXT)
#undef COUNT_TEXT
        };
        print("stress: %u %s\n", counts[i], names[i]);
    }
}

static uint64_t seen[WORKERS_MAX], seen_at[WORKERS_MAX];

/* Some time passes. Who makes no progress for long hangs. */
static void watch(bool ending)
{
    test_extend(2 * PATIENCE_US, report);
    sleep_us(SLICE_US);
    if (failure.happened) {
        report();
        test_fail(failure.file, failure.line, "%s %u: not so: %s (%x)", failure.worker->name, failure.worker->id,
                  failure.what, failure.value);
    }
    uint64_t now = ticks_now();
    for (uint64_t i = 0; i < worker_count; i++) {
        if (workers[i].progress != seen[i] || workers[i].done) {
            seen[i] = workers[i].progress;
            seen_at[i] = now;
        } else if (now - seen_at[i] > ticks_from_us(PATIENCE_US)) {
            report();
            test_fail(__FILE__, __LINE__, "%s %u makes no progress%s", workers[i].name, workers[i].id,
                      ending ? " at the end" : "");
        }
    }
}

static bool all_done(int of_stage)
{
    for (uint64_t i = 0; i < worker_count; i++) {
        if (!workers[i].done && (of_stage == ENDING || workers[i].run == torment)) {
            return false;
        }
    }
    return true;
}

static void end_stage(int next)
{
    stage = next;
    while (!all_done(next)) {
        watch(true);
    }
}

/* In a long run nothing may be missing. */
static void check_counts(bool full)
{
    CHECK_EQUAL(counts[COUNT_signals_received], counts[COUNT_signals_sent]);
    CHECK_EQUAL(counts[COUNT_interrupts_taken], counts[COUNT_interrupts_posted]);
    CHECK(counts[COUNT_served] >= counts[COUNT_calls]);
    for (unsigned i = 0; i < COUNT_COUNT && full; i++) {
        CHECK(counts[i] > 0 || i == COUNT_moves_refused || i == COUNT_calls_refused);
    }
}

static void everything_happens_at_once_on_all_cores(void)
{
    uint64_t cores = boot_info->core_count;
    uint64_t seconds = test_option("stress.seconds=", 10);
    seed = test_option("stress.seed=", 1);
    print("stress: seed %u, %u seconds, %u cores\n", seed, seconds, cores);
    stage = RUNNING;
    test_extend(PATIENCE_US, report);
    add_messengers(cores);
    add_churners(cores);
    add_builders(cores);
    for (uint64_t i = 0; i < (cores < TORMENTORS_MAX ? cores : TORMENTORS_MAX); i++) {
        (void)add_worker("tormentor", i, torment, PRIORITY_TORMENTOR, 0);
    }
    for (uint64_t i = 0; i < worker_count; i++) {
        seen_at[i] = ticks_now();
        thread_resume(&workers[i].thread);
    }
    uint64_t end = ticks_now() + seconds * boot_info->timer_frequency;
    while (ticks_now() < end) {
        watch(false);
    }
    end_stage(CALM);
    calm_down();
    end_stage(ENDING);
    for (uint64_t i = 0; i < worker_count; i++) {
        CHECK_OK(bh_tcb_suspend(workers[i].thread.tcb));
    }
    report();
    check_counts(seconds >= 120);
}

/* --- before and afterwards --- */

static uint64_t tags_before;

/* How many address spaces can be made. */
static uint64_t count_tags(void)
{
    uint64_t count = 0;
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, TEST_UNTYPED_BITS - 1);
    for (;;) {
        bh_cptr slot = new_slot();
        struct bh_result result = bh_untyped_retype(untyped, BH_TYPE_VSPACE, 0, BH_RETYPE_NEXT, CNODE, slot, 1);
        if (result.error != BH_OK) {
            return count;
        }
        count++;
    }
}

static void there_are_address_spaces(void)
{
    tags_before = count_tags();
    CHECK(tags_before > 1000);
}

static void there_are_as_many_address_spaces_as_before(void)
{
    CHECK_EQUAL(count_tags(), tags_before);
}

static bh_cptr endpoint, reply;
static volatile uint64_t answer;
static volatile bool served;

static void answer_once(uint64_t argument)
{
    (void)argument;
    struct bh_message message = bh_recv(endpoint, reply);
    message.word[0]++;
    (void)bh_send(reply, bh_info(0, 1), message.word);
    served = true;
}

static void ask_once(uint64_t number)
{
    const uint64_t word[BH_MESSAGE_REGISTERS] = {number};
    struct bh_message message;
    do {
        message = bh_call(endpoint, bh_info(0, 1), word);
    } while (message.status == BH_ERROR_CORE);
    answer = message.word[0];
}

static void core_works(uint64_t core)
{
    endpoint = new_object(BH_TYPE_ENDPOINT);
    reply = new_object(BH_TYPE_REPLY);
    answer = 0;
    struct thread server = thread_prepare(answer_once, 0, PRIORITY_LOW);
    struct thread client = thread_prepare(ask_once, 41, PRIORITY_LOW);
    struct guest_thread runner;
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    guest_aim(&guest, guest_hvc);
    CHECK_OK(bh_tcb_set_affinity(server.tcb, core));
    CHECK_OK(bh_tcb_set_affinity(client.tcb, core));
    CHECK_OK(bh_tcb_set_affinity(runner.thread.tcb, core));
    thread_resume(&server);
    thread_resume(&client);
    thread_resume(&runner.thread);
    uint64_t end = ticks_now() + ticks_from_us(PATIENCE_US);
    while ((answer == 0 || runner.reason == UINT64_MAX) && ticks_now() < end) {
        sleep_us(1000);
    }
    CHECK_EQUAL(answer, 42);
    CHECK_EQUAL(runner.reason, BH_EXIT_HVC);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_tcb_suspend(i == 0 ? runner.thread.tcb : server.tcb));
    }
}

static void afterwards_each_core_runs_threads_calls_and_guests(void)
{
    test_extend(2 * PATIENCE_US, NULL);
    for (uint64_t core = 0; core < boot_info->core_count; core++) {
        core_works(core);
    }
}

TEST_GROUP(stress, false, TEST_CASE(there_are_address_spaces), TEST_CASE(everything_happens_at_once_on_all_cores),
           TEST_CASE(afterwards_each_core_runs_threads_calls_and_guests),
           TEST_CASE(there_are_as_many_address_spaces_as_before));

const struct test_group *const test_groups[] = {&stress_group};
const size_t test_group_count = 1;

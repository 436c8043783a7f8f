/* SPDX-License-Identifier: BSD-2-Clause */
/* What the workers of the stress test have in common. */
#ifndef TEST_KERNEL_STRESS_STRESS_H
#define TEST_KERNEL_STRESS_STRESS_H

#include "../guest.h"
#include "../harness.h"

#define CNODE   BH_ROOT_SLOT_CNODE
#define CONTROL BH_ROOT_SLOT_SCHED_CONTROL
#define ALL     BH_RIGHTS_ALL
#define R       BH_RIGHT_READ
#define W       BH_RIGHT_WRITE
#define X       BH_RIGHT_GRANT

#define PRIORITY_TORMENTOR 95
#define PRIORITY_WORKER    80

#define ARENA_BITS 17 /* of what a worker makes objects from */

/* What may be done to a thread from outside. */
enum may { MAY_MOVE = 1, MAY_STOP = 2, MAY_PRIORITY = 4, MAY_BUDGET = 8, MAY_UNBIND = 16 };

struct worker {
    const char *name;
    uint64_t id; /* among those of its name */
    void (*run)(struct worker *worker);
    struct thread thread;
    bh_cptr pause;   /* a notification */
    bh_cptr slots;  /* what it works with: slots, an object, or the number of another worker */
    uint64_t page;   /* an address for churners */
    uint64_t state;  /* of its random numbers */
    uint64_t rested; /* when that ended */
    volatile uint64_t progress;
    volatile bool done;
};

/* How far the end has come: tormentors stop first, so that nothing stays suspended. */
enum { RUNNING, CALM, ENDING };
extern volatile int stage;

#define WORKERS_MAX 40
extern struct worker workers[WORKERS_MAX];
extern uint64_t worker_count;

struct worker *add_worker(const char *name, uint64_t id, void (*run)(struct worker *), uint64_t priority, unsigned may);

/* A thread that tormentors may use in these ways. The slots may be empty at times. */
void add_victim(bh_cptr tcb, bh_cptr sched_context, unsigned may);

/* How often something was done. */
#define COUNTS(with)                                                                                                 \
    with(calls) with(calls_refused) with(served) with(signals_sent) with(signals_received) with(deadlines)           \
        with(fp_checks) with(moves) with(moves_refused) with(suspensions) with(priorities) with(budgets)             \
            with(unbindings) with(loans) with(retypes) with(copies) with(deletions) with(mappings) with(revocations) \
                with(shared_revocations) with(spaces) with(spaces_ran) with(domains) with(domains_ran) with(guests)  \
                    with(guests_ended) with(interrupts_posted) with(interrupts_taken) with(guests_kept)
enum count {
#define COUNT_NAME(name) COUNT_##name,
    COUNTS(COUNT_NAME) COUNT_COUNT
#undef COUNT_NAME
};
extern uint64_t counts[COUNT_COUNT];

static inline void count_more(enum count what, uint64_t n)
{
    __atomic_fetch_add(&counts[what], n, __ATOMIC_RELAXED);
}

uint64_t random_word(struct worker *worker);
static inline uint64_t random_below(struct worker *worker, uint64_t limit)
{
    return random_word(worker) % limit;
}

/* Lets others run, for up to `us` and longer when they are slow. */
void rest(struct worker *worker, uint64_t us);

/* A check of any thread on any core: the first that fails is reported by the case's own thread. */
void worker_check(struct worker *worker, bool good, const char *file, uint32_t line, const char *what, uint64_t value);
#define EXPECT(worker, condition, value) worker_check((worker), (condition), __FILE__, __LINE__, #condition, (value))
#define EXPECT_OK(worker, result)                                                                   \
    do {                                                                                            \
        struct bh_result result_ = (result);                                                        \
        worker_check((worker), result_.error == BH_OK, __FILE__, __LINE__, #result, result_.error); \
    } while (0)

/* Each makes the workers of its kind. */
void add_messengers(uint64_t cores);
void add_churners(uint64_t cores);
void add_builders(uint64_t cores);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own sources against the model: random system calls by four threads, and after each of them the whole
 * state compared. Work is cut into episodes, each from a freshly started kernel with a seed of its own; at the end of
 * an episode every capability is deleted, and nothing may be left.
 *
 *   model_test [CALLS [SEED]]     at least so many calls, from that episode on
 *
 * A failure prints the seed of its episode, so `model_test 1 SEED` shows it again, and then the shortest sequence of
 * calls that was found to end in a failure: parts are left out as long as it still fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare.h"
#include "generate.h"
#include "hardware.h"
#include "world.h"

#define EPISODE 2000u

static struct step steps[EPISODE + 1];
static unsigned step_count;
static uint64_t seed;
static struct m_object *threads[WORLD_THREADS];
static bool quiet;     /* a try of the search for a shorter sequence */
static bool shrinking; /* a failure was found */
static uint64_t statistics[2][BH_ERROR_COUNT];

/* --- start-up, in the model --- */

static void boot_model(void)
{
    struct m_object *cnodes[WORLD_CNODES];
    model_reset();
    model.now = 1000;
    struct m_object *hidden = model_boot_object(BH_TYPE_CNODE, WORLD_HIDDEN_RADIX, WORLD_HIDDEN);
    for (unsigned n = 0; n < WORLD_CNODES; n++) {
        cnodes[n] = model_boot_object(BH_TYPE_CNODE, WORLD_CNODE_RADIX(n), WORLD_CNODE(n));
    }
    struct m_slot *first = cnodes[0]->slots;
    for (unsigned i = 0; i < WORLD_ROOTS; i++) {
        const struct world_root *root = &world_roots[i];
        model_boot_cap(&first[WORLD_FIRST_ROOT + i], model_boot_object(root->type, root->size_bits, root->address));
    }
    for (unsigned n = 0; n < WORLD_CNODES; n++) {
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_CNODE(n)], cnodes[n]);
        model_boot_copy(&first[WORLD_COPY_CNODE(n)], &hidden->slots[WORLD_HIDDEN_CNODE(n)]);
    }
    model_boot_copy(&cnodes[1]->slots[1], &first[WORLD_COPY_CNODE(0)]);
    model_boot_copy(&cnodes[1]->slots[2], &first[WORLD_COPY_CNODE(1)]);
    for (unsigned n = 0; n < WORLD_THREADS; n++) {
        struct m_object *tcb = model_boot_object(BH_TYPE_TCB, 0, WORLD_TCB(n));
        struct m_object *sc = model_boot_object(BH_TYPE_SCHED_CONTEXT, 0, WORLD_SCHED_CONTEXT(n));
        struct m_object *buffer = model_boot_object(BH_TYPE_FRAME, BH_PAGE_BITS, WORLD_BUFFER(n));
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_TCB(n)], tcb);
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_SCHED_CONTEXT(n)], sc);
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_BUFFER(n)], buffer);
        model_boot_copy(&tcb->slots[TCB_SLOT_CNODE], &hidden->slots[WORLD_HIDDEN_CNODE(world_cnode_of(n))]);
        model_boot_copy(&tcb->slots[TCB_SLOT_IPC_BUFFER], &hidden->slots[WORLD_HIDDEN_BUFFER(n)]);
        tcb->thread = (struct m_thread){
            .state = M_RUNNABLE, .priority = WORLD_PRIORITY, .limit = WORLD_LIMIT, .sched_context = sc};
        sc->tcb = tcb;
        threads[n] = tcb;
        if (n > 0) {
            model_boot_copy(&first[WORLD_COPY_TCB(n)], &hidden->slots[WORLD_HIDDEN_TCB(n)]);
            model_boot_copy(&first[WORLD_COPY_SCHED_CONTEXT(n)], &hidden->slots[WORLD_HIDDEN_SCHED_CONTEXT(n)]);
            model_boot_copy(&first[WORLD_COPY_BUFFER(n)], &hidden->slots[WORLD_HIDDEN_BUFFER(n)]);
        }
    }
}

/* --- failure --- */

static void print_step(unsigned i)
{
    const struct step *step = &steps[i];
    const uint64_t *x = step->call.x;
    fprintf(stderr, "  %u: thread %u %s cap %#lx", i, step->thread, operation_name(&step->call), x[0]);
    if (x[12] == BH_SYS_INVOKE) {
        fprintf(stderr, " op %#lx (%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)", x[1], x[2], x[3], x[4], x[5], x[6], x[7]);
    } else if (x[12] != BH_SYS_YIELD) {
        fprintf(stderr, " info %#lx reply %#lx (sends %#lx, takes to %#lx)", x[1], x[10], step->send_cap,
                step->receive_slot);
    }
    fprintf(stderr, step->preempt_at != 0 ? " preempted at poll %lu\n" : "\n", step->preempt_at);
}

static void shrink(unsigned count);

__attribute__((noreturn)) static void fail(const char *why)
{
    if (!quiet) {
        fprintf(stderr, "model_test: seed %lu, call %u: %s\n", seed, step_count, why);
        if (!shrinking) {
            shrinking = true;
            shrink(step_count);
        }
    }
    _exit(1);
}

static void on_panic(void)
{
    fail("the kernel has stopped");
}

/* Of the sanitizers. */
void __sanitizer_set_death_callback(void (*callback)(void));

static void on_death(void)
{
    fail("a sanitizer has ended the program");
}

/* --- one call --- */

static unsigned current_thread(void)
{
    for (unsigned n = 0; n < WORLD_THREADS; n++) {
        if (this_core()->current == world_tcb(n)) {
            return n;
        }
    }
    fail("a thread runs that should not");
}

/* False: preempted. */
static bool make_call(const struct step *step)
{
    struct m_object *thread = threads[step->thread];
    struct bh_ipc_buffer *buffer = paddr_pointer(paddr(WORLD_BUFFER(step->thread)));
    buffer->send_cap = step->send_cap;
    buffer->receive_slot = step->receive_slot;
    model.preempt_at = host_preempt_at = step->preempt_at;
    struct m_result result = model_call(thread, &step->call);
    bool whole = world_call(step->call.x);

    const char *error = NULL;
    if (whole == result.preempted) {
        error = whole ? "the call was not preempted as it should be" : "the call was preempted";
    } else if (host_preempt_at != model.preempt_at) {
        error = "the kernel has polled for interrupts more or less often than it should";
    } else {
        error = compare_result(thread, &step->call, &result);
    }
    if (error == NULL) {
        error = compare_state(step_count % 16 == 0 || (step->call.x[1] >= BH_OP_FRAME_MAP && step->call.x[1] <= BH_OP_PAGE_TABLE_UNMAP));
    }
    if (error != NULL) {
        fail(error);
    }
    if (step->call.x[12] == BH_SYS_INVOKE) {
        statistics[0][result.preempted ? 0 : result.error]++;
        statistics[1][0] += result.preempted;
    }
    return whole;
}

static void delete_everything(void)
{
    host_preempt_at = model.preempt_at = 0;
    for (uint64_t i = 0; i < model.origin_count; i++) {
        while (model.origins[i]->first_child != NULL) {
            struct m_slot *slot = model.origins[i]->first_child->slot;
            struct slot *real = slot->real;
            if (!model_delete(slot) || !world_delete(real)) {
                fail("deleting was preempted");
            }
        }
    }
    const char *error = compare_state(true);
    if (error != NULL) {
        fail(error);
    }
    if (model.objects != NULL && model.objects->next != NULL) { /* the hidden CNode alone has no capability */
        fail("objects are left without capabilities");
    }
}

static void run_episode(void)
{
    generate_seed(seed);
    world_reset();
    boot_model();
    step_count = 0;
    const char *error = compare_state(true);
    if (error != NULL) {
        fail(error);
    }
    bool again = false;
    while (step_count < EPISODE) {
        struct step *step = &steps[step_count];
        unsigned thread = current_thread();
        if (again && steps[step_count - 1].thread == thread && random_below(10) != 0) {
            *step = steps[step_count - 1];
            step->preempt_at = random_below(3) == 0 ? 1 + random_below(6) : 0;
        } else {
            generate(threads[thread], thread != 0, step);
            step->thread = thread;
        }
        step_count++;
        again = !make_call(step);
    }
    delete_everything();
}

/* --- the search for a shorter sequence --- */

/* Runs those of the recorded calls that are kept. */
static void replay(const bool *keep, unsigned count)
{
    world_reset();
    boot_model();
    for (step_count = 0; step_count < count; step_count++) {
        if (keep[step_count] && steps[step_count].thread == current_thread()) {
            (void)make_call(&steps[step_count]);
        }
    }
    delete_everything();
}

/* Whether it fails, in a process of its own. */
static bool fails(const bool *keep, unsigned count)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        quiet = true;
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(0);
        }
        replay(keep, count);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status != 0;
}

static void shrink(unsigned count)
{
    static bool keep[EPISODE + 1], tried[EPISODE + 1];
    memset(keep, true, sizeof(keep));
    if (!fails(keep, count)) {
        fprintf(stderr, "the recorded calls alone do not fail\n");
        return;
    }
    for (unsigned size = count / 2; size > 0; size /= 2) {
        for (unsigned at = 0; at < count; at += size) {
            memcpy(tried, keep, sizeof(keep));
            for (unsigned i = at; i < at + size && i < count; i++) {
                tried[i] = false;
            }
            if (memcmp(tried, keep, sizeof(keep)) != 0 && fails(tried, count)) {
                memcpy(keep, tried, sizeof(keep));
            }
        }
    }
    fprintf(stderr, "these calls are enough:\n");
    for (unsigned i = 0; i < count; i++) {
        if (keep[i]) {
            print_step(i);
        }
    }
    fflush(NULL);
    quiet = false;
    replay(keep, count); /* says how it ends */
}

int main(int argc, char **argv)
{
    uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    host_on_panic = on_panic;
    __sanitizer_set_death_callback(on_death);
    uint64_t done = 0;
    for (; done < calls; done += step_count, seed++) {
        run_episode();
    }
    printf("model_test: %lu calls in episodes up to seed %lu agree with the model\n", done, seed - 1);
    printf("errors:");
    for (unsigned i = 0; i < BH_ERROR_COUNT; i++) {
        printf(" %u:%lu", i, statistics[0][i]);
    }
    printf(" preempted:%lu\n", statistics[1][0]);
    return 0;
}

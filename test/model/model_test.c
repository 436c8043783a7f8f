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
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare.h"
#include "generate.h"
#include "hardware.h"
#include "world.h"

#define EPISODE 1000u

/* Shared with the process that runs the kernel: the other one never does, and can start anew from where it is. */
static struct {
    uint64_t seed;
    uint64_t calls; /* before this episode */
    unsigned step_count;
    struct step steps[EPISODE];
} *record;

static struct m_object *threads[WORLD_THREADS];

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
        model_boot_cap(&cnodes[root->cnode]->slots[root->slot],
                       model_boot_object(root->type, root->size_bits, root->address));
    }
    for (unsigned n = 0; n < WORLD_CNODES; n++) {
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_CNODE(n)], cnodes[n]);
        model_boot_copy(&first[WORLD_COPY_CNODE(n)], &hidden->slots[WORLD_HIDDEN_CNODE(n)]);
    }
    model_boot_copy(&cnodes[1]->slots[1], &first[WORLD_COPY_CNODE(0)]);
    model_boot_copy(&cnodes[1]->slots[2], &first[WORLD_COPY_CNODE(1)]);
    struct m_slot *endpoint = &hidden->slots[WORLD_HIDDEN_ENDPOINT];
    struct m_slot *notification = &hidden->slots[WORLD_HIDDEN_NOTIFICATION];
    model_boot_cap(endpoint, model_boot_object(BH_TYPE_ENDPOINT, 0, WORLD_ENDPOINT));
    model_boot_cap(notification, model_boot_object(BH_TYPE_NOTIFICATION, 0, WORLD_NOTIFICATION));
    for (unsigned n = 0; n < WORLD_CNODES; n++) {
        model_boot_copy(&cnodes[n]->slots[WORLD_COPY_ENDPOINT], endpoint);
        model_boot_copy(&cnodes[n]->slots[WORLD_COPY_NOTIFICATION], notification);
        model_boot_cap(&cnodes[n]->slots[WORLD_OWN_REPLY], model_boot_object(BH_TYPE_REPLY, 0, WORLD_REPLY(n)));
    }
    model_boot_cap(&hidden->slots[WORLD_HIDDEN_VSPACE], model_boot_object(BH_TYPE_VSPACE, 0, WORLD_VSPACE));
    for (unsigned n = 0; n < WORLD_THREADS; n++) {
        struct m_object *tcb = model_boot_object(BH_TYPE_TCB, 0, WORLD_TCB(n));
        struct m_object *sc = model_boot_object(BH_TYPE_SCHED_CONTEXT, 0, WORLD_SCHED_CONTEXT(n));
        struct m_object *buffer = model_boot_object(BH_TYPE_FRAME, BH_PAGE_BITS, WORLD_BUFFER(n));
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_TCB(n)], tcb);
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_SCHED_CONTEXT(n)], sc);
        model_boot_cap(&hidden->slots[WORLD_HIDDEN_BUFFER(n)], buffer);
        model_boot_copy(&tcb->slots[TCB_SLOT_CNODE], &hidden->slots[WORLD_HIDDEN_CNODE(world_cnode_of(n))]);
        model_boot_copy(&tcb->slots[TCB_SLOT_VSPACE], &hidden->slots[WORLD_HIDDEN_VSPACE]);
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
    const struct step *step = &record->steps[i];
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

__attribute__((noreturn)) static void fail(const char *why)
{
    fprintf(stderr, "model_test: seed %lu, call %u: %s\n", record->seed, record->step_count, why);
    exit(1);
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
        bool maps = step->call.x[1] >= BH_OP_FRAME_MAP && step->call.x[1] <= BH_OP_PAGE_TABLE_UNMAP;
        error = compare_state(maps || record->step_count % 16 == 0);
    }
    if (error != NULL) {
        fail(error);
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

static void start(void)
{
    world_reset();
    boot_model();
    record->step_count = 0;
    const char *error = compare_state(true);
    if (error != NULL) {
        fail(error);
    }
}

static void run_episode(void)
{
    generate_seed(record->seed);
    start();
    bool again = false;
    while (record->step_count < EPISODE) {
        struct step *step = &record->steps[record->step_count];
        unsigned thread = current_thread();
        if (again && step[-1].thread == thread && random_below(10) != 0) {
            *step = step[-1];
            step->preempt_at = random_below(3) == 0 ? 1 + random_below(6) : 0;
        } else {
            generate(threads[thread], thread != 0, step);
            step->thread = thread;
        }
        record->step_count++;
        again = !make_call(step);
    }
    delete_everything();
}

/* Runs `run` in a process of its own; whether it ended well. */
static bool in_process(void (*run)(const void *argument), const void *argument, bool silent)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (silent && freopen("/dev/null", "w", stderr) == NULL) {
            exit(1);
        }
        run(argument);
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("model_test");
        exit(1);
    }
    return status == 0;
}

static void run_episodes(const void *calls)
{
    while (record->calls < *(const uint64_t *)calls) {
        run_episode();
        record->calls += EPISODE;
        record->seed++;
    }
}

/* --- the search for a shorter sequence --- */

struct selection {
    unsigned count;
    bool keep[EPISODE];
};

static void replay(const void *argument)
{
    const struct selection *selection = argument;
    start();
    for (; record->step_count < selection->count; record->step_count++) {
        const struct step *step = &record->steps[record->step_count];
        if (selection->keep[record->step_count] && step->thread == current_thread()) {
            (void)make_call(step);
        }
    }
    delete_everything();
}

static void shrink(void)
{
    static struct selection kept, tried;
    kept.count = record->step_count;
    memset(kept.keep, true, sizeof(kept.keep));
    if (in_process(replay, &kept, true)) {
        fprintf(stderr, "model_test: the calls that were recorded do not fail on their own\n");
        return;
    }
    for (unsigned size = kept.count / 2; size > 0; size /= 2) {
        for (unsigned at = 0; at < kept.count; at += size) {
            tried = kept;
            for (unsigned i = at; i < at + size && i < kept.count; i++) {
                tried.keep[i] = false;
            }
            if (memcmp(&tried, &kept, sizeof(kept)) != 0 && !in_process(replay, &tried, true)) {
                kept = tried;
            }
        }
    }
    fprintf(stderr, "model_test: these calls are enough:\n");
    for (unsigned i = 0; i < kept.count; i++) {
        if (kept.keep[i]) {
            print_step(i);
        }
    }
    (void)in_process(replay, &kept, false);
}

int main(int argc, char **argv)
{
    uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
    record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (record == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    record->seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    if (!in_process(run_episodes, &calls, false)) {
        fprintf(stderr, "model_test: failed with seed %lu at call %u\n", record->seed, record->step_count);
        shrink();
        return 1;
    }
    printf("model_test: %lu calls, in episodes of %u, agree with the model\n", record->calls, EPISODE);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Root runs in a thread of its own; it and the test's thread take turns. */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "test/unit/check.h"
#include "test/unit/root/model_kernel.h"

#define LOG_SIZE 65536u

static sem_t root_turn, test_turn;
static struct bh_message message;
static uint64_t answer_word[BH_MESSAGE_REGISTERS];
static bool answered;
static bool off;
static uint64_t armed = UINT64_MAX;
static char log_text[LOG_SIZE];
static size_t log_length;

uint64_t bh_test_ticks; /* the time, which bh_ticks reads */

struct bh_message bh_recv(bh_cptr endpoint, bh_cptr reply)
{
    CHECK(endpoint != 0 && reply != 0);
    CHECK(sem_post(&test_turn) == 0);
    while (sem_wait(&root_turn) != 0) {
    }
    answered = false;
    return message;
}

struct bh_message bh_reply_recv(bh_cptr endpoint, uint64_t info,
                                const uint64_t word[BH_MESSAGE_REGISTERS], bh_cptr reply)
{
    CHECK(bh_info_length(info) == 4);
    memcpy(answer_word, word, sizeof(answer_word));
    answered = true;
    return bh_recv(endpoint, reply);
}

static void *run(void *main_function)
{
    int (*root_main)(void);
    memcpy(&root_main, main_function, sizeof(root_main));
    (void)root_main();
    CHECK(!"root returns");
    return NULL;
}

void model_run_root(int (*root_main)(void))
{
    static int (*function)(void);
    pthread_t thread;
    function = root_main;
    CHECK(sem_init(&root_turn, 0, 0) == 0 && sem_init(&test_turn, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, run, &function) == 0);
    CHECK(pthread_detach(thread) == 0);
    while (sem_wait(&test_turn) != 0) {
    }
}

bool model_send(uint64_t badge, uint64_t info, const uint64_t word[3], uint64_t answer[4])
{
    if (off) {
        fprintf(stderr, "the machine is off; root said:\n%s", log_text);
    }
    CHECK(!off);
    message = (struct bh_message){.status = BH_OK, .info = info, .badge = badge};
    memcpy(message.word, word, 3 * sizeof(word[0]));
    CHECK(sem_post(&root_turn) == 0);
    while (sem_wait(&test_turn) != 0) {
    }
    if (answered && answer != NULL) {
        memcpy(answer, answer_word, 4 * sizeof(answer[0]));
    }
    return answered;
}

/* Does not return, as with the real one. */
struct bh_result bh_machine_off(bh_cptr machine)
{
    CHECK(machine != 0);
    off = true;
    CHECK(sem_post(&test_turn) == 0);
    for (;;) {
        (void)sem_wait(&root_turn);
    }
}

struct bh_result bh_machine_reset(bh_cptr machine)
{
    return bh_machine_off(machine);
}

bool model_is_off(void)
{
    return off;
}

struct bh_result bh_notification_arm(bh_cptr notification, uint64_t deadline, uint64_t bits)
{
    CHECK(notification != 0 && bits != 0);
    armed = deadline;
    return (struct bh_result){.error = BH_OK};
}

struct bh_result bh_notification_disarm(bh_cptr notification)
{
    CHECK(notification != 0);
    armed = UINT64_MAX;
    return (struct bh_result){.error = BH_OK};
}

/* Time passes until the deadline that is armed. */
uint64_t bh_wait(bh_cptr notification, uint64_t *bits)
{
    CHECK(notification != 0 && armed != UINT64_MAX);
    if (bh_test_ticks < armed) {
        bh_test_ticks = armed;
    }
    armed = UINT64_MAX;
    *bits = 1;
    return BH_OK;
}

uint64_t model_deadline(void)
{
    return armed;
}

uint64_t bh_debug_putchar(char c)
{
    if (log_length < LOG_SIZE - 1) {
        log_text[log_length++] = c;
        log_text[log_length] = 0;
    }
    return BH_OK;
}

const char *model_log(void)
{
    return log_text;
}

void model_log_clear(void)
{
    log_length = 0;
    log_text[0] = 0;
}

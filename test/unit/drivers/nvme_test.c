/* SPDX-License-Identifier: BSD-2-Clause */
/* The NVMe driver against a model controller, healthy and otherwise. */
#include <string.h>

#include "drivers/nvme/nvme.h"
#include "drivers/nvme/queue.h"
#include "drivers/nvme/start.h"
#include "test/unit/check.h"
#include "test/unit/drivers/nvme_model.h"

#define SECOND UINT64_C(1000000)

static struct nvme_model model;
static struct nvme nvme;
static _Alignas(4096) uint8_t memory[NVME_MEMORY_FULL];
static _Alignas(4096) uint8_t data[2 * BLOCK_TRANSFER_MAX];
static uint64_t now;

static void start(void)
{
    nvme.block.operations->start(&nvme.block, now);
}

static void step(void)
{
    nvme.block.operations->step(&nvme.block, now);
}

static void open_driver(size_t memory_size)
{
    memset(memory, 0xa5, sizeof memory);
    CHECK(nvme_open(&nvme, model.registers, sizeof model.registers, false, memory, memory_size,
                    SECOND) == NULL);
}

/* Lets driver and controller take turns, and time pass as the driver asks. */
static void run(void)
{
    for (int i = 0;
         i < 100000 && (nvme.block.state == BLOCK_RESETTING || nvme.block.state == BLOCK_STARTING);
         i++) {
        if (nvme_model_work(&model, 1) == 0) {
            CHECK(nvme.block.wake_at != BLOCK_NEVER);
            now = nvme.block.wake_at > now ? nvme.block.wake_at : now;
        }
        step();
    }
}

static void bring_up(void)
{
    nvme_model_init(&model);
    now = 1000;
    open_driver(sizeof memory);
    start();
    CHECK_EQUAL(nvme.block.state, BLOCK_RESETTING);
    run();
    CHECK_EQUAL(nvme.block.state, BLOCK_READY);
}

static bool submit(enum block_operation operation, uint64_t sector, void *at, uint32_t length,
                   uint64_t token)
{
    struct block_command command = {.operation = operation,
                                    .length = length,
                                    .sector = sector,
                                    .address = (uintptr_t)at,
                                    .token = token};
    return nvme.block.operations->submit(&nvme.block, &command);
}

static bool take(uint64_t *token, enum block_result *result)
{
    return nvme.block.operations->take(&nvme.block, token, result);
}

static void kick(void)
{
    nvme.block.operations->kick(&nvme.block);
}

static void expect(uint64_t token, enum block_result result)
{
    uint64_t got;
    enum block_result got_result;
    CHECK(take(&got, &got_result));
    CHECK_EQUAL(got, token);
    CHECK_EQUAL(got_result, result);
}

static void test_start(void)
{
    bring_up();
    CHECK_EQUAL(nvme.block.sectors, MODEL_SECTORS);
    CHECK_EQUAL(nvme.block.transfer_max, 128 * 1024);
    CHECK_EQUAL(nvme.block.depth, 255);
    CHECK(strcmp(nvme.block.model, "Model controller") == 0);
    CHECK_EQUAL(nvme.block.wake_at, BLOCK_NEVER);
}

static void test_depth_follows_memory(void)
{
    nvme_model_init(&model);
    open_driver(NVME_MEMORY_MIN);
    start();
    run();
    CHECK_EQUAL(nvme.block.state, BLOCK_READY);
    CHECK_EQUAL(nvme.block.depth, (NVME_MEMORY_MIN - 8 * 4096) / NVME_PRP_LIST_BYTES);
}

static void test_transfers_of_all_shapes(void)
{
    static const uint32_t lengths[] = {512, 3584, 4096, 8192, 8704, 65536, 131072};
    static const uint32_t offsets[] = {0, 512, 3584};
    bring_up();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t j = 0; j < sizeof offsets / sizeof *offsets; j++) {
            uint8_t *out = data + offsets[j];
            uint8_t *in = data + BLOCK_TRANSFER_MAX + offsets[j];
            uint64_t token;
            enum block_result result;
            for (uint32_t k = 0; k < lengths[i]; k++) {
                out[k] = (uint8_t)(k / 512 + k + i + j);
                in[k] = 0;
            }
            in[lengths[i]] = 0x77;
            CHECK(submit(BLOCK_WRITE, 9, out, lengths[i], 1));
            kick();
            CHECK_EQUAL(nvme_model_work(&model, 9), 1);
            expect(1, BLOCK_OK);
            CHECK(submit(BLOCK_READ, 9, in, lengths[i], 2));
            kick();
            CHECK_EQUAL(nvme_model_work(&model, 9), 1);
            expect(2, BLOCK_OK);
            CHECK(!take(&token, &result));
            CHECK(memcmp(in, out, lengths[i]) == 0);
            CHECK_EQUAL(in[lengths[i]], 0x77);
        }
    }
}

static void test_largest_list(void)
{
    struct nvme_command command;
    static uint64_t list[NVME_PRP_LIST_ENTRIES];
    nvme_fill_prp(&command, 0x100200, BLOCK_TRANSFER_MAX, list);
    CHECK_EQUAL(command.prp[0], 0x100200);
    CHECK_EQUAL(list[0], 0x101000);
    CHECK_EQUAL(list[NVME_PRP_LIST_ENTRIES - 1], 0x200000);
}

static void test_queue_wraps(void)
{
    bring_up();
    uint64_t next = 0;
    uint64_t answered = 0;
    uint64_t token;
    enum block_result result;
    while (answered < 5000) {
        while (submit(BLOCK_READ, next % MODEL_SECTORS, data, 512, next)) {
            next++;
        }
        CHECK_EQUAL(next - answered, nvme.block.depth);
        kick();
        nvme_model_work(&model, 100);
        while (take(&token, &result)) {
            CHECK_EQUAL(token, answered);
            CHECK_EQUAL(result, BLOCK_OK);
            answered++;
        }
    }
    CHECK_EQUAL(nvme.block.state, BLOCK_READY);
}

static void test_status(void)
{
    bring_up();
    CHECK(submit(BLOCK_FLUSH, 0, NULL, 0, 5));
    kick();
    nvme_model_work(&model, 1);
    expect(5, BLOCK_OK);
    CHECK_EQUAL(model.flushes, 1);
    static const struct {
        uint16_t status;
        enum block_result result;
    } cases[] = {{0x280, BLOCK_ERROR},
                 {0x281, BLOCK_ERROR},
                 {0x080, BLOCK_ERROR},
                 {0x020, BLOCK_WRITE_PROTECTED},
                 {0x182, BLOCK_WRITE_PROTECTED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        model.io_status = cases[i].status;
        CHECK(submit(BLOCK_WRITE, 0, data, 512, i));
        kick();
        nvme_model_work(&model, 1);
        expect(i, cases[i].result);
    }
}

static void test_restart_forgets_commands(void)
{
    uint64_t token;
    enum block_result result;
    bring_up();
    CHECK(submit(BLOCK_READ, 0, data, 512, 1));
    kick();
    start();
    CHECK_EQUAL(nvme.block.state, BLOCK_RESETTING);
    CHECK(!submit(BLOCK_READ, 0, data, 512, 2));
    run();
    CHECK_EQUAL(nvme.block.state, BLOCK_READY);
    CHECK_EQUAL(model.enabled, 2);
    CHECK(!take(&token, &result));
    CHECK(submit(BLOCK_READ, 0, data, 512, 3));
    kick();
    nvme_model_work(&model, 1);
    expect(3, BLOCK_OK);
}

static void expect_failure(const char *error)
{
    open_driver(sizeof memory);
    start();
    run();
    CHECK_EQUAL(nvme.block.state, BLOCK_FAILED);
    if (strcmp(nvme.block.error, error) != 0) {
        fprintf(stderr, "expected \"%s\", got \"%s\"\n", error, nvme.block.error);
        abort();
    }
}

static void test_failures(void)
{
    nvme_model_init(&model);
    model.never_ready = true;
    now = 1000;
    expect_failure("the controller does not become ready");
    CHECK(now >= 1000 + 2 * SECOND && now < 1000 + 4 * SECOND); /* CAP.TO is 2 s */

    nvme_model_init(&model);
    model.ready = true;
    model.never_disabled = true;
    model.registers[NVME_CSTS] = 1;
    expect_failure("the controller can't be reset");

    nvme_model_init(&model);
    model.fatal = true;
    model.never_ready = true;
    expect_failure("the controller reports a fatal error");

    nvme_model_init(&model);
    model.silent = true;
    expect_failure("the controller does not answer an admin command");

    nvme_model_init(&model);
    model.no_namespace = true;
    expect_failure("the controller has no active namespace");

    nvme_model_init(&model);
    model.block_shift = 12;
    expect_failure("the namespace's logical blocks do not have 512 bytes, which is not supported");

    nvme_model_init(&model);
    model.metadata = 8;
    expect_failure("the namespace is formatted with metadata, which is not supported");

    nvme_model_init(&model);
    memset(model.registers, 0xff, sizeof model.registers); /* unplugged */
    expect_failure("the controller does not answer");

    nvme_model_init(&model);
    model.registers[4] = 0x2f; /* doorbells 128 KiB apart */
    expect_failure("the controller's doorbells lie outside its registers");
}

static void test_nonsense_completion(void)
{
    uint64_t token;
    enum block_result result;
    bring_up();
    nvme_model_complete(&model, 1, 17, 0); /* not in flight */
    CHECK(!take(&token, &result));
    CHECK_EQUAL(nvme.block.state, BLOCK_FAILED);
    bring_up();
    nvme_model_complete(&model, 1, 0xffff, 0); /* no such command */
    CHECK(!take(&token, &result));
    CHECK_EQUAL(nvme.block.state, BLOCK_FAILED);
}

static void test_bad_memory(void)
{
    CHECK(nvme_open(&nvme, model.registers, 0x1000, false, memory, sizeof memory, SECOND) != NULL);
    CHECK(nvme_open(&nvme, model.registers, 0x4000, false, memory, 4096, SECOND) != NULL);
    CHECK(nvme_open(&nvme, model.registers, 0x4000, false, memory + 64, sizeof memory - 64,
                    SECOND) != NULL);
}

/* 3.1.3: the host must not touch the mask of the line then. */
static void test_interrupts_by_message_leave_the_mask_alone(void)
{
    nvme_model_init(&model);
    now = 1000;
    CHECK(nvme_open(&nvme, model.registers, sizeof model.registers, true, memory, sizeof memory,
                    SECOND) == NULL);
    memset(model.registers + NVME_INTMS, 0x5a, 8);
    start();
    run();
    CHECK_EQUAL(nvme.block.state, BLOCK_READY);
    nvme_stop(&nvme, "test");
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQUAL(model.registers[NVME_INTMS + i], 0x5a);
    }
}

int main(void)
{
    test_interrupts_by_message_leave_the_mask_alone();
    test_start();
    test_depth_follows_memory();
    test_transfers_of_all_shapes();
    test_largest_list();
    test_queue_wraps();
    test_status();
    test_restart_forgets_commands();
    test_failures();
    test_nonsense_completion();
    test_bad_memory();
    return 0;
}

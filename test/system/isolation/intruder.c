/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A native domain that has been taken over. Its argument says what it tries; each attempt must end
 * in a fault that only it suffers. "capabilities" instead invokes every operation on every slot,
 * and asks root for all that it is not granted.
 */
#include <string.h>

#include <bh/syscall.h>

#include "ipc/root.h"
#include "libs/runtime/runtime.h"

#define KERNEL UINT64_C(0xffffffffc0000000)
#define UART   UINT64_C(0x09000000) /* where QEMU's virt has it, physically */
#define SLOTS  1200u
#define RET    UINT32_C(0xd65f03c0)

static const char constant[] = "constant";
static const uint32_t constant_code[] = {RET};

int main(void);

static void write_to(uint64_t address)
{
    *(volatile uint8_t *)address = 1;
}

static void execute(void *memory)
{
    void (*volatile function)(void) = (void (*)(void))(uintptr_t)memory;
    *(volatile uint32_t *)memory = RET;
    function();
}

/* Uses more and more stack; the condition, which always holds, keeps the compiler from seeing that. */
static int overflow(volatile uint8_t *before)
{
    volatile uint8_t frame[1024];
    frame[0] = before[0];
    return bh_domain() != NULL ? overflow(frame) + frame[1] : frame[0];
}

static void attempt(const char *what)
{
    static uint32_t data[4];
    uint32_t stack[4];
    if (strcmp(what, "null") == 0) {
        write_to(0);
    } else if (strcmp(what, "text") == 0) {
        write_to((uint64_t)(uintptr_t)&main);
    } else if (strcmp(what, "constants") == 0) {
        write_to((uint64_t)(uintptr_t)constant);
    } else if (strcmp(what, "page") == 0) {
        write_to(BH_DOMAIN_PAGE);
    } else if (strcmp(what, "data-code") == 0) {
        execute(data);
    } else if (strcmp(what, "stack-code") == 0) {
        execute(stack);
    } else if (strcmp(what, "constant-code") == 0) {
        ((void (*)(void))(uintptr_t)constant_code)();
    } else if (strcmp(what, "heap-end") == 0) {
        write_to(BH_DOMAIN_HEAP + bh_domain()->heap_size);
    } else if (strcmp(what, "overflow") == 0) {
        (void)overflow((volatile uint8_t *)stack);
    } else if (strcmp(what, "kernel") == 0) {
        write_to(KERNEL);
    } else if (strcmp(what, "uart") == 0) {
        write_to(UART);
    } else if (strcmp(what, "float") == 0) {
        __asm__ volatile(".inst 0x9e6703e0"); /* fmov d0, xzr */
    } else if (strcmp(what, "branch") == 0) {
        __asm__ volatile("adr x9, 1f\n\tbr x9\n1:" : : : "x9"); /* into the middle of a function */
    } else if (strcmp(what, "register") == 0) {
        __asm__ volatile("msr vbar_el1, xzr");
    }
}

/* What its own three kinds of capabilities allow, and nothing else: signalling, calling root, and
 * its own deadline. */
static bool allowed(bh_cptr slot, uint64_t operation)
{
    return slot == BH_SLOT_NOTIFICATION &&
           (operation == BH_OP_NOTIFICATION_ARM || operation == BH_OP_NOTIFICATION_DISARM);
}

static unsigned try_operations(void)
{
    unsigned successes = 0;
    for (bh_cptr slot = 0; slot < SLOTS; slot++) {
        for (uint64_t operation = 0; operation < 0xa0; operation++) {
            struct bh_result result =
                bh_invoke(slot, (enum bh_operation)operation, 1, 2, BH_RETYPE_NEXT, 1, 20, 1);
            if (result.error == BH_OK && !allowed(slot, operation)) {
                successes++;
                bh_log("operation 0x%x succeeds on slot %u", (unsigned)operation, (unsigned)slot);
            }
        }
    }
    return successes;
}

static unsigned try_requests(void)
{
    static const uint32_t requests[] = {
        BH_ROOT_DETACHED,
        BH_ROOT_GUEST_EVENT,
        BH_ROOT_MACHINE_OFF,
        BH_ROOT_MACHINE_RESET,
        BH_ROOT_GUEST_CREATE,
        BH_ROOT_GUEST_START,
        BH_ROOT_GUEST_PAUSE,
        BH_ROOT_GUEST_RESUME,
        BH_ROOT_GUEST_STOP,
        BH_ROOT_GUEST_DESTROY,
        BH_ROOT_REFRESH,
        0,
        6,
        1000,
        UINT32_MAX,
    };
    unsigned successes = 0;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        for (uint64_t word = 0; word < 4; word++) {
            if (bh_root_call(requests[i], word, UINT64_MAX, word).status == BH_ROOT_OK) {
                successes++;
                bh_log("request %u succeeds", requests[i]);
            }
        }
    }
    return successes;
}

int main(void)
{
    const struct bh_domain_page *page = bh_domain();
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
    if (strcmp(page->arguments, "capabilities") == 0) {
        bh_log("operations: %u, requests: %u", try_operations(), try_requests());
    } else {
        attempt(page->arguments);
        bh_log("%s: nothing happens", page->arguments);
    }
    for (;;) {
        uint64_t bits;
        (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
    }
}

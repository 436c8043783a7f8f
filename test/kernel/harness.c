/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor: runs the cases one after the other, reports each, and turns the machine off. */
#include "harness.h"

#include "supervise.h"

#define CASE_TIMEOUT_US UINT64_C(8000000)

/* Slots of the supervisor, from the first free one of root's CNode. */
enum { SLOT_CASE_UNTYPED, SLOT_ENDPOINT, SLOT_REPLY, SLOT_TIMER, SLOT_DONE, SLOT_FAULTS, SLOT_TABLES, SLOT_WHOLE = 8,
       SLOT_COUNT = 16 };

enum { BADGE_DONE = 1, BADGE_FAULT = 2 };

#define TIMER_BITS 1

const struct bh_boot_info *boot_info;
bh_cptr test_untyped;
bh_cptr test_tcb;
bh_cptr test_faults;

static bh_cptr supervisor_slots;
static const struct test_case *current_case;
static bool current_direct;
static uint64_t direct_context[13];
static void (*report_timeout)(void);
static char failure[384]; /* empty: none */
static uint64_t passed_count;
static uint64_t failed_count;

static bh_cptr supervisor_slot(uint64_t index)
{
    return supervisor_slots + index;
}

static void end_case(void)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    if (current_direct) {
        test_jump(direct_context);
    }
    for (;;) { /* the supervisor is above all and answers by ending this thread */
        (void)bh_call(supervisor_slot(SLOT_DONE), bh_info(0, 0), none);
    }
}

static void append_failure(const char *file, uint32_t line, const char *format, va_list arguments)
{
    if (failure[0] != '\0') {
        return;
    }
    char why[256];
    format_text(why, sizeof(why), format, arguments);
    size_t length = 0;
    for (const char *part = file; *part != '\0' && length < 80; part++) {
        failure[length++] = *part;
    }
    failure[length++] = ':';
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + line % 10);
        line /= 10;
    } while (line != 0);
    while (count > 0) {
        failure[length++] = digits[--count];
    }
    failure[length++] = ':';
    failure[length++] = ' ';
    for (const char *part = why; *part != '\0'; part++) {
        failure[length++] = *part;
    }
    failure[length] = '\0';
}

void test_fail(const char *file, uint32_t line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append_failure(file, line, format, arguments);
    va_end(arguments);
    end_case();
    __builtin_unreachable();
}

void test_equal(const char *file, uint32_t line, const char *what, uint64_t actual, uint64_t expected)
{
    if (actual != expected) {
        test_fail(file, line, "%s is %x, expected %x", what, actual, expected);
    }
}

struct bh_result test_result(const char *file, uint32_t line, const char *what, struct bh_result result,
                             uint64_t error, uint64_t argument)
{
    if (result.error != error) {
        test_fail(file, line, "%s: error %u (argument %u), expected %u (argument %u)", what, result.error,
                  result.argument, error, argument == ANY_ARGUMENT ? 0 : argument);
    }
    if (error != BH_OK && argument != ANY_ARGUMENT && result.argument != argument) {
        test_fail(file, line, "%s: error %u names argument %u, expected %u", what, error, result.argument, argument);
    }
    return result;
}

__attribute__((noreturn)) static void stop(const char *why, uint64_t error)
{
    print("FAIL harness: %s (error %u)\n", why, error);
    print("kernel-tests: %u passed, %u failed\n", passed_count, failed_count + 1);
    (void)bh_machine_off(BH_ROOT_SLOT_MACHINE);
    for (;;) {
        bh_yield();
    }
}

static void must(struct bh_result result, const char *why)
{
    if (result.error != BH_OK) {
        stop(why, result.error);
    }
}

/* --- what all cases share --- */

static const struct bh_boot_untyped *largest_untyped(void)
{
    const struct bh_boot_untyped *best = NULL;
    for (uint32_t i = 0; i < boot_info->untyped_count; i++) {
        const struct bh_boot_untyped *untyped = &boot_info->untyped[i];
        if (!untyped->device && (best == NULL || untyped->size_bits > best->size_bits)) {
            best = untyped;
        }
    }
    return best;
}

static void prepare_memory(void)
{
    const struct bh_boot_untyped *untyped = largest_untyped();
    if (untyped == NULL || untyped->size_bits < TEST_UNTYPED_BITS + 1) {
        stop("no large Untyped", 0);
    }
    supervisor_slots = boot_info->first_free_slot;
    test_untyped = supervisor_slot(SLOT_CASE_UNTYPED);
    must(bh_untyped_retype(untyped->slot, BH_TYPE_UNTYPED, TEST_UNTYPED_BITS, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE,
                           test_untyped, 1),
         "the Untyped of the cases");
    must(bh_untyped_retype(untyped->slot, BH_TYPE_PAGE_TABLE, 0, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE,
                           supervisor_slot(SLOT_TABLES), 2),
         "page tables of the window");
    for (uint64_t i = 0; i < 2; i++) {
        must(bh_page_table_map(supervisor_slot(SLOT_TABLES + i), BH_ROOT_SLOT_VSPACE, WINDOW_BASE),
             "page tables of the window");
    }
    slots_begin(supervisor_slots + SLOT_COUNT, UINT64_C(1) << boot_info->cnode_radix);
}

static void prepare_supervision(void)
{
    static const struct {
        uint64_t slot;
        enum bh_type type;
    } objects[] = {{SLOT_ENDPOINT, BH_TYPE_ENDPOINT}, {SLOT_REPLY, BH_TYPE_REPLY}, {SLOT_TIMER, BH_TYPE_NOTIFICATION}};
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        must(bh_untyped_retype(largest_untyped()->slot, objects[i].type, 0, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE,
                               supervisor_slot(objects[i].slot), 1),
             "objects of the supervisor");
    }
    must(bh_cnode_mint(BH_ROOT_SLOT_CNODE, supervisor_slot(SLOT_DONE), BH_ROOT_SLOT_CNODE,
                       supervisor_slot(SLOT_ENDPOINT), BH_RIGHTS_ALL, BADGE_DONE),
         "endpoint of the supervisor");
    must(bh_cnode_mint(BH_ROOT_SLOT_CNODE, supervisor_slot(SLOT_FAULTS), BH_ROOT_SLOT_CNODE,
                       supervisor_slot(SLOT_ENDPOINT), BH_RIGHTS_ALL, BADGE_FAULT),
         "endpoint of the supervisor");
    must(bh_tcb_bind_notification(BH_ROOT_SLOT_TCB, supervisor_slot(SLOT_TIMER)), "timer of the supervisor");
    must(bh_tcb_set_priority(BH_ROOT_SLOT_TCB, PRIORITY_SUPERVISOR, BH_PRIORITY_MAX), "priority of the supervisor");
    test_faults = supervisor_slot(SLOT_FAULTS);
}

/* --- one case --- */

static void run_direct(void)
{
    current_direct = true;
    test_tcb = BH_ROOT_SLOT_TCB;
    if (test_mark(direct_context) == 0) {
        current_case->run();
    }
    current_direct = false;
}

void test_extend(uint64_t us, void (*report)(void))
{
    report_timeout = report;
    CHECK_OK(bh_notification_arm(supervisor_slot(SLOT_TIMER), ticks_now() + ticks_from_us(us), TIMER_BITS));
}

static void worker(uint64_t argument)
{
    (void)argument;
    current_case->run();
    end_case();
}

static void setup_failure(const char *what)
{
    if (failure[0] == '\0') {
        size_t length = 0;
        while (what[length] != '\0' && length + 1 < sizeof(failure)) {
            failure[length] = what[length];
            length++;
        }
        failure[length] = '\0';
    }
}

static void describe_fault(const struct bh_message *message)
{
    if (failure[0] != '\0') {
        return;
    }
    print("fault %u: pc %x, word 1 %x, word 2 %x\n", (uint64_t)bh_info_label(message->info), message->word[0],
          message->word[1], message->word[2]);
    setup_failure("the case faulted (see the line before)");
}

static void run_supervised(void)
{
    /* A worker that cannot be made fails the case like one of its own checks. */
    current_direct = true;
    struct thread thread;
    if (test_mark(direct_context) != 0) {
        current_direct = false;
        return;
    }
    thread = thread_prepare(worker, 0, PRIORITY_CASE);
    test_tcb = thread.tcb;
    current_direct = false;

    must(bh_notification_arm(supervisor_slot(SLOT_TIMER), ticks_now() + ticks_from_us(CASE_TIMEOUT_US), TIMER_BITS),
         "timer of the supervisor");
    must(bh_tcb_resume(thread.tcb), "resume of the worker");
    struct bh_message message = bh_recv(supervisor_slot(SLOT_ENDPOINT), supervisor_slot(SLOT_REPLY));
    if (message.status != BH_OK) {
        stop("the supervisor cannot receive", message.status);
    }
    if (message.info & BH_INFO_NOTIFICATION) {
        setup_failure("the case did not end in time");
        if (report_timeout != NULL) {
            report_timeout();
        }
    } else if (message.info & BH_INFO_FAULT) {
        describe_fault(&message);
    } else if (message.badge != BADGE_DONE) {
        setup_failure("a message with a strange badge came to the supervisor");
    }
    (void)bh_notification_disarm(supervisor_slot(SLOT_TIMER));
    uint64_t bits;
    (void)bh_poll(supervisor_slot(SLOT_TIMER), &bits);
}

static void run_case(const struct test_case *test, bool direct)
{
    current_case = test;
    failure[0] = '\0';
    report_timeout = NULL;
    if (direct) {
        run_direct();
    } else {
        run_supervised();
    }
    (void)bh_tcb_set_priority(BH_ROOT_SLOT_TCB, PRIORITY_SUPERVISOR, BH_PRIORITY_MAX);
    for (int i = 0; i < 2; i++) { /* the first may start windows that were only set */
        (void)bh_sched_control_start_schedule(BH_ROOT_SLOT_SCHED_CONTROL);
    }
    struct bh_result revoked = bh_cnode_revoke(BH_ROOT_SLOT_CNODE, test_untyped);
    if (revoked.error != BH_OK) {
        setup_failure("what the case made cannot be revoked");
    }
    slots_reset();
    threads_reset();
    memory_reset();
    /* Nothing of the case is left anywhere, or its memory would not be free as a whole. */
    struct bh_result whole = bh_untyped_retype(test_untyped, BH_TYPE_UNTYPED, TEST_UNTYPED_BITS, 0, BH_ROOT_SLOT_CNODE,
                                               supervisor_slot(SLOT_WHOLE), 1);
    if (whole.error != BH_OK) {
        setup_failure("memory of the case stays in use after revocation");
    }
    (void)bh_cnode_delete(BH_ROOT_SLOT_CNODE, supervisor_slot(SLOT_WHOLE));
    if (failure[0] == '\0') {
        passed_count++;
        print("ok %s\n", test->name);
    } else {
        failed_count++;
        print("FAIL %s: %s\n", test->name, failure);
    }
}

static void run_group(const struct test_group *group)
{
    for (uint32_t i = 0; i < group->case_count; i++) {
        run_case(&group->cases[i], group->direct);
    }
}

/* Whether `text` begins with `word`, and how long that is. */
static uint64_t begins_with(const char *text, const char *word)
{
    uint64_t i = 0;
    while (word[i] != '\0' && text[i] == word[i]) {
        i++;
    }
    return word[i] == '\0' ? i : 0;
}

/* What stands behind `name` in the machine's command line; NULL: it is not there. */
static const char *find_option(const char *name)
{
    const char *tree = (const char *)boot_info->device_tree_address;
    uint64_t length = 0;
    while (name[length] != '\0') {
        length++;
    }
    for (uint64_t at = 0; at + length < boot_info->device_tree_size; at++) {
        if (begins_with(tree + at, name) != 0) {
            return tree + at + length;
        }
    }
    return NULL;
}

uint64_t test_option(const char *name, uint64_t otherwise)
{
    const char *text = find_option(name);
    if (text == NULL) {
        return otherwise;
    }
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
    }
    return number;
}

/* All groups, or those that the machine's command line names: tests.groups=NAME,NAME... */
static bool is_chosen(const struct test_group *group)
{
    const char *text = find_option("tests.groups=");
    bool chosen = text == NULL;
    while (text != NULL && !chosen) {
        uint64_t length = begins_with(text, group->name);
        chosen = length != 0 && (text[length] == ',' || text[length] == '\0');
        while (*text != ',' && *text != '\0') {
            text++;
        }
        text = *text == ',' ? text + 1 : NULL;
    }
    return chosen;
}

__attribute__((noreturn)) void test_main(uint64_t x0)
{
    uint64_t buffer = BH_ROOT_IPC_BUFFER;
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(buffer));
    boot_info = (const struct bh_boot_info *)BH_ROOT_BOOT_INFO;
    if (x0 != BH_ROOT_BOOT_INFO || boot_info->magic != BH_BOOT_INFO_MAGIC) {
        stop("no boot information at x0", x0);
    }
    prepare_memory();
    bool supervised = false;
    for (size_t i = 0; i < test_group_count; i++) {
        if (!is_chosen(test_groups[i])) {
            continue;
        }
        if (!test_groups[i]->direct && !supervised) {
            prepare_supervision();
            supervised = true;
        }
        run_group(test_groups[i]);
    }
    print("kernel-tests: %u passed, %u failed\n", passed_count, failed_count);
    (void)bh_machine_off(BH_ROOT_SLOT_MACHINE);
    stop("the machine is still on", 0);
}

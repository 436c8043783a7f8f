/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root: the first domain. It builds all others from the system description, answers their requests,
 * supervises them, and builds guests. It never waits for any of them.
 */
#include <bh/syscall.h>
#include <string.h>

#include "domains/root/boot.h"
#include "domains/root/device.h"
#include "domains/root/fault.h"
#include "domains/root/guest.h"
#include "domains/root/guest_table.h"
#include "domains/root/log.h"
#include "domains/root/machine_off.h"
#include "domains/root/relay.h"
#include "domains/root/request.h"
#include "domains/root/root.h"
#include "domains/root/trace.h"
#include "libs/runtime/runtime.h"
#include "libs/runtime/start.h"

#define PAUSE_US UINT64_C(4000)

struct root root;

static struct bh_domain_page own_page;

uint64_t root_ticks_from_us(uint64_t us)
{
    /* bh_ticks_from_us rounds up and saturates. */
    return bh_ticks_from_us(us);
}

void root_fail(const char *reason)
{
    log_line("%s", reason);
    log_event("exit 1");
    (void)bh_machine_off(BH_ROOT_SLOT_MACHINE);
    for (;;) {
        (void)bh_tcb_suspend(BH_ROOT_SLOT_TCB);
    }
}

static void report(void *context, const char *node, const char *property, const char *reason,
                   const char *subject)
{
    (void)context;
    log_line("system description: %s%s%s: %s%s%s", node, property[0] != 0 ? ": " : "", property,
             reason, subject[0] != 0 ? " " : "", subject);
}

static bool program_exists(void *context, const char *name)
{
    struct bundle_file file;
    return bundle_find(context, name, &file);
}

static void read_bundle(void)
{
    const struct bh_boot_info *boot = root.boot;
    root.bundle =
        (struct bundle){.data = (const uint8_t *)boot->bundle_address, .size = boot->bundle_size};
    enum bundle_status status = bundle_check(&root.bundle);
    if (status != BUNDLE_END) {
        log_line("the bundle is %s; files before that place are used", bundle_status_text(status));
    }
    struct bundle_file file;
    if (!bundle_find(&root.bundle, "system.dtb", &file)) {
        root_fail("the bundle has no system.dtb");
    }
    struct description_programs programs = {program_exists, &root.bundle};
    struct description_report reporting = {report, NULL};
    if (!description_read(file.data, file.size, &root.description, &programs, &reporting)) {
        root_fail("there is no usable system description");
    }
}

/* Root's own objects, and its entry among the domains. */
static void make_own_objects(void)
{
    arena_init(&root.arena);
    root.space = (struct space){.cap = BH_ROOT_SLOT_VSPACE, .tables = &root.arena};
    root.endpoint = arena_make(&root.arena, BH_TYPE_ENDPOINT, 0, 1);
    root.reply = arena_make(&root.arena, BH_TYPE_REPLY, 0, 1);
    root.notification = arena_make(&root.arena, BH_TYPE_NOTIFICATION, 0, 1);
    if (root.endpoint == 0 || root.reply == 0 || root.notification == 0 ||
        bh_tcb_bind_notification(BH_ROOT_SLOT_TCB, root.notification).error != BH_OK) {
        root_fail("no memory for root's own objects");
    }
    struct domain *self = domain_allocate(0, "root");
    self->state = DOMAIN_READY;
    self->space = root.space;
    self->cnode = BH_ROOT_SLOT_CNODE;
    self->thread[0] = (struct domain_thread){.tcb = BH_ROOT_SLOT_TCB};
    self->notification = root.notification;
    self->page = &own_page;
    self->page_capacity = BH_DOMAIN_RESOURCE_MAX;
}

/* Sleeps for a moment. Whatever else signals root is looked at in time: deadlines are armed anew
 * before root waits for messages, and what the console server has taken is made up for here. */
static void pause_root(void)
{
    uint64_t bits;
    (void)bh_notification_arm(root.notification, bh_ticks() + root_ticks_from_us(PAUSE_US),
                              ROOT_SIGNAL_TIMER);
    (void)bh_wait(root.notification, &bits);
    log_flush();
}

static void arm_timer(void)
{
    uint64_t deadline = boot_deadline();
    uint64_t guests = guests_deadline();
    uint64_t off = machine_off_deadline();
    deadline = guests < deadline ? guests : deadline;
    deadline = off < deadline ? off : deadline;
    if (deadline != UINT64_MAX) {
        (void)bh_notification_arm(root.notification, deadline, ROOT_SIGNAL_TIMER);
    } else {
        (void)bh_notification_disarm(root.notification);
    }
}

/* Deals with one message; whether `answer` is to be sent. */
static bool handle(const struct bh_message *message, uint64_t answer[BH_MESSAGE_REGISTERS])
{
    if (message->status != BH_OK) {
        return false;
    }
    if ((message->info & BH_INFO_NOTIFICATION) != 0) {
        log_flush();
        uint64_t now = bh_ticks();
        guests_step(now);
        boot_step(now);
        machine_off_step(now);
        return false;
    }
    struct domain *domain = domain_get(message->badge & BADGE_DOMAIN);
    if (domain == NULL) {
        return false;
    }
    if ((message->info & BH_INFO_FAULT) != 0) {
        fault_handle(domain, message);
        return false;
    }
    return request_handle(domain, message, answer);
}

/* Looks at the relays, not at the signal: it may have come while root paused. A signal that comes after
 * this wakes root. */
static void serve_relays(void)
{
    const struct bh_message *message;
    while ((message = relay_next()) != NULL) {
        uint64_t answer[BH_MESSAGE_REGISTERS] = {0};
        bool answering = handle(message, answer);
        arm_timer();
        relay_done(answering ? answer : NULL);
    }
}

static _Noreturn void serve(void)
{
    uint64_t answer[BH_MESSAGE_REGISTERS] = {0};
    bool answering = false;
    for (;;) {
        arm_timer();
        serve_relays();
        struct bh_message message =
            answering ? bh_reply_recv(root.endpoint, bh_info(0, 4), answer, root.reply)
                      : bh_recv(root.endpoint, root.reply);
        memset(answer, 0, sizeof(answer));
        answering = handle(&message, answer);
    }
}

int main(void)
{
    root.boot = bh_boot_info();
    memory_init(root.boot);
    make_own_objects();
    memory_set_pause(pause_root);
    log_line("%llu MiB of memory, %llu MiB free; %u cores, %s SMMU",
             (unsigned long long)(root.boot->memory_size >> 20),
             (unsigned long long)(memory_free_bytes() >> 20), root.boot->core_count,
             root.boot->has_smmu != 0 ? "an" : "no");
    read_bundle();
    log_line("system: %s", root.description.model);
    if (!trace_init()) {
        root_fail("no memory for the names of threads");
    }
    trace_name(domain_get(0), BH_ROOT_SLOT_TCB);
    if (!relays_create()) {
        root_fail("no memory to serve other cores");
    }
    if (!guest_table_init()) {
        root_fail("no memory for the table of guests");
    }
    guests_init();
    devices_init();
    boot_begin();
    serve();
}

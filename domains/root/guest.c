/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/guest.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/guest_config.h"
#include "domains/root/guest_table.h"
#include "domains/root/link.h"
#include "domains/root/log.h"
#include "domains/root/root.h"
#include "domains/root/share.h"
#include "domains/root/volumes.h"
#include "ipc/image_error.h"
#include "libs/runtime/format.h"
#include "libs/runtime/runtime.h"

#define DETACH_US     UINT64_C(2000000)
#define CRASH_LOOP_US UINT64_C(10000000)
#define REASON_MAX    sizeof(((struct bh_guest_info *)NULL)->reason)

static struct guest guests[BH_GUESTS_MAX];

static uint32_t index_of(const struct guest *guest)
{
    return (uint32_t)(guest - guests);
}

static const char *name_of(const struct guest *guest)
{
    return guest->info.config.name;
}

static void publish(struct guest *guest)
{
    guest_table_write(index_of(guest), &guest->info);
}

static void set_reason(struct guest *guest, const char *reason)
{
    (void)bh_format(guest->info.reason, sizeof(guest->info.reason), "%s", reason);
}

/* Ports without an address of the owner's choice get one of this guest's place in the table. */
static void choose_addresses(struct guest *guest)
{
    static const uint8_t none[6];
    struct bh_guest_config *config = &guest->info.config;
    for (uint32_t i = 0; i < config->net_count; i++) {
        const uint8_t chosen[6] = {0x52, 0x42, 0x48, 1, (uint8_t)index_of(guest), (uint8_t)i};
        if (memcmp(config->net[i].mac, none, sizeof(none)) == 0) {
            memcpy(config->net[i].mac, chosen, sizeof(chosen));
        }
    }
}

void guests_init(void)
{
    const struct description *description = &root.description;
    uint32_t count = 0;
    for (uint32_t i = 0; i < description->guest_count; i++) {
        const struct guest_description *from = &description->guest[i];
        if (from->present) {
            struct guest *guest = &guests[count++];
            *guest = (struct guest){.used = true,
                                    .described = true,
                                    .settings = from->settings,
                                    .deadline = UINT64_MAX,
                                    .exit_status = -1};
            guest->info.config = from->config;
            choose_addresses(guest);
            guest->info.state = BH_GUEST_OFF;
            publish(guest);
        }
    }
}

struct guest *guest_at(uint32_t index)
{
    return index < BH_GUESTS_MAX && guests[index].used ? &guests[index] : NULL;
}

struct guest *guest_find(const char *name)
{
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        if (guests[i].used && strcmp(name_of(&guests[i]), name) == 0) {
            return &guests[i];
        }
    }
    return NULL;
}

struct guest *guest_of(const struct domain *vmm)
{
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        if (guests[i].used && guests[i].vmm == vmm) {
            return &guests[i];
        }
    }
    return NULL;
}

/* Whether all that the guest names exists; if not, `reason` says what does not. */
static enum bh_root_status check_names(const struct bh_guest_config *config,
                                       char reason[REASON_MAX])
{
    struct volume_use use[BH_GUEST_DISKS_MAX + 2];
    uint32_t count = guest_volumes(&root.description, config, use);
    if (guest_volumes_conflict(use, count)) {
        (void)bh_format(reason, REASON_MAX, "it has a volume twice, and writes it");
        return BH_ROOT_BAD_REQUEST;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bh_volume volume;
        if (!volume_find(use[i].name, &volume)) {
            (void)bh_format(reason, REASON_MAX, "there is no volume \"%s\"", use[i].name);
            return BH_ROOT_NO_SUCH_VOLUME;
        }
    }
    for (uint32_t i = 0; i < config->net_count; i++) {
        if (description_network(&root.description, config->net[i].network) == NULL) {
            (void)bh_format(reason, REASON_MAX, "there is no network \"%s\"",
                            config->net[i].network);
            return BH_ROOT_NO_SUCH_NETWORK;
        }
    }
    return BH_ROOT_OK;
}

enum bh_root_status guest_create(const struct bh_guest_config *config, uint32_t *index)
{
    const char *reason = guest_config_check(config);
    if (reason != NULL) {
        log_line("a guest was refused: %s", reason);
        return BH_ROOT_BAD_REQUEST;
    }
    if (domain_find(config->name) != NULL || guest_find(config->name) != NULL) {
        return BH_ROOT_EXISTS;
    }
    struct quota_use use = {0};
    uint32_t place = BH_GUESTS_MAX;
    for (uint32_t i = BH_GUESTS_MAX; i-- > 0;) {
        if (!guests[i].used) {
            place = i;
        } else if (!guests[i].described) {
            use.guests++;
            use.memory += guests[i].info.config.memory;
        }
    }
    reason = guest_quota_check(&root.description, &use, config);
    if (reason != NULL) {
        log_line("guest %s was refused: %s", config->name, reason);
        return BH_ROOT_DENIED;
    }
    if (place == BH_GUESTS_MAX) {
        return BH_ROOT_FULL;
    }
    char missing[REASON_MAX] = "";
    enum bh_root_status status = check_names(config, missing);
    if (status != BH_ROOT_OK) {
        return status;
    }
    struct guest *guest = &guests[place];
    *guest = (struct guest){.used = true,
                            .settings = root.description.guest_defaults,
                            .deadline = UINT64_MAX,
                            .exit_status = -1};
    guest->info.config = *config;
    choose_addresses(guest);
    guest->info.state = BH_GUEST_OFF;
    publish(guest);
    *index = place;
    return BH_ROOT_OK;
}

/* Whether somebody has one of the guest's volumes open in a way that excludes it. */
static bool volumes_busy(const struct guest *guest)
{
    const struct description *description = &root.description;
    struct volume_use mine[BH_GUEST_DISKS_MAX + 2];
    uint32_t count = guest_volumes(description, &guest->info.config, mine);
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        struct volume_use theirs[BH_GUEST_DISKS_MAX + 2];
        const struct guest *other = &guests[i];
        if (!other->used || other == guest || other->vmm == NULL) {
            continue;
        }
        uint32_t other_count = guest_volumes(description, &other->info.config, theirs);
        for (uint32_t j = 0; j < count * other_count; j++) {
            if (volume_uses_conflict(&mine[j % count], &theirs[j / count])) {
                return true;
            }
        }
    }
    for (uint32_t i = 0; i < description->channel_count; i++) {
        const struct channel_description *channel = &description->channel[i];
        if (!channel->present || channel->protocol != BH_PROTOCOL_BLOCK) {
            continue;
        }
        struct volume_use theirs = {.read_only = channel->read_only};
        theirs.name = volume_resolve(description, channel->volume, &theirs.read_only);
        for (uint32_t j = 0; j < count; j++) {
            if (volume_uses_conflict(&mine[j], &theirs)) {
                return true;
            }
        }
    }
    return false;
}

static void update_figures(struct guest *guest)
{
    const struct domain *vmm = guest->vmm;
    guest->info.overhead_bytes = 0;
    if (vmm != NULL) {
        guest->info.cpu_ticks = domain_ticks(vmm);
        guest->info.overhead_bytes = vmm->arena.bytes - guest->info.config.memory;
    }
}

/* Starts it without anybody having asked just now: if that fails, a guest that ends with the
 * machine has crashed. */
static void start_by_itself(struct guest *guest)
{
    if (guest_start(guest) != BH_ROOT_OK && guest->settings.exit_with_machine) {
        root_exit(1);
    }
}

/* All holders have let go, or had time enough: takes everything back. */
static void finish_stop(struct guest *guest)
{
    links_remove(guest->vmm);
    domain_destroy(guest->vmm);
    guest->vmm = NULL;
    guest->deadline = UINT64_MAX;
    guest->info.state = guest->final_state;
    update_figures(guest);
    publish(guest);
    bool restart = guest->restart;
    guest->restart = false;
    if (guest->forget) {
        *guest = (struct guest){.used = false};
        publish(guest);
    } else if (guest->exit_status >= 0) {
        root_exit((unsigned)guest->exit_status);
    } else if (restart) {
        start_by_itself(guest);
    }
}

/* The end of a guest that the machine ends with is told on every console. */
static void tell_end(const struct guest *guest, const char *what, const char *reason)
{
    if (guest->settings.exit_with_machine) {
        log_event("guest %s%s: %s", name_of(guest), what, reason);
    } else {
        log_line("guest %s%s: %s", name_of(guest), what, reason);
    }
}

static void begin_stop(struct guest *guest, enum bh_guest_state final_state, const char *reason)
{
    struct domain *vmm = guest->vmm;
    domain_suspend(vmm);
    update_figures(guest);
    vmm->state = DOMAIN_FAULTED; /* it hears of nothing any more */
    guest->final_state = final_state;
    guest->info.state = BH_GUEST_STOPPING;
    set_reason(guest, reason);
    tell_end(guest, "", reason);
    links_detach(vmm);
    if (links_outstanding(vmm) == 0) {
        finish_stop(guest);
        return;
    }
    guest->deadline = bh_ticks() + root_ticks_from_us(DETACH_US);
    publish(guest);
}

static void tell_placement(const struct guest *guest)
{
    const struct domain *vmm = guest->vmm;
    char cores[4 * DOMAIN_THREADS_MAX] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < vmm->thread_count; i++) {
        length += bh_format(cores + length, sizeof(cores) - length, " %u", vmm->thread[i].core);
    }
    if (root.boot->core_count > 1) {
        log_line("guest %s: virtual processors on cores%s", name_of(guest), cores);
    }
}

enum bh_root_status guest_start(struct guest *guest)
{
    if (guest->vmm != NULL || guest->info.state == BH_GUEST_STOPPING) {
        return BH_ROOT_WRONG_STATE;
    }
    char missing[REASON_MAX] = "";
    enum bh_root_status status = check_names(&guest->info.config, missing);
    const char *reason = missing;
    if (status == BH_ROOT_OK && volumes_busy(guest)) {
        status = BH_ROOT_VOLUME_BUSY;
        reason = "a volume is in use by another guest";
    }
    if (status == BH_ROOT_OK) {
        reason = guest_build(guest, &status);
    }
    if (status != BH_ROOT_OK) {
        tell_end(guest, " can't start", reason);
        guest->exit_status = -1;
        if (guest->vmm != NULL) {
            begin_stop(guest, BH_GUEST_OFF, reason);
        } else {
            set_reason(guest, reason);
            guest->info.state = BH_GUEST_OFF;
            publish(guest);
        }
        return status;
    }
    guest->started_at = bh_ticks();
    guest->info.state = BH_GUEST_STARTING;
    guest->info.starts++;
    guest->info.last_event = 0;
    guest->info.event_code = 0;
    set_reason(guest, "");
    tell_placement(guest);
    domain_start(guest->vmm);
    share_connect(guest->vmm);
    update_figures(guest);
    publish(guest);
    return BH_ROOT_OK;
}

enum bh_root_status guest_pause(struct guest *guest)
{
    if (guest->info.state != BH_GUEST_RUNNING) {
        return BH_ROOT_WRONG_STATE;
    }
    domain_suspend(guest->vmm);
    guest->info.state = BH_GUEST_PAUSED;
    publish(guest);
    return BH_ROOT_OK;
}

enum bh_root_status guest_resume(struct guest *guest)
{
    if (guest->info.state != BH_GUEST_PAUSED) {
        return BH_ROOT_WRONG_STATE;
    }
    domain_resume(guest->vmm);
    guest->info.state = BH_GUEST_RUNNING;
    publish(guest);
    return BH_ROOT_OK;
}

enum bh_root_status guest_stop(struct guest *guest, const char *reason)
{
    if (guest->vmm == NULL) {
        return BH_ROOT_WRONG_STATE;
    }
    guest->restart = false;
    if (guest->info.state != BH_GUEST_STOPPING) {
        guest->exit_status = -1;
        begin_stop(guest, BH_GUEST_OFF, reason);
    }
    return BH_ROOT_OK;
}

enum bh_root_status guest_destroy(struct guest *guest)
{
    if (guest->described) {
        return BH_ROOT_DENIED;
    }
    if (guest->vmm == NULL) {
        *guest = (struct guest){.used = false};
        publish(guest);
        return BH_ROOT_OK;
    }
    guest->forget = true;
    return guest_stop(guest, "destroyed");
}

/* After a crash: start again if that is wanted and promises anything. */
static void crash(struct guest *guest, const char *reason, bool may_restart)
{
    bool early = bh_ticks() - guest->started_at < root_ticks_from_us(CRASH_LOOP_US);
    guest->restart = may_restart && !early && guest->settings.on_crash == POLICY_RESTART;
    guest->exit_status = guest->settings.exit_with_machine && !guest->restart ? 1 : -1;
    begin_stop(guest, BH_GUEST_CRASHED, reason);
}

static void reset(struct guest *guest)
{
    guest->restart = guest->settings.on_reset == POLICY_RESTART;
    guest->exit_status = guest->settings.exit_with_machine && !guest->restart ? 0 : -1;
    begin_stop(guest, BH_GUEST_OFF, guest->restart ? "resets" : "stopped instead of a reset");
}

enum bh_root_status guest_event(struct guest *guest, uint64_t event, uint64_t code)
{
    char reason[sizeof(guest->info.reason)];
    if (event < BH_GUEST_EVENT_RUNNING || event > BH_GUEST_EVENT_BAD_IMAGE) {
        return BH_ROOT_BAD_REQUEST;
    }
    if (guest->info.state != BH_GUEST_STARTING && guest->info.state != BH_GUEST_RUNNING) {
        return BH_ROOT_WRONG_STATE;
    }
    guest->info.last_event = (uint32_t)event;
    guest->info.event_code = (uint32_t)code;
    switch (event) {
    case BH_GUEST_EVENT_RUNNING:
        guest->info.state = BH_GUEST_RUNNING;
        log_line("guest %s: running at %lu ms, %lu KiB beyond its memory", name_of(guest),
                 bh_us_from_ticks(bh_ticks()) / 1000, guest->info.overhead_bytes / 1024);
        publish(guest);
        break;
    case BH_GUEST_EVENT_OFF:
        guest->exit_status = guest->settings.exit_with_machine ? 0 : -1;
        begin_stop(guest, BH_GUEST_OFF, "powered off");
        break;
    case BH_GUEST_EVENT_RESET:
        reset(guest);
        break;
    case BH_GUEST_EVENT_CRASHED:
        (void)bh_format(reason, sizeof(reason), "crashed (code 0x%x)", (unsigned)code);
        crash(guest, reason, true);
        break;
    default:
        (void)bh_format(
            reason, sizeof(reason), "kernel %s",
            image_error_text(code < IMAGE_ERRORS ? (enum image_error)code : IMAGE_ERRORS));
        crash(guest, reason, false);
        break;
    }
    return BH_ROOT_OK;
}

void guest_faulted(struct guest *guest, const char *reason)
{
    if (guest->info.state != BH_GUEST_STOPPING) {
        crash(guest, reason, true);
    }
}

void guests_step(uint64_t now)
{
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        struct guest *guest = &guests[i];
        if (guest->used && guest->info.state == BH_GUEST_STOPPING &&
            (now >= guest->deadline || links_outstanding(guest->vmm) == 0)) {
            finish_stop(guest);
        }
    }
}

uint64_t guests_deadline(void)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        if (guests[i].used && guests[i].deadline < deadline) {
            deadline = guests[i].deadline;
        }
    }
    return deadline;
}

bool guests_stopping(void)
{
    return guests_deadline() != UINT64_MAX;
}

void guests_refresh(void)
{
    guest_table_refresh();
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        if (guests[i].used) {
            update_figures(&guests[i]);
            publish(&guests[i]);
        }
    }
}

void guests_autostart(void)
{
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        if (guests[i].used && guests[i].info.config.autostart != 0 && guests[i].vmm == NULL) {
            start_by_itself(&guests[i]);
        }
    }
}

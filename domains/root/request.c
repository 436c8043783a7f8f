/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/request.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/boot.h"
#include "domains/root/guest.h"
#include "domains/root/link.h"
#include "domains/root/log.h"
#include "domains/root/root.h"
#include "libs/runtime/runtime.h"

/* The manager's request region, as root sees it; NULL: nobody manages guests. */
static const volatile struct bh_root_request_page *request_page;

const char *request_page_make(struct domain *domain)
{
    struct region region;
    uint64_t window = domain_window(domain) + DOMAIN_WINDOW_OWN;
    if (domain_region_add(domain, &region, "request", "", sizeof(struct bh_root_request_page), 0) ==
            0 ||
        !region_map(&region, &root.space, window, BH_RIGHT_READ)) {
        return "no memory for its request page";
    }
    request_page = (const volatile struct bh_root_request_page *)window;
    return NULL;
}

/* One copy, so that what is checked is what is used. */
static void copy_request(struct bh_guest_config *config)
{
    const volatile uint8_t *from = (const volatile uint8_t *)&request_page->guest;
    for (size_t i = 0; i < sizeof(*config); i++) {
        ((uint8_t *)config)[i] = from[i];
    }
}

static enum bh_root_status manage(uint64_t request, uint64_t answer[BH_MESSAGE_REGISTERS])
{
    static struct bh_guest_config config;
    if (request == BH_ROOT_REFRESH) {
        guests_refresh();
        return BH_ROOT_OK;
    }
    copy_request(&config);
    if (request == BH_ROOT_GUEST_CREATE) {
        uint32_t index = 0;
        enum bh_root_status status = guest_create(&config, &index);
        answer[1] = index;
        return status;
    }
    if (strnlen(config.name, BH_NAME_MAX) == BH_NAME_MAX) {
        return BH_ROOT_BAD_REQUEST;
    }
    struct guest *guest = guest_find(config.name);
    if (guest == NULL) {
        return BH_ROOT_NO_SUCH_GUEST;
    }
    switch (request) {
    case BH_ROOT_GUEST_START:
        return guest_start(guest);
    case BH_ROOT_GUEST_PAUSE:
        return guest_pause(guest);
    case BH_ROOT_GUEST_RESUME:
        return guest_resume(guest);
    case BH_ROOT_GUEST_STOP:
        return guest_stop(guest, "stopped");
    case BH_ROOT_GUEST_DESTROY:
        return guest_destroy(guest);
    default:
        return BH_ROOT_BAD_REQUEST;
    }
}

static bool may(const struct domain *domain, uint32_t right)
{
    return domain->description != NULL && (domain->description->may & right) != 0;
}

static enum bh_root_status ready(struct domain *domain)
{
    if (domain->state != DOMAIN_STARTING) {
        return BH_ROOT_WRONG_STATE;
    }
    domain->state = DOMAIN_READY;
    domain->deadline = UINT64_MAX;
    if (!domain->is_vmm) {
        log_line("domain %s: ready", domain->name);
    }
    return BH_ROOT_OK;
}

static enum bh_root_status handle(struct domain *domain, uint64_t request, const uint64_t word[2],
                                  uint64_t answer[BH_MESSAGE_REGISTERS])
{
    switch (request) {
    case BH_ROOT_DETACHED:
        return link_released(domain, word[0]) ? BH_ROOT_OK : BH_ROOT_BAD_REQUEST;
    case BH_ROOT_READY:
        return ready(domain);
    case BH_ROOT_GUEST_EVENT: {
        struct guest *guest = domain->is_vmm ? guest_of(domain) : NULL;
        return guest == NULL ? BH_ROOT_DENIED : guest_event(guest, word[0], word[1]);
    }
    case BH_ROOT_MACHINE_OFF:
        if (!may(domain, MAY_MACHINE_OFF)) {
            return BH_ROOT_DENIED;
        }
        root_exit((unsigned)(word[0] & 0xff));
        return BH_ROOT_OK;
    case BH_ROOT_MACHINE_RESET:
        if (!may(domain, MAY_MACHINE_RESET)) {
            return BH_ROOT_DENIED;
        }
        log_event("reset");
        (void)bh_machine_reset(BH_ROOT_SLOT_MACHINE);
        return BH_ROOT_WRONG_STATE;
    case BH_ROOT_GUEST_CREATE:
    case BH_ROOT_GUEST_START:
    case BH_ROOT_GUEST_PAUSE:
    case BH_ROOT_GUEST_RESUME:
    case BH_ROOT_GUEST_STOP:
    case BH_ROOT_GUEST_DESTROY:
    case BH_ROOT_REFRESH:
        return may(domain, MAY_MANAGE_GUESTS) ? manage(request, answer) : BH_ROOT_DENIED;
    default:
        return BH_ROOT_BAD_REQUEST;
    }
}

bool request_handle(struct domain *domain, const struct bh_message *message,
                    uint64_t answer[BH_MESSAGE_REGISTERS])
{
    /* Words beyond the message's length are not the sender's. */
    uint64_t word[2] = {0, 0};
    uint64_t length = bh_info_length(message->info);
    for (uint64_t i = 0; i < length && i < 2; i++) {
        word[i] = message->word[i];
    }
    answer[0] = handle(domain, bh_info_label(message->info), word, answer);
    uint64_t now = bh_ticks();
    guests_step(now);
    boot_step(now);
    return domain->state == DOMAIN_STARTING || domain->state == DOMAIN_READY;
}

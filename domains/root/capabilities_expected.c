/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a domain must hold, from the description alone: neither domain pages nor the tables of
 * channels and links by which root built the domain are looked at. Only what the description can't
 * know comes from elsewhere: which domains and guests run, which volumes exist, and which
 * interrupts the machine wired to a device.
 */
#include <bh/object.h>
#include <string.h>

#include "domains/root/capabilities.h"
#include "domains/root/device.h"
#include "domains/root/guest.h"
#include "domains/root/guest_config.h"
#include "domains/root/relay.h"
#include "domains/root/root.h"
#include "domains/root/volumes.h"
#include "libs/runtime/format.h"

struct list {
    const struct domain *domain; /* whose capabilities are listed */
    struct capability_expected *entry;
    uint32_t count;
};

static struct capability_expected *add(struct list *list, uint64_t type, uint64_t rights,
                                       uint64_t value, uint64_t object)
{
    if (list->count == EXPECTED_MAX) {
        list->count--; /* so many are a difference already */
    }
    struct capability_expected *entry = &list->entry[list->count++];
    *entry = (struct capability_expected){.capability = {type, rights, value, object}};
    return entry;
}

static uint64_t object_of(bh_cptr slot)
{
    return capability_read(BH_ROOT_SLOT_CNODE, slot).object;
}

static const struct domain *server_of(uint32_t protocol)
{
    const struct domain_description *server = description_server(
        &root.description,
        protocol == BH_PROTOCOL_CONSOLE_INPUT ? (uint32_t)BH_PROTOCOL_CONSOLE : protocol);
    const struct domain *domain = server == NULL ? NULL : domain_find(server->name);
    return domain_is_whole(domain) ? domain : NULL;
}

/* A channel exists between `client` and the server of `protocol`: lists it if the domain is either
 * of them. */
static void channel(struct list *list, const struct domain *client, uint32_t protocol,
                    const char *name)
{
    const struct domain *server = server_of(protocol);
    if (server == NULL || !domain_is_whole(client)) {
        return;
    }
    if (list->domain == client) {
        struct capability_expected *entry =
            add(list, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, 0, object_of(server->notification));
        entry->any_bit = true;
        (void)bh_format(entry->what, sizeof(entry->what), "client:%s:%s", name, server->name);
    } else if (list->domain == server) {
        struct capability_expected *entry =
            add(list, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, 0, object_of(client->notification));
        entry->any_bit = true;
        (void)bh_format(entry->what, sizeof(entry->what), "server:%s:%s", client->name, name);
    }
}

static bool volume_exists(const char *name)
{
    bool read_only;
    struct bh_volume volume;
    return volume_find(volume_resolve(&root.description, name, &read_only), &volume);
}

static void described_channels(struct list *list)
{
    const struct description *description = &root.description;
    if (description->root_log) {
        channel(list, domain_get(0), BH_PROTOCOL_CONSOLE, "log");
    }
    for (uint32_t i = 0; i < description->domain_count; i++) {
        const struct domain_description *client = &description->domain[i];
        if (client->present && client->log) {
            channel(list, domain_find(client->name), BH_PROTOCOL_CONSOLE, "log");
        }
    }
    for (uint32_t i = 0; i < description->channel_count; i++) {
        const struct channel_description *from = &description->channel[i];
        if (from->present && (from->protocol != BH_PROTOCOL_BLOCK || volume_exists(from->volume))) {
            channel(list, domain_find(from->client), from->protocol, from->as);
        }
    }
}

static void guest_channels(struct list *list, const struct guest *guest)
{
    const struct bh_guest_config *config = &guest->info.config;
    const struct domain *vmm = guest->vmm;
    channel(list, vmm, BH_PROTOCOL_BLOCK, "kernel");
    if (config->initrd_volume[0] != 0) {
        channel(list, vmm, BH_PROTOCOL_BLOCK, "initrd");
    }
    for (uint32_t i = 0; i < config->disk_count; i++) {
        char name[] = {'d', 'i', 's', 'k', (char)('0' + i), 0};
        channel(list, vmm, BH_PROTOCOL_BLOCK, name);
    }
    for (uint32_t i = 0; i < config->net_count; i++) {
        char name[] = {'n', 'e', 't', (char)('0' + i), 0};
        channel(list, vmm, BH_PROTOCOL_NET, name);
    }
    channel(list, vmm, BH_PROTOCOL_CONSOLE, "console");
    channel(list, vmm, BH_PROTOCOL_CONSOLE, "log");
}

static void doorbells(struct list *list, const struct bh_guest_config *config)
{
    for (uint32_t i = 0; i < config->disk_count + config->net_count; i++) {
        bool disk = i < config->disk_count;
        struct capability_expected *entry = add(list, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, 0,
                                                object_of(list->domain->notification));
        entry->any_bit = true;
        (void)bh_format(entry->what, sizeof(entry->what), "doorbell:%s%u", disk ? "disk" : "net",
                        disk ? i : i - config->disk_count);
    }
}

/* Of the notifications by which vCPUs' threads stop and wait for each other: each thread's bound one to
 * kick it, and one to wait for, which nobody else has. */
static void notifications(struct list *list, const struct domain_thread *thread, uint32_t index)
{
    const uint64_t own = BH_RIGHT_READ | BH_RIGHT_WRITE;
    struct capability_expected *entry =
        add(list, BH_TYPE_NOTIFICATION, index == 0 ? BH_RIGHT_WRITE : own, BH_SIGNAL_KICK,
            object_of(thread->notification));
    (void)bh_format(entry->what, sizeof(entry->what), "kick:%u", index);
    entry = add(list, BH_TYPE_NOTIFICATION, own, 0, object_of(thread->park));
    (void)bh_format(entry->what, sizeof(entry->what), "park:%u", index);
}

static void virtual_processors(struct list *list, const struct domain *vmm,
                               const struct bh_guest_config *config)
{
    for (uint32_t i = 0; i < config->vcpu_count; i++) {
        const struct domain_thread *thread = &vmm->thread[i];
        struct capability_expected *entry =
            add(list, BH_TYPE_VCPU, BH_RIGHTS_ALL, 0, object_of(thread->vcpu));
        (void)bh_format(entry->what, sizeof(entry->what), "vcpu:%u", i);
        if (config->vcpu_count > 1) {
            notifications(list, thread, i);
        }
    }
    struct capability_expected *entry =
        add(list, BH_TYPE_GUEST_SPACE, BH_RIGHTS_ALL, 0, object_of(vmm->guest_space));
    strcpy(entry->what, "guest-space");
}

/* The interrupts of its devices; devices that share a line share the capability. */
static void interrupts(struct list *list)
{
    const struct name_list *devices = &list->domain->description->devices;
    uint32_t seen[EXPECTED_MAX / 8];
    uint32_t seen_count = 0;
    for (uint32_t i = 0; i < devices->count; i++) {
        uint32_t intid[4];
        uint32_t count = device_interrupts(devices->name[i], intid);
        for (uint32_t j = 0; j < count; j++) {
            uint32_t k = 0;
            while (k < seen_count && seen[k] != intid[j]) {
                k++;
            }
            if (k == seen_count && seen_count < sizeof(seen) / sizeof(seen[0])) {
                seen[seen_count++] = intid[j];
                struct capability_expected *entry =
                    add(list, BH_TYPE_IRQ_HANDLER, BH_RIGHTS_ALL, intid[j], 0);
                (void)bh_format(entry->what, sizeof(entry->what), "irq:%s", devices->name[i]);
            }
        }
    }
}

/* The notifications of everybody with statistics, for a domain that reads them. */
static void refreshes(struct list *list)
{
    for (uint32_t i = 1; i < DOMAINS_MAX; i++) {
        const struct domain *owner = domain_get(i);
        bool statistics = domain_is_whole(owner) && owner != list->domain &&
                          (owner->is_vmm || owner->description->statistics);
        if (statistics) {
            struct capability_expected *entry =
                add(list, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, BH_SIGNAL_REFRESH,
                    object_of(owner->notification));
            (void)bh_format(entry->what, sizeof(entry->what), "refresh:%s", owner->name);
        }
    }
}

uint32_t capabilities_expected(const struct domain *domain, struct capability_expected *expected)
{
    struct list list = {.domain = domain, .entry = expected};
    struct capability_expected *entry = add(&list, BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL,
                                            domain->number,
                                            object_of(relay_endpoint(domain->thread[0].core)));
    strcpy(entry->what, "root");
    entry = add(&list, BH_TYPE_NOTIFICATION, BH_RIGHT_READ | BH_RIGHT_WRITE, 0,
                object_of(domain->notification));
    strcpy(entry->what, "self");
    described_channels(&list);
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        const struct guest *guest = guest_at(i);
        if (guest == NULL || guest->vmm == NULL) {
            continue;
        }
        guest_channels(&list, guest);
        if (guest->vmm == domain) {
            virtual_processors(&list, domain, &guest->info.config);
            doorbells(&list, &guest->info.config);
        }
    }
    if (domain->description != NULL) {
        interrupts(&list);
        if ((domain->description->reads & READS_STATISTICS) != 0) {
            refreshes(&list);
        }
    }
    return list.count;
}

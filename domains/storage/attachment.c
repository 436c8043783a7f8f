/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/attachment.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/root.h"
#include "libs/runtime/runtime.h"

void attachments_open(struct attachments *attachments, const struct volume_table *volumes,
                      struct bh_service_statistics *statistics)
{
    attachments->volumes = volumes;
    attachments->statistics = statistics;
    disk_open_dead(&attachments->nowhere, "nowhere");
}

static bool name_in_use(void *context, const char *name)
{
    const struct attachments *attachments = context;
    for (uint32_t i = 0; i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct client *client = attachments->attachment[i].client;
        if (client != NULL && strcmp(client->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void open_client(struct attachments *attachments, struct attachment *attachment,
                        const struct bh_resource *resource)
{
    attachment->state = ATTACHMENT_OPEN;
    attachment->epoch = resource->epoch;
    struct client *client = malloc(sizeof *client);
    if (client == NULL) {
        bh_log("%s: volume \"%s\": there is no memory to serve it", resource->name,
               resource->object);
        return;
    }
    const struct volume *volume = volume_find(attachments->volumes, resource->object);
    if (volume == NULL) {
        bh_log("%s: there is no volume \"%s\": its requests will fail", resource->name,
               resource->object);
    }
    struct bh_channel channel;
    bh_channel_attach(&channel, resource);
    client_open(client, resource->name, &channel, volume, resource->argument[1] != 0);
    client->counters =
        counters_open(attachments->statistics, client->name, name_in_use, attachments);
    attachment->client = client;
    attachments->bits |= channel.wake_bits;
    disk_add_client(volume != NULL ? volume->disk : &attachments->nowhere, client);
}

/* True: nothing of it is left. */
static bool close_client(struct attachments *attachments, struct attachment *attachment)
{
    struct client *client = attachment->client;
    if (client != NULL) {
        disk_close_client(client, bh_ticks());
        if (client->in_flight != 0) {
            attachments->closing += attachment->state != ATTACHMENT_CLOSING;
            attachment->state = ATTACHMENT_CLOSING;
            return false;
        }
        disk_remove_client(client);
        free(client);
        attachment->client = NULL;
    }
    attachments->closing -= attachment->state == ATTACHMENT_CLOSING;
    attachment->state = ATTACHMENT_CLOSED;
    return true;
}

static void scan_one(struct attachments *attachments, uint32_t index)
{
    const struct bh_resource *resource = &bh_domain()->resource[index];
    struct attachment *attachment = &attachments->attachment[index];
    uint32_t state = bh_resource_state(resource);
    bool channel = resource->kind == BH_RESOURCE_SERVER && resource->protocol == BH_PROTOCOL_BLOCK;
    bool open = attachment->state == ATTACHMENT_OPEN || attachment->state == ATTACHMENT_CLOSING;
    if (!open && (state == BH_RESOURCE_UNUSED || !channel)) {
        *attachment = (struct attachment){.state = ATTACHMENT_NONE};
        return;
    }
    bool same = attachment->epoch == resource->epoch;
    if (state == BH_RESOURCE_ATTACHED && attachment->state == ATTACHMENT_OPEN && same) {
        return;
    }
    if (open) {
        if (!close_client(attachments, attachment)) {
            return;
        }
        if (state == BH_RESOURCE_DETACHING) {
            (void)bh_root_call(BH_ROOT_DETACHED, index, 0, 0);
        }
    } else if (state == BH_RESOURCE_DETACHING && attachment->state == ATTACHMENT_NONE) {
        attachment->state = ATTACHMENT_CLOSED;
        (void)bh_root_call(BH_ROOT_DETACHED, index, 0, 0);
    }
    if (state == BH_RESOURCE_UNUSED) {
        *attachment = (struct attachment){.state = ATTACHMENT_NONE};
    } else if (state == BH_RESOURCE_ATTACHED && channel) {
        open_client(attachments, attachment, resource);
    }
}

void attachments_scan(struct attachments *attachments)
{
    uint32_t count = __atomic_load_n(&bh_domain()->resource_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        scan_one(attachments, i);
    }
}

void attachments_drain(struct attachments *attachments)
{
    for (uint32_t i = 0; i < BH_DOMAIN_RESOURCE_MAX && attachments->closing != 0; i++) {
        const struct attachment *attachment = &attachments->attachment[i];
        if (attachment->state == ATTACHMENT_CLOSING && attachment->client->in_flight == 0) {
            scan_one(attachments, i);
        }
    }
}

void attachments_wake(struct attachments *attachments, uint64_t bits)
{
    if ((attachments->bits & bits) == 0) {
        return;
    }
    uint32_t count = bh_domain()->resource_count;
    for (uint32_t i = 0; i < count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct attachment *attachment = &attachments->attachment[i];
        if (attachment->state == ATTACHMENT_OPEN && attachment->client != NULL &&
            (attachment->client->channel.wake_bits & bits) != 0) {
            disk_wake_client(attachment->client);
        }
    }
}

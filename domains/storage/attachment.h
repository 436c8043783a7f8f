/* SPDX-License-Identifier: BSD-2-Clause */
/* The block channels in the domain page, as they appear and disappear. */
#ifndef DOMAINS_STORAGE_ATTACHMENT_H
#define DOMAINS_STORAGE_ATTACHMENT_H

#include "domains/storage/disk.h"
#include "ipc/domain.h"

enum attachment_state {
    ATTACHMENT_NONE = 0,
    ATTACHMENT_OPEN,
    ATTACHMENT_CLOSING, /* commands are in flight in its region */
    ATTACHMENT_CLOSED,  /* root knows, or never had it open */
};

struct attachment {
    enum attachment_state state;
    uint32_t epoch;
    struct client *client; /* NULL: there was no memory for it */
};

struct attachments {
    const struct volume_table *volumes;
    struct disk nowhere; /* of clients whose volume does not exist */
    struct bh_service_statistics *statistics;
    uint32_t closing; /* attachments in that state */
    uint64_t bits;    /* by which any client has ever signalled */
    struct attachment attachment[BH_DOMAIN_RESOURCE_MAX];
};

/* `volumes` is complete. */
void attachments_open(struct attachments *attachments, const struct volume_table *volumes,
                      struct bh_service_statistics *statistics);

/* The domain page may have changed. */
void attachments_scan(struct attachments *attachments);

/* Lets go of the channels that were only waited for; to be called when commands may have been
 * answered. */
void attachments_drain(struct attachments *attachments);

/* These bits of the notification were set. */
void attachments_wake(struct attachments *attachments, uint64_t bits);

#endif

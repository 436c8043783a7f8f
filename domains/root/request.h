/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of domains to root (ipc/root.h), and who may make them. */
#ifndef ROOT_REQUEST_H
#define ROOT_REQUEST_H

#include <bh/message.h>

#include "domains/root/domain.h"

/* Handles a request; `answer` is filled with what goes back. False: nobody waits for an answer any
 * more. */
bool request_handle(struct domain *domain, const struct bh_message *message,
                    uint64_t answer[BH_MESSAGE_REGISTERS]);

/* Makes the request region of the domain that manages guests. The reason why not, or NULL. */
const char *request_page_make(struct domain *domain);

#endif

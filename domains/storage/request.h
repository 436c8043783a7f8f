/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a client's request may be carried out: ipc/block.h's rules, on a private copy. Pure. */
#ifndef DOMAINS_STORAGE_REQUEST_H
#define DOMAINS_STORAGE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/block.h"

/* `sectors` of the volume, `data_size` bytes of the channel's data region. BH_BLOCK_OK: it may. */
enum bh_block_status request_check(const struct bh_block_request *request, uint64_t sectors,
                                   bool read_only, uint64_t data_size);

#endif

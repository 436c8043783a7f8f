/* SPDX-License-Identifier: BSD-2-Clause */
/* The domain page and what it names. */
#include <string.h>

#include <bh/syscall.h>

#include "ipc/root.h"
#include "libs/runtime/argument.h"
#include "libs/runtime/runtime.h"
#include "libs/runtime/start.h"

const struct bh_domain_page *bh_domain(void)
{
    return bh_boot_info() == NULL ? (const struct bh_domain_page *)BH_DOMAIN_PAGE : NULL;
}

const struct bh_resource *bh_resource_find(uint32_t kind, const char *name)
{
    const struct bh_domain_page *page = bh_domain();
    uint32_t count = page != NULL ? page->resource_count : 0;
    for (uint32_t i = 0; i < count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED && resource->kind == kind &&
            (name == NULL || strncmp(resource->name, name, BH_NAME_MAX) == 0)) {
            return resource;
        }
    }
    return NULL;
}

bool bh_argument(const char *name, char *value, size_t size)
{
    const struct bh_domain_page *page = bh_domain();
    return page != NULL && argument_find(page->arguments, name, value, size);
}

void bh_channel_attach(struct bh_channel *channel, const struct bh_resource *resource)
{
    bh_channel_open(channel, (void *)resource->address, &resource->geometry);
    channel->signal_cap = resource->cap;
    channel->wake_bits = resource->bits;
    channel->epoch = resource->epoch;
}

struct bh_root_answer bh_root_call(uint32_t request, uint64_t word0, uint64_t word1, uint64_t word2)
{
    const uint64_t words[BH_MESSAGE_REGISTERS] = {word0, word1, word2};
    struct bh_message message = bh_call(BH_SLOT_ROOT, bh_info(request, 3), words);
    if (message.status != BH_OK) {
        return (struct bh_root_answer){.status = BH_ROOT_DENIED};
    }
    return (struct bh_root_answer){.status = message.word[0],
                                   .value = {message.word[1], message.word[2], message.word[3]}};
}

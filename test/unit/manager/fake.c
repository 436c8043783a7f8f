/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/manager/fake.h"

#include <stdlib.h>
#include <string.h>

#include "test/unit/check.h"

#define RING_ENTRIES 16u

static const char *const domain_names[] = {"storage", "network", "debian1"};

static struct bh_guest_info *find(struct fake *fake, const char *name)
{
    for (unsigned i = 0; i < BH_GUESTS_MAX; i++) {
        if (strcmp(fake->guests.guest[i].config.name, name) == 0) {
            return &fake->guests.guest[i];
        }
    }
    return NULL;
}

static bool volume_known(const struct fake *fake, const char *name)
{
    for (unsigned i = 0; i < fake->volumes.volume_count; i++) {
        if (strcmp(fake->volumes.volume[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t create(struct fake *fake)
{
    const struct bh_guest_config *config = &fake->request.guest;
    struct bh_guest_info *place = find(fake, "");
    if (find(fake, config->name) != NULL) {
        return BH_ROOT_EXISTS;
    }
    if (!volume_known(fake, config->kernel_volume)) {
        return BH_ROOT_NO_SUCH_VOLUME;
    }
    for (unsigned i = 0; i < config->disk_count; i++) {
        if (!volume_known(fake, config->disk[i].volume)) {
            return BH_ROOT_NO_SUCH_VOLUME;
        }
    }
    for (unsigned i = 0; i < config->net_count; i++) {
        if (strcmp(config->net[i].network, "lan") != 0) {
            return BH_ROOT_NO_SUCH_NETWORK;
        }
    }
    if (place == NULL) {
        return BH_ROOT_FULL;
    }
    *place = (struct bh_guest_info){.config = *config, .state = BH_GUEST_OFF};
    return BH_ROOT_OK;
}

static uint64_t change(struct bh_guest_info *guest, enum bh_root_request request)
{
    static const struct {
        enum bh_root_request request;
        uint32_t from;
        uint32_t to;
    } changes[] = {
        {BH_ROOT_GUEST_START, BH_GUEST_OFF, BH_GUEST_STARTING},
        {BH_ROOT_GUEST_PAUSE, BH_GUEST_RUNNING, BH_GUEST_PAUSED},
        {BH_ROOT_GUEST_RESUME, BH_GUEST_PAUSED, BH_GUEST_RUNNING},
        {BH_ROOT_GUEST_STOP, BH_GUEST_RUNNING, BH_GUEST_OFF},
        {BH_ROOT_GUEST_STOP, BH_GUEST_PAUSED, BH_GUEST_OFF},
    };
    if (guest == NULL) {
        return BH_ROOT_NO_SUCH_GUEST;
    }
    if (request == BH_ROOT_GUEST_DESTROY) {
        memset(guest, 0, sizeof(*guest));
        return BH_ROOT_OK;
    }
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (changes[i].request == request && changes[i].from == guest->state) {
            guest->state = changes[i].to;
            return BH_ROOT_OK;
        }
    }
    return BH_ROOT_WRONG_STATE;
}

static uint64_t root(void *context, enum bh_root_request request, uint64_t word, uint64_t *value)
{
    struct fake *fake = context;
    (void)word;
    *value = 0;
    if (request == BH_ROOT_REFRESH) {
        return BH_ROOT_OK;
    }
    if (fake->forced != BH_ROOT_OK) {
        return fake->forced;
    }
    return request == BH_ROOT_GUEST_CREATE ? create(fake)
                                           : change(find(fake, fake->request.guest.name), request);
}

static const void *statistics(void *context, const char *owner, size_t size)
{
    struct fake *fake = context;
    if (strcmp(owner, "debian1") == 0) {
        CHECK(size <= sizeof(fake->vmm));
        return &fake->vmm;
    }
    return strcmp(owner, "network") == 0 ? &fake->network : NULL;
}

static bool refresh(void *context, const char *owner)
{
    struct fake *fake = context;
    CHECK(strcmp(owner, "debian1") == 0);
    fake->refreshes++;
    fake->vmm.exits[1] = 77;
    return true;
}

static const char *domain(void *context, unsigned index)
{
    (void)context;
    return index < sizeof(domain_names) / sizeof(domain_names[0]) ? domain_names[index] : NULL;
}

static void signal_peer(void *context, uint64_t cap)
{
    CHECK_EQUAL(cap, 9);
    ((struct fake *)context)->signals++;
}

static uint64_t ticks(void *context)
{
    (void)context;
    return 125000000;
}

static const struct manager_operations operations = {.root = root,
                                                     .statistics = statistics,
                                                     .refresh = refresh,
                                                     .domain = domain,
                                                     .signal = signal_peer,
                                                     .ticks = ticks};

static void add_guest(struct fake *fake, unsigned index, const char *name, uint32_t state)
{
    struct bh_guest_info *guest = &fake->guests.guest[index];
    guest->state = state;
    guest->config.memory = UINT64_C(256) << 20;
    guest->config.vcpu_count = 1;
    memcpy(guest->config.name, name, strlen(name) + 1);
    memcpy(guest->config.kernel_volume, "kernel", 7);
}

static void add_volume(struct fake *fake, const char *name, uint64_t sectors, bool read_only)
{
    struct bh_volume *volume = &fake->volumes.volume[fake->volumes.volume_count++];
    memcpy(volume->name, name, strlen(name) + 1);
    volume->sectors = sectors;
    volume->read_only = read_only;
}

static void open_console(struct fake *fake)
{
    static const struct bh_channel_geometry geometry = {.entries = RING_ENTRIES,
                                                        .submit_size =
                                                            sizeof(struct bh_console_input),
                                                        .complete_size = 8};
    fake->console_memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&geometry));
    CHECK(fake->console_memory != NULL);
    memset(fake->console_memory, 0, bh_channel_bytes(&geometry));
    bh_channel_open(&fake->console_client, fake->console_memory, &geometry);
    bh_channel_open(&fake->console_server, fake->console_memory, &geometry);
    fake->console_client.signal_cap = 9;
}

void fake_open(struct fake *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->guests.memory_total = UINT64_C(2) << 30;
    fake->guests.memory_free = UINT64_C(1) << 30;
    add_guest(fake, 0, "debian1", BH_GUEST_RUNNING);
    add_guest(fake, 3, "off1", BH_GUEST_OFF);
    fake->guests.guest[0].cpu_ticks = 62500000;
    memcpy(fake->guests.guest[0].reason, "a \"reason\"\n\xff", 12);
    add_volume(fake, "kernel", 65536, true);
    add_volume(fake, "data", 131072, false);
    add_volume(fake, "huge", UINT64_MAX, false);
    memcpy(fake->history[1].name, "debian1", 8);
    memcpy(fake->history[1].data, "login: ", 7);
    fake->history[1].written = 7;
    fake->vmm.exits[3] = UINT64_C(0xfffffffffffffff0);
    fake->vmm.net.dropped = 2;
    memcpy(fake->network.client[4].name, "debian1", 8);
    fake->network.client[4].counters.dropped = 3;
    open_console(fake);
    fake->manager = (struct manager){
        .token = "secret",
        .guests = &fake->guests,
        .volumes = &fake->volumes,
        .history = fake->history,
        .history_count = 4,
        .request = &fake->request,
        .console_input = &fake->console_client,
        .timer_frequency = 62500000,
        .operations = &operations,
        .context = fake,
    };
}

void fake_close(struct fake *fake)
{
    free(fake->console_memory);
}

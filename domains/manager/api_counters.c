/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/guests/NAME/counters */
#include <bh/vcpu.h>
#include <string.h>

#include "domains/manager/api_route.h"
#include "domains/manager/guest_json.h"
#include "domains/manager/units.h"
#include "ipc/statistics.h"

#define REFRESH_US 20000u /* what a VMM gets to write its counters down */

/* The owner writes while we read: one load for each counter. */
static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void write_exits(struct json_writer *writer, cJSON *root,
                        const struct bh_vmm_statistics *statistics)
{
    static const char *const names[BH_EXIT_COUNT] = {
        [BH_EXIT_NOTIFICATION] = "notification",
        [BH_EXIT_HVC] = "hvc",
        [BH_EXIT_SMC] = "smc",
        [BH_EXIT_MMIO] = "mmio",
        [BH_EXIT_ABORT] = "abort",
        [BH_EXIT_SYSREG] = "systemRegister",
        [BH_EXIT_IRQ_COMPLETED] = "interruptCompleted",
        [BH_EXIT_EXCEPTION] = "exception",
        [BH_EXIT_INVALID] = "invalid",
        [BH_EXIT_WFI] = "wfi",
        [BH_EXIT_IRQ] = "interrupt",
        [BH_EXIT_TIMER] = "timer",
        [BH_EXIT_DOORBELL] = "doorbell",
    };
    _Static_assert(BH_EXIT_COUNT <= BH_STATISTICS_EXITS, "all causes are counted");
    cJSON *exits = json_object(writer, root, "exits");
    for (unsigned i = 0; i < BH_EXIT_COUNT; i++) {
        json_unsigned(writer, exits, names[i], load(&statistics->exits[i]));
    }
}

static void write_block(struct json_writer *writer, cJSON *root,
                        const struct bh_io_counters *counters)
{
    cJSON *block = json_object(writer, root, "block");
    json_unsigned(writer, block, "readOperations", load(&counters->read_operations));
    json_unsigned(writer, block, "readBytes", load(&counters->read_bytes));
    json_unsigned(writer, block, "writeOperations", load(&counters->write_operations));
    json_unsigned(writer, block, "writeBytes", load(&counters->write_bytes));
    json_unsigned(writer, block, "flushes", load(&counters->flushes));
    json_unsigned(writer, block, "errors", load(&counters->errors));
}

/* Frames that the guest had no buffer for are counted by the switch, under the guest's name. */
static uint64_t dropped_by_switch(struct api_call *call, const char *guest)
{
    const struct bh_service_statistics *service =
        call->manager->operations->statistics(call->manager->context, "network", sizeof(*service));
    if (service == NULL) {
        return 0;
    }
    for (unsigned i = 1; i < BH_STATISTICS_CLIENTS; i++) {
        char name[sizeof(service->client[i].name)];
        memcpy(name, service->client[i].name, sizeof(name));
        name[sizeof(name) - 1] = '\0';
        if (strcmp(name, guest) == 0) {
            return load(&service->client[i].counters.dropped);
        }
    }
    return 0;
}

static void write_network(struct json_writer *writer, cJSON *root,
                          const struct bh_io_counters *counters, uint64_t dropped)
{
    cJSON *network = json_object(writer, root, "network");
    json_unsigned(writer, network, "receivedFrames", load(&counters->read_operations));
    json_unsigned(writer, network, "receivedBytes", load(&counters->read_bytes));
    json_unsigned(writer, network, "sentFrames", load(&counters->write_operations));
    json_unsigned(writer, network, "sentBytes", load(&counters->write_bytes));
    json_unsigned(writer, network, "errors", load(&counters->errors));
    json_unsigned(writer, network, "droppedFrames", load(&counters->dropped) + dropped);
}

static void write_counters(struct api_call *call, const struct bh_guest_info *guest,
                           const struct bh_vmm_statistics *statistics)
{
    uint64_t frequency = call->manager->timer_frequency;
    struct json_writer writer;
    cJSON *root = json_begin(&writer);
    json_string(&writer, root, "name", guest->config.name);
    json_string(&writer, root, "state", guest_state_name(guest->state));
    json_unsigned(&writer, root, "starts", guest->starts);
    json_unsigned(&writer, root, "cpuTimeNanoseconds",
                  nanoseconds_from_ticks(guest->cpu_ticks, frequency));
    json_unsigned(&writer, root, "guestTimeNanoseconds",
                  nanoseconds_from_ticks(load(&statistics->guest_ticks), frequency));
    cJSON *memory = json_object(&writer, root, "memory");
    json_unsigned(&writer, memory, "guestBytes", guest->config.memory);
    json_unsigned(&writer, memory, "overheadBytes", guest->overhead_bytes);
    write_exits(&writer, root, statistics);
    write_block(&writer, root, &statistics->block);
    write_network(&writer, root, &statistics->net, dropped_by_switch(call, guest->config.name));
    cJSON *console = json_object(&writer, root, "console");
    json_unsigned(&writer, console, "outputBytes", load(&statistics->console_bytes_out));
    json_unsigned(&writer, console, "inputBytes", load(&statistics->console_bytes_in));
    api_json(call, 200, &writer);
}

void api_guest_counters(struct api_call *call)
{
    static const struct bh_vmm_statistics none; /* of a guest that does not run */
    const struct manager_operations *operations = call->manager->operations;
    struct bh_guest_info guest;
    if (!api_find_guest(call, &guest)) {
        return;
    }
    if (call->attempt == 0 && guest.state == BH_GUEST_RUNNING &&
        operations->refresh(call->manager->context, guest.config.name)) {
        call->response->later_us = REFRESH_US;
        return;
    }
    uint64_t value;
    (void)operations->root(call->manager->context, BH_ROOT_REFRESH, 0, &value);
    if (!api_find_guest(call, &guest)) {
        return;
    }
    const struct bh_vmm_statistics *statistics =
        operations->statistics(call->manager->context, guest.config.name, sizeof(*statistics));
    write_counters(call, &guest, statistics != NULL ? statistics : &none);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/system, /v1/volumes */
#include <string.h>

#include "domains/manager/api_route.h"
#include "domains/manager/guest_json.h"
#include "domains/manager/units.h"
#include "domains/manager/version.h"
#include "ipc/block.h"

static void ask_for_fresh_figures(struct api_call *call)
{
    uint64_t value;
    (void)call->manager->operations->root(call->manager->context, BH_ROOT_REFRESH, 0, &value);
}

static void write_guest_count(struct api_call *call, struct json_writer *writer, cJSON *root)
{
    uint64_t total = 0;
    uint64_t running = 0;
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        struct bh_guest_info guest;
        if (table_guest(call->manager, i, &guest) == TABLE_OK) {
            total++;
            running += guest.state == BH_GUEST_RUNNING;
        }
    }
    cJSON *guests = json_object(writer, root, "guests");
    json_unsigned(writer, guests, "total", total);
    json_unsigned(writer, guests, "running", running);
}

/* The services: a guest's VMM has its guest's name, and is shown there. */
static void write_domains(struct api_call *call, struct json_writer *writer, cJSON *root)
{
    cJSON *domains = json_array(writer, root, "domains");
    const char *name;
    for (unsigned i = 0;
         (name = call->manager->operations->domain(call->manager->context, i)) != NULL; i++) {
        struct bh_guest_info guest;
        if (table_guest_named(call->manager, name, &guest) != TABLE_OK) {
            json_string(writer, json_element(writer, domains), "name", name);
        }
    }
}

void api_system_get(struct api_call *call)
{
    struct manager *manager = call->manager;
    struct memory_figures figures;
    ask_for_fresh_figures(call);
    if (table_memory(manager, &figures) != TABLE_OK) {
        api_table_busy(call, "guests");
        return;
    }
    struct json_writer writer;
    cJSON *root = json_begin(&writer);
    json_string(&writer, root, "product", "Bulkhead");
    json_string(&writer, root, "version", BULKHEAD_VERSION);
    json_unsigned(&writer, root, "uptimeNanoseconds",
                  nanoseconds_from_ticks(manager->operations->ticks(manager->context),
                                         manager->timer_frequency));
    cJSON *memory = json_object(&writer, root, "memory");
    json_unsigned(&writer, memory, "totalBytes", figures.total);
    json_unsigned(&writer, memory, "freeBytes", figures.free);
    write_guest_count(call, &writer, root);
    write_domains(call, &writer, root);
    api_json(call, 200, &writer);
}

static void accept_power(struct api_call *call, enum manager_power power, unsigned exit_status)
{
    struct json_writer writer;
    cJSON *root = json_begin(&writer);
    json_string(&writer, root, "status", power == MANAGER_POWER_OFF ? "poweringOff" : "rebooting");
    api_json(call, 202, &writer);
    if (call->response->status == 202) {
        call->manager->power = power;
        call->manager->exit_status = exit_status;
    }
}

void api_system_power_off(struct api_call *call)
{
    static const char *const fields[] = {"exitStatus", NULL};
    if (call->request->body_length == 0) {
        accept_power(call, MANAGER_POWER_OFF, 0);
        return;
    }
    char problem[JSON_PROBLEM_MAX];
    cJSON *json =
        json_parse((const char *)call->request->body, call->request->body_length, problem);
    if (json == NULL) {
        api_error(call, 400, "invalidJson", "%s", problem);
        return;
    }
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(json, "exitStatus");
    if (!json_only(json, "the request", fields, problem)) {
        api_error(call, 400, "invalidField", "%s", problem);
    } else if (status == NULL) {
        accept_power(call, MANAGER_POWER_OFF, 0);
    } else if (!cJSON_IsNumber(status) ||
               !(status->valuedouble >= 0 && status->valuedouble <= 255) ||
               status->valuedouble != (double)(unsigned)status->valuedouble) {
        api_error(call, 400, "invalidField", "exitStatus: must be a whole number from 0 to 255");
    } else {
        accept_power(call, MANAGER_POWER_OFF, (unsigned)status->valuedouble);
    }
    cJSON_Delete(json);
}

void api_system_reboot(struct api_call *call)
{
    accept_power(call, MANAGER_POWER_REBOOT, 0);
}

void api_volumes_list(struct api_call *call)
{
    struct json_writer writer;
    cJSON *root = json_begin(&writer);
    cJSON *volumes = json_array(&writer, root, "volumes");
    for (uint32_t i = 0; i < BH_VOLUMES_MAX; i++) {
        struct bh_volume volume;
        enum table_status status = table_volume(call->manager, i, &volume);
        if (status == TABLE_BUSY) {
            cJSON_Delete(root);
            api_table_busy(call, "volumes");
            return;
        }
        if (status == TABLE_OK) {
            uint64_t bytes;
            cJSON *element = json_element(&writer, volumes);
            json_string(&writer, element, "name", volume.name);
            json_unsigned(&writer, element, "bytes",
                          __builtin_mul_overflow(volume.sectors, BH_BLOCK_SECTOR, &bytes)
                              ? UINT64_MAX
                              : bytes);
            json_bool(&writer, element, "readOnly", volume.read_only != 0);
        }
    }
    api_json(call, 200, &writer);
}

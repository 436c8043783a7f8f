/* SPDX-License-Identifier: BSD-2-Clause */
/* From struct bh_guest_info to JSON. */
#include <stdio.h>
#include <string.h>

#include "domains/manager/guest_json.h"
#include "domains/manager/units.h"

const char *guest_state_name(uint32_t state)
{
    static const char *const names[] = {
        [BH_GUEST_NONE] = "none",         [BH_GUEST_OFF] = "off",
        [BH_GUEST_STARTING] = "starting", [BH_GUEST_RUNNING] = "running",
        [BH_GUEST_PAUSED] = "paused",     [BH_GUEST_STOPPING] = "stopping",
        [BH_GUEST_CRASHED] = "crashed",
    };
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static const char *event_name(uint32_t event)
{
    static const char *const names[] = {
        [0] = "none",
        [BH_GUEST_EVENT_RUNNING] = "running",
        [BH_GUEST_EVENT_OFF] = "off",
        [BH_GUEST_EVENT_RESET] = "reset",
        [BH_GUEST_EVENT_CRASHED] = "crashed",
        [BH_GUEST_EVENT_BAD_IMAGE] = "badImage",
    };
    return event < sizeof(names) / sizeof(names[0]) ? names[event] : "unknown";
}

static void write_disks(struct json_writer *writer, cJSON *object,
                        const struct bh_guest_config *config)
{
    cJSON *disks = json_array(writer, object, "disks");
    for (uint32_t i = 0; i < config->disk_count; i++) {
        cJSON *disk = json_element(writer, disks);
        json_string(writer, disk, "volume", config->disk[i].volume);
        json_bool(writer, disk, "readOnly", config->disk[i].read_only != 0);
    }
}

static void write_networks(struct json_writer *writer, cJSON *object,
                           const struct bh_guest_config *config)
{
    cJSON *networks = json_array(writer, object, "networks");
    for (uint32_t i = 0; i < config->net_count; i++) {
        const uint8_t *mac = config->net[i].mac;
        char text[18];
        (void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                       mac[3], mac[4], mac[5]);
        cJSON *network = json_element(writer, networks);
        json_string(writer, network, "network", config->net[i].network);
        if (strcmp(text, "00:00:00:00:00:00") != 0) { /* else root has not chosen one yet */
            json_string(writer, network, "mac", text);
        }
    }
}

void guest_to_json(struct json_writer *writer, cJSON *object, const struct bh_guest_info *guest,
                   uint64_t timer_frequency)
{
    const struct bh_guest_config *config = &guest->config;
    json_string(writer, object, "name", config->name);
    json_string(writer, object, "state", guest_state_name(guest->state));
    json_string(writer, object, "reason", guest->reason);
    json_unsigned(writer, object, "memory", config->memory);
    json_unsigned(writer, object, "vcpus", config->vcpu_count);
    json_string(writer, object, "kernel", config->kernel_volume);
    if (config->initrd_volume[0] != '\0') {
        json_string(writer, object, "initrd", config->initrd_volume);
    }
    if (config->initrd_size != 0) {
        json_unsigned(writer, object, "initrdSize", config->initrd_size);
    }
    json_string(writer, object, "commandLine", config->command_line);
    write_disks(writer, object, config);
    write_networks(writer, object, config);
    json_bool(writer, object, "autostart", config->autostart != 0);
    json_unsigned(writer, object, "starts", guest->starts);
    cJSON *event = json_object(writer, object, "lastEvent");
    json_string(writer, event, "event", event_name(guest->last_event));
    json_unsigned(writer, event, "code", guest->event_code);
    json_unsigned(writer, object, "cpuTimeNanoseconds",
                  nanoseconds_from_ticks(guest->cpu_ticks, timer_frequency));
    json_unsigned(writer, object, "overheadBytes", guest->overhead_bytes);
}

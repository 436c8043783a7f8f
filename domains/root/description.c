/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/description.h"

#include <string.h>

#include "ipc/console.h"

bool description_name_ok(const char *name)
{
    size_t length = strnlen(name, BH_NAME_MAX);
    if (length == 0 || length == BH_NAME_MAX || name[0] == '-' || name[length - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return true;
}

bool description_guest_name_ok(const char *name)
{
    return description_name_ok(name) && strcmp(name, "root") != 0 &&
           strcmp(name, BH_CONSOLE_SYSTEM) != 0;
}

const struct domain_description *description_domain(const struct description *description,
                                                    const char *name)
{
    for (uint32_t i = 0; i < description->domain_count; i++) {
        const struct domain_description *domain = &description->domain[i];
        if (domain->present && strcmp(domain->name, name) == 0) {
            return domain;
        }
    }
    return NULL;
}

const struct domain_description *description_server(const struct description *description,
                                                    uint32_t protocol)
{
    for (uint32_t i = 0; i < description->domain_count; i++) {
        const struct domain_description *domain = &description->domain[i];
        if (domain->present && domain->serves == protocol) {
            return domain;
        }
    }
    return NULL;
}

const struct device_description *description_device(const struct description *description,
                                                    const char *name)
{
    for (uint32_t i = 0; i < description->device_count; i++) {
        const struct device_description *device = &description->device[i];
        if (device->present && strcmp(device->name, name) == 0) {
            return device;
        }
    }
    return NULL;
}

const struct network_description *description_network(const struct description *description,
                                                      const char *name)
{
    for (uint32_t i = 0; i < description->network_count; i++) {
        const struct network_description *network = &description->network[i];
        if (network->present && strcmp(network->name, name) == 0) {
            return network;
        }
    }
    return NULL;
}

const struct volume_description *description_volume(const struct description *description,
                                                    const char *name)
{
    for (uint32_t i = 0; i < description->volume_count; i++) {
        const struct volume_description *volume = &description->volume[i];
        if (volume->present && strcmp(volume->name, name) == 0) {
            return volume;
        }
    }
    return NULL;
}

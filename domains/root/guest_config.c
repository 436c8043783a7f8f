/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/guest_config.h"

#include <string.h>

/* 1 to 31 printable characters, NUL-terminated. */
static bool volume_name_ok(const char name[BH_NAME_MAX])
{
    size_t length = strnlen(name, BH_NAME_MAX);
    if (length == 0 || length == BH_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] < 0x20 || name[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool command_line_ok(const char line[BH_GUEST_COMMAND_LINE_MAX])
{
    size_t length = strnlen(line, BH_GUEST_COMMAND_LINE_MAX);
    if (length == BH_GUEST_COMMAND_LINE_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (line[i] < 0x20 || line[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static const char *check_parts(const struct bh_guest_config *config)
{
    if (config->disk_count > BH_GUEST_DISKS_MAX) {
        return "too many disks";
    }
    for (uint32_t i = 0; i < config->disk_count; i++) {
        if (!volume_name_ok(config->disk[i].volume)) {
            return "a disk's volume has no valid name";
        }
        if (config->disk[i].read_only > 1) {
            return "a disk's read-only flag is neither 0 nor 1";
        }
    }
    if (config->net_count > BH_GUEST_NETS_MAX) {
        return "too many network ports";
    }
    for (uint32_t i = 0; i < config->net_count; i++) {
        if (!description_name_ok(config->net[i].network)) {
            return "a port's network has no valid name";
        }
        if ((config->net[i].mac[0] & 1) != 0) {
            return "a port's MAC address is the address of no single station";
        }
    }
    return NULL;
}

const char *guest_config_check(const struct bh_guest_config *config)
{
    if (!description_guest_name_ok(config->name)) {
        return "no valid name";
    }
    if (config->memory % GUEST_MEMORY_UNIT != 0) {
        return "memory must be a multiple of 2 MiB";
    }
    if (config->memory < GUEST_MEMORY_MIN || config->memory > GUEST_MEMORY_MAX) {
        return "memory out of range";
    }
    if (config->vcpu_count == 0 || config->vcpu_count > BH_GUEST_VCPUS_MAX) {
        return "must have one to eight virtual processors";
    }
    if (config->autostart > 1) {
        return "the autostart flag is neither 0 nor 1";
    }
    if (!volume_name_ok(config->kernel_volume)) {
        return "the kernel's volume has no valid name";
    }
    if (config->initrd_volume[0] != 0 && !volume_name_ok(config->initrd_volume)) {
        return "the initrd's volume has no valid name";
    }
    if (config->initrd_size > config->memory) {
        return "the initrd is larger than the memory";
    }
    if (!command_line_ok(config->command_line)) {
        return "the command line is too long, or not printable";
    }
    return check_parts(config);
}

/* Whether `name` is in the list, or begins like an entry that ends in '*'. */
static bool listed(const struct name_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->count; i++) {
        size_t length = strlen(list->name[i]);
        bool prefix = length > 0 && list->name[i][length - 1] == '*';
        if (prefix ? strncmp(list->name[i], name, length - 1) == 0
                   : strcmp(list->name[i], name) == 0) {
            return true;
        }
    }
    return false;
}

const char *volume_resolve(const struct description *description, const char *name, bool *read_only)
{
    const struct volume_description *volume = description_volume(description, name);
    if (volume == NULL) {
        for (uint32_t i = 0; i < description->volume_count; i++) {
            const struct volume_description *other = &description->volume[i];
            /* An alias that protects a partition protects it under its own name as well. */
            if (other->present && other->read_only && strcmp(other->partition, name) == 0) {
                *read_only = true;
            }
        }
        return name;
    }
    if (volume->read_only) {
        *read_only = true;
    }
    return volume->partition;
}

uint32_t guest_volumes(const struct description *description, const struct bh_guest_config *config,
                       struct volume_use use[BH_GUEST_DISKS_MAX + 2])
{
    uint32_t count = 0;
    bool ignored;
    use[count++] =
        (struct volume_use){volume_resolve(description, config->kernel_volume, &ignored), true};
    if (config->initrd_volume[0] != 0) {
        use[count++] =
            (struct volume_use){volume_resolve(description, config->initrd_volume, &ignored), true};
    }
    for (uint32_t i = 0; i < config->disk_count; i++) {
        bool read_only = config->disk[i].read_only != 0;
        const char *name = volume_resolve(description, config->disk[i].volume, &read_only);
        use[count++] = (struct volume_use){name, read_only};
    }
    return count;
}

bool volume_uses_conflict(const struct volume_use *one, const struct volume_use *other)
{
    return !(one->read_only && other->read_only) && strcmp(one->name, other->name) == 0;
}

bool guest_volumes_conflict(const struct volume_use *use, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = i + 1; j < count; j++) {
            if (volume_uses_conflict(&use[i], &use[j])) {
                return true;
            }
        }
    }
    return false;
}

const char *guest_quota_check(const struct description *description, const struct quota_use *use,
                              const struct bh_guest_config *config)
{
    const struct quota_description *quota = &description->quota;
    if (use->guests >= quota->guests) {
        return "the quota of guests is used up";
    }
    if (config->memory > quota->guest_memory) {
        return "more memory than the quota gives to one guest";
    }
    if (use->memory > quota->memory || config->memory > quota->memory - use->memory) {
        return "the quota of memory is used up";
    }
    if (config->vcpu_count > quota->guest_vcpus) {
        return "more virtual processors than the quota gives to one guest";
    }
    struct volume_use volume[BH_GUEST_DISKS_MAX + 2];
    uint32_t count = guest_volumes(description, config, volume);
    for (uint32_t i = 0; i < count; i++) {
        if (!listed(&quota->volumes, volume[i].name) &&
            !(volume[i].read_only && listed(&quota->read_only_volumes, volume[i].name))) {
            return "the quota does not list one of its volumes";
        }
    }
    for (uint32_t i = 0; i < config->net_count; i++) {
        if (!listed(&quota->networks, config->net[i].network)) {
            return "the quota does not list one of its networks";
        }
    }
    return NULL;
}

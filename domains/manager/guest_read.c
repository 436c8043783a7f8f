/* SPDX-License-Identifier: BSD-2-Clause */
/* From JSON to struct bh_guest_config. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domains/manager/guest_json.h"
#include "domains/manager/units.h"

#define MEMORY_STEP (UINT64_C(2) << 20)
#define MEMORY_MIN  (UINT64_C(16) << 20)
#define EXACT_MAX   9007199254740992.0 /* 2^53: up to here every integer is a double */

struct reader {
    char *problem;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct reader *reader, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reader->problem, JSON_PROBLEM_MAX, format, arguments);
    va_end(arguments);
    return false;
}

static bool printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e) {
            return false;
        }
    }
    return true;
}

/* A string of printable ASCII that fits `size` bytes with its NUL. */
static bool read_text(struct reader *reader, const char *where, const cJSON *item, char *text,
                      size_t size)
{
    if (!cJSON_IsString(item)) {
        return refuse(reader, "%s: must be a string", where);
    }
    if (strlen(item->valuestring) >= size) {
        return refuse(reader, "%s: must be at most %zu characters long", where, size - 1);
    }
    if (!printable(item->valuestring)) {
        return refuse(reader, "%s: must consist of printable ASCII characters", where);
    }
    memset(text, 0, size);
    memcpy(text, item->valuestring, strlen(item->valuestring));
    return true;
}

static bool read_name(struct reader *reader, const char *where, const cJSON *item,
                      char name[BH_NAME_MAX])
{
    if (item == NULL) {
        return refuse(reader, "%s: is missing", where);
    }
    if (!read_text(reader, where, item, name, BH_NAME_MAX)) {
        return false;
    }
    return name[0] != '\0' || refuse(reader, "%s: must not be empty", where);
}

bool guest_name_ok(const char *name)
{
    size_t length = strlen(name);
    return length >= 1 && length < BH_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && name[0] != '-' &&
           name[length - 1] != '-';
}

static bool read_flag(struct reader *reader, const char *where, const cJSON *item, uint32_t *flag)
{
    *flag = 0;
    if (item == NULL) {
        return true;
    }
    if (!cJSON_IsBool(item)) {
        return refuse(reader, "%s: must be true or false", where);
    }
    *flag = cJSON_IsTrue(item) ? 1 : 0;
    return true;
}

/* A number of bytes: an integer, or a string with a unit. */
static bool read_size(struct reader *reader, const char *where, const cJSON *item, uint64_t *bytes)
{
    if (cJSON_IsNumber(item)) {
        double value = item->valuedouble;
        if (!(value >= 0 && value <= EXACT_MAX) || value != (double)(uint64_t)value) {
            return refuse(reader, "%s: must be a whole number of bytes", where);
        }
        *bytes = (uint64_t)value;
        return true;
    }
    if (!cJSON_IsString(item)) {
        return refuse(reader, "%s: must be a number of bytes, or a string such as \"256M\"", where);
    }
    if (!size_from_text(item->valuestring, bytes)) {
        return refuse(reader, "%s: \"%.32s\" is no size; examples are \"256M\" and \"1G\"", where,
                      item->valuestring);
    }
    return true;
}

static bool read_memory(struct reader *reader, const cJSON *item, uint64_t *bytes)
{
    if (item == NULL) {
        return refuse(reader, "memory: is missing");
    }
    if (!read_size(reader, "memory", item, bytes)) {
        return false;
    }
    if (*bytes < MEMORY_MIN) {
        return refuse(reader, "memory: must be at least 16 MiB");
    }
    return *bytes % MEMORY_STEP == 0 || refuse(reader, "memory: must be a multiple of 2 MiB");
}

static bool read_vcpus(struct reader *reader, const cJSON *item, uint32_t *count)
{
    *count = 1;
    if (item == NULL) {
        return true;
    }
    if (!cJSON_IsNumber(item)) {
        return refuse(reader, "vcpus: must be a number");
    }
    for (uint32_t i = 1; i <= BH_GUEST_VCPUS_MAX; i++) {
        if (item->valuedouble == i) {
            *count = i;
            return true;
        }
    }
    return refuse(reader, "vcpus: must be 1 to %u", BH_GUEST_VCPUS_MAX);
}

/* A field of an element, for messages: "disks[1].volume". */
static const char *element_name(char name[48], const char *array, uint32_t index, const char *field)
{
    (void)snprintf(name, 48, "%s[%u]%s%s", array, index, field[0] == '\0' ? "" : ".", field);
    return name;
}

static bool read_disk(struct reader *reader, uint32_t index, const cJSON *item,
                      struct bh_guest_disk *disk)
{
    static const char *const fields[] = {"volume", "readOnly", NULL};
    char name[48];
    *disk = (struct bh_guest_disk){.read_only = 0};
    return json_only(item, element_name(name, "disks", index, ""), fields, reader->problem) &&
           read_name(reader, element_name(name, "disks", index, "volume"),
                     cJSON_GetObjectItemCaseSensitive(item, "volume"), disk->volume) &&
           read_flag(reader, element_name(name, "disks", index, "readOnly"),
                     cJSON_GetObjectItemCaseSensitive(item, "readOnly"), &disk->read_only);
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    if (strlen(text) != 17) {
        return false;
    }
    for (size_t i = 0; i < 6; i++) {
        const char *high = strchr(digits, text[3 * i]);
        const char *low = strchr(digits, text[3 * i + 1]);
        if (high == NULL || low == NULL || (i < 5 && text[3 * i + 2] != ':')) {
            return false;
        }
        mac[i] = (uint8_t)(((high - digits) % 16) << 4 | (low - digits) % 16);
    }
    return true;
}

static bool read_mac(struct reader *reader, const char *where, const cJSON *item, uint8_t mac[6])
{
    static const uint8_t none[6];
    if (item == NULL) {
        return true; /* root chooses */
    }
    if (!cJSON_IsString(item) || !parse_mac(item->valuestring, mac)) {
        return refuse(reader, "%s: must be a string such as \"52:42:48:00:00:01\"", where);
    }
    if ((mac[0] & 1) != 0 || memcmp(mac, none, sizeof(none)) == 0) {
        return refuse(reader,
                      "%s: must be the address of one interface, not a group's and not all zero",
                      where);
    }
    return true;
}

static bool read_network(struct reader *reader, uint32_t index, const cJSON *item,
                         struct bh_guest_net *net)
{
    static const char *const fields[] = {"network", "mac", NULL};
    char name[48];
    *net = (struct bh_guest_net){.mac = {0}};
    return json_only(item, element_name(name, "networks", index, ""), fields, reader->problem) &&
           read_name(reader, element_name(name, "networks", index, "network"),
                     cJSON_GetObjectItemCaseSensitive(item, "network"), net->network) &&
           read_mac(reader, element_name(name, "networks", index, "mac"),
                    cJSON_GetObjectItemCaseSensitive(item, "mac"), net->mac);
}

static bool check_array(struct reader *reader, const char *where, const cJSON *item, uint32_t max,
                        uint32_t *count)
{
    *count = 0;
    if (item == NULL) {
        return true;
    }
    if (!cJSON_IsArray(item)) {
        return refuse(reader, "%s: must be an array", where);
    }
    int size = cJSON_GetArraySize(item);
    if (size < 0 || (uint32_t)size > max) {
        return refuse(reader, "%s: must have at most %u elements", where, max);
    }
    *count = (uint32_t)size;
    return true;
}

static bool read_devices(struct reader *reader, const cJSON *json, struct bh_guest_config *config)
{
    const cJSON *disks = cJSON_GetObjectItemCaseSensitive(json, "disks");
    const cJSON *networks = cJSON_GetObjectItemCaseSensitive(json, "networks");
    if (!check_array(reader, "disks", disks, BH_GUEST_DISKS_MAX, &config->disk_count) ||
        !check_array(reader, "networks", networks, BH_GUEST_NETS_MAX, &config->net_count)) {
        return false;
    }
    for (uint32_t i = 0; i < config->disk_count; i++) {
        if (!read_disk(reader, i, cJSON_GetArrayItem(disks, (int)i), &config->disk[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < config->net_count; i++) {
        if (!read_network(reader, i, cJSON_GetArrayItem(networks, (int)i), &config->net[i])) {
            return false;
        }
    }
    return true;
}

static bool read_boot(struct reader *reader, const cJSON *json, struct bh_guest_config *config)
{
    const cJSON *initrd = cJSON_GetObjectItemCaseSensitive(json, "initrd");
    const cJSON *initrd_size = cJSON_GetObjectItemCaseSensitive(json, "initrdSize");
    const cJSON *command_line = cJSON_GetObjectItemCaseSensitive(json, "commandLine");
    if (!read_name(reader, "kernel", cJSON_GetObjectItemCaseSensitive(json, "kernel"),
                   config->kernel_volume)) {
        return false;
    }
    if (initrd != NULL && !read_name(reader, "initrd", initrd, config->initrd_volume)) {
        return false;
    }
    if (initrd_size != NULL) {
        if (initrd == NULL) {
            return refuse(reader, "initrdSize: there is no initrd");
        }
        if (!read_size(reader, "initrdSize", initrd_size, &config->initrd_size)) {
            return false;
        }
    }
    return command_line == NULL || read_text(reader, "commandLine", command_line,
                                             config->command_line, sizeof(config->command_line));
}

bool guest_from_json(const cJSON *json, struct bh_guest_config *config,
                     char problem[JSON_PROBLEM_MAX])
{
    static const char *const fields[] = {"name",     "memory",     "vcpus",       "kernel",
                                         "initrd",   "initrdSize", "commandLine", "disks",
                                         "networks", "autostart",  NULL};
    struct reader reader = {.problem = problem};
    memset(config, 0, sizeof(*config));
    if (!json_only(json, "a guest", fields, problem) ||
        !read_name(&reader, "name", cJSON_GetObjectItemCaseSensitive(json, "name"), config->name)) {
        return false;
    }
    if (!guest_name_ok(config->name)) {
        return refuse(
            &reader,
            "name: must be 1 to 31 characters of a-z, 0-9 and -, and not begin or end with -");
    }
    return read_memory(&reader, cJSON_GetObjectItemCaseSensitive(json, "memory"),
                       &config->memory) &&
           read_vcpus(&reader, cJSON_GetObjectItemCaseSensitive(json, "vcpus"),
                      &config->vcpu_count) &&
           read_boot(&reader, json, config) && read_devices(&reader, json, config) &&
           read_flag(&reader, "autostart", cJSON_GetObjectItemCaseSensitive(json, "autostart"),
                     &config->autostart);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/guests, and what may be done to one of them */
#include <stdio.h>
#include <string.h>

#include "domains/manager/api_route.h"
#include "domains/manager/guest_json.h"

static uint64_t ask_root(struct api_call *call, enum bh_root_request request)
{
    uint64_t value;
    return call->manager->operations->root(call->manager->context, request, 0, &value);
}

static bool request_page_ok(struct api_call *call)
{
    if (call->manager->request == NULL) {
        api_error(call, 403, "forbidden",
                  "the system description does not let the manager change guests");
        return false;
    }
    return true;
}

static void answer_guest(struct api_call *call, unsigned status, const struct bh_guest_info *guest)
{
    struct json_writer writer;
    cJSON *root = json_begin(&writer);
    guest_to_json(&writer, root, guest, call->manager->timer_frequency);
    api_json(call, status, &writer);
}

void api_guests_list(struct api_call *call)
{
    (void)ask_root(call, BH_ROOT_REFRESH);
    struct json_writer writer;
    cJSON *root = json_begin(&writer);
    cJSON *guests = json_array(&writer, root, "guests");
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        struct bh_guest_info guest;
        enum table_status status = table_guest(call->manager, i, &guest);
        if (status == TABLE_BUSY) {
            cJSON_Delete(root);
            api_table_busy(call, "guests");
            return;
        }
        if (status == TABLE_OK) {
            guest_to_json(&writer, json_element(&writer, guests), &guest,
                          call->manager->timer_frequency);
        }
    }
    api_json(call, 200, &writer);
}

void api_guest_get(struct api_call *call)
{
    struct bh_guest_info guest;
    (void)ask_root(call, BH_ROOT_REFRESH);
    if (api_find_guest(call, &guest)) {
        answer_guest(call, 200, &guest);
    }
}

struct refusal {
    unsigned status;
    const char *code;
    const char *reason;
};

static struct refusal refusal_of(uint64_t status)
{
    switch (status) {
    case BH_ROOT_DENIED:
        return (struct refusal){403, "forbidden", "the system description does not allow it"};
    case BH_ROOT_BAD_REQUEST:
        return (struct refusal){400, "badRequest", "root does not accept the request"};
    case BH_ROOT_NO_SUCH_GUEST:
        return (struct refusal){404, "noSuchGuest", "there is no such guest"};
    case BH_ROOT_EXISTS:
        return (struct refusal){409, "guestExists",
                                "a guest or domain of this name exists already"};
    case BH_ROOT_NO_SUCH_VOLUME:
        return (struct refusal){422, "noSuchVolume", "a volume does not exist"};
    case BH_ROOT_NO_SUCH_NETWORK:
        return (struct refusal){422, "noSuchNetwork", "a network does not exist"};
    case BH_ROOT_NO_MEMORY:
        return (struct refusal){507, "insufficientMemory", "there is not enough free memory"};
    case BH_ROOT_WRONG_STATE:
        return (struct refusal){409, "wrongState", "the guest's state does not allow it"};
    case BH_ROOT_VOLUME_BUSY:
        return (struct refusal){409, "volumeBusy",
                                "a volume is open elsewhere, and one of the two writes"};
    case BH_ROOT_FULL:
        return (struct refusal){507, "tableFull", "a table of guests, consoles or ports is full"};
    default:
        return (struct refusal){500, "internalError", "root gives an unknown answer"};
    }
}

static bool volume_missing(const struct api_call *call, const char *name)
{
    struct bh_volume volume;
    return name[0] != '\0' && table_volume_named(call->manager, name, &volume) == TABLE_NONE;
}

/* Which of the guest's volumes is none: a name that is neither in the table nor, as root found, an
 * alias. */
static bool name_missing_volume(const struct api_call *call, const struct bh_guest_config *config,
                                char text[96])
{
    if (volume_missing(call, config->kernel_volume)) {
        (void)snprintf(text, 96, "kernel: there is no volume \"%s\"", config->kernel_volume);
        return true;
    }
    if (volume_missing(call, config->initrd_volume)) {
        (void)snprintf(text, 96, "initrd: there is no volume \"%s\"", config->initrd_volume);
        return true;
    }
    for (uint32_t i = 0; i < config->disk_count; i++) {
        if (volume_missing(call, config->disk[i].volume)) {
            (void)snprintf(text, 96, "disks[%u].volume: there is no volume \"%s\"", i,
                           config->disk[i].volume);
            return true;
        }
    }
    return false;
}

static void refuse(struct api_call *call, uint64_t status, const struct bh_guest_config *config)
{
    struct refusal refusal = refusal_of(status);
    char text[96];
    if (status == BH_ROOT_NO_SUCH_VOLUME && name_missing_volume(call, config, text)) {
        api_error(call, refusal.status, refusal.code, "%s", text);
    } else if (status == BH_ROOT_NO_SUCH_NETWORK && config->net_count == 1) {
        api_error(call, refusal.status, refusal.code,
                  "networks[0].network: there is no network \"%s\"", config->net[0].network);
    } else {
        api_error(call, refusal.status, refusal.code, "guest \"%s\": %s", config->name,
                  refusal.reason);
    }
}

static bool read_definition(struct api_call *call, struct bh_guest_config *config)
{
    char problem[JSON_PROBLEM_MAX];
    cJSON *json =
        json_parse((const char *)call->request->body, call->request->body_length, problem);
    if (json == NULL) {
        api_error(call, 400, "invalidJson", "%s", problem);
        return false;
    }
    bool ok = guest_from_json(json, config, problem);
    cJSON_Delete(json);
    if (!ok) {
        api_error(call, 400, "invalidField", "%s", problem);
    }
    return ok;
}

void api_guests_create(struct api_call *call)
{
    struct bh_guest_config config;
    if (!request_page_ok(call) || !read_definition(call, &config)) {
        return;
    }
    call->manager->request->guest = config;
    uint64_t status = ask_root(call, BH_ROOT_GUEST_CREATE);
    if (status != BH_ROOT_OK) {
        refuse(call, status, &config);
        return;
    }
    struct bh_guest_info guest;
    call->name = config.name;
    if (api_find_guest(call, &guest)) {
        char location[64];
        (void)snprintf(location, sizeof(location), "/v1/guests/%s", config.name);
        http_response_field(call->response, "Location", location);
        answer_guest(call, 201, &guest);
    }
}

/* Asks root to do something to the guest of the path. False: it has answered with an error. */
static bool command(struct api_call *call, enum bh_root_request request)
{
    struct bh_guest_info guest;
    if (!request_page_ok(call) || !api_find_guest(call, &guest)) {
        return false;
    }
    call->manager->request->guest = guest.config;
    uint64_t status = ask_root(call, request);
    if (status == BH_ROOT_WRONG_STATE) {
        api_error(call, 409, "wrongState", "guest \"%s\": it is %s", guest.config.name,
                  guest_state_name(guest.state));
    } else if (status != BH_ROOT_OK) {
        refuse(call, status, &guest.config);
    }
    return status == BH_ROOT_OK;
}

static void command_and_show(struct api_call *call, enum bh_root_request request)
{
    struct bh_guest_info guest;
    if (command(call, request) && api_find_guest(call, &guest)) {
        answer_guest(call, 200, &guest);
    }
}

void api_guest_delete(struct api_call *call)
{
    if (command(call, BH_ROOT_GUEST_DESTROY)) {
        call->response->status = 204;
    }
}

void api_guest_start(struct api_call *call)
{
    command_and_show(call, BH_ROOT_GUEST_START);
}

void api_guest_pause(struct api_call *call)
{
    command_and_show(call, BH_ROOT_GUEST_PAUSE);
}

void api_guest_resume(struct api_call *call)
{
    command_and_show(call, BH_ROOT_GUEST_RESUME);
}

void api_guest_stop(struct api_call *call)
{
    command_and_show(call, BH_ROOT_GUEST_STOP);
}

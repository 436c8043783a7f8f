/* SPDX-License-Identifier: BSD-2-Clause */
/* What the handlers of the API share; for api*.c only. */
#ifndef MANAGER_API_ROUTE_H
#define MANAGER_API_ROUTE_H

#include "domains/manager/http_request.h"
#include "domains/manager/http_response.h"
#include "domains/manager/json.h"
#include "domains/manager/manager.h"
#include "domains/manager/tables.h"

struct api_call {
    struct manager *manager;
    const struct http_request *request;
    struct http_response *response;
    const char *name;  /* the part of the path that the route leaves open, or NULL */
    const char *query; /* value of the route's query parameter, or NULL */
    unsigned attempt;
};

enum api_body {
    API_NO_BODY = 0, /* or an empty JSON object */
    API_JSON,
    API_BYTES,
};

#define API_PATTERN_MAX 4u
#define API_ANY         "*" /* in a pattern: any segment, which becomes api_call.name */

struct api_route {
    enum http_method method;
    const char *pattern[API_PATTERN_MAX + 1]; /* segments of the path, ended by NULL */
    enum api_body body;
    const char *parameter; /* the one query parameter it knows, or NULL */
    void (*handle)(struct api_call *call);
};

/* Answers with an error document; the message is formatted. */
void api_error(struct api_call *call, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Answers with the document in `writer`, which it frees. */
void api_json(struct api_call *call, unsigned status, struct json_writer *writer);

/* Answers for a table that can't be read. */
void api_table_busy(struct api_call *call, const char *table);

/* Finds the guest of the path; false: it has answered 404 or 503. */
bool api_find_guest(struct api_call *call, struct bh_guest_info *guest);

void api_system_get(struct api_call *call);
void api_system_power_off(struct api_call *call);
void api_system_reboot(struct api_call *call);
void api_system_console(struct api_call *call);
void api_volumes_list(struct api_call *call);
void api_guests_list(struct api_call *call);
void api_guests_create(struct api_call *call);
void api_guest_get(struct api_call *call);
void api_guest_delete(struct api_call *call);
void api_guest_start(struct api_call *call);
void api_guest_pause(struct api_call *call);
void api_guest_resume(struct api_call *call);
void api_guest_stop(struct api_call *call);
void api_guest_counters(struct api_call *call);
void api_console_read(struct api_call *call);
void api_console_write(struct api_call *call);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "domains/manager/api_route.h"
#include "domains/manager/token.h"

#define MESSAGE_MAX 512

static const struct api_route routes[] = {
    {HTTP_GET, {"v1", "system"}, API_NO_BODY, NULL, api_system_get},
    {HTTP_POST, {"v1", "system", "poweroff"}, API_JSON, NULL, api_system_power_off},
    {HTTP_POST, {"v1", "system", "reboot"}, API_NO_BODY, NULL, api_system_reboot},
    {HTTP_GET, {"v1", "system", "console"}, API_NO_BODY, "from", api_system_console},
    {HTTP_GET, {"v1", "volumes"}, API_NO_BODY, NULL, api_volumes_list},
    {HTTP_GET, {"v1", "guests"}, API_NO_BODY, NULL, api_guests_list},
    {HTTP_POST, {"v1", "guests"}, API_JSON, NULL, api_guests_create},
    {HTTP_GET, {"v1", "guests", API_ANY}, API_NO_BODY, NULL, api_guest_get},
    {HTTP_DELETE, {"v1", "guests", API_ANY}, API_NO_BODY, NULL, api_guest_delete},
    {HTTP_POST, {"v1", "guests", API_ANY, "start"}, API_NO_BODY, NULL, api_guest_start},
    {HTTP_POST, {"v1", "guests", API_ANY, "pause"}, API_NO_BODY, NULL, api_guest_pause},
    {HTTP_POST, {"v1", "guests", API_ANY, "resume"}, API_NO_BODY, NULL, api_guest_resume},
    {HTTP_POST, {"v1", "guests", API_ANY, "stop"}, API_NO_BODY, NULL, api_guest_stop},
    {HTTP_GET, {"v1", "guests", API_ANY, "counters"}, API_NO_BODY, NULL, api_guest_counters},
    {HTTP_GET, {"v1", "guests", API_ANY, "console"}, API_NO_BODY, "from", api_console_read},
    {HTTP_POST, {"v1", "guests", API_ANY, "console"}, API_BYTES, NULL, api_console_write},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

void api_error(struct api_call *call, unsigned status, const char *code, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    http_response_error(call->response, status, code, message);
}

void api_json(struct api_call *call, unsigned status, struct json_writer *writer)
{
    char *text = json_end(writer);
    if (text == NULL) {
        api_error(call, 503, "outOfMemory", "the manager has no memory for the answer");
        return;
    }
    call->response->status = status;
    call->response->type = "application/json";
    call->response->body = text;
    call->response->body_length = strlen(text);
}

void api_table_busy(struct api_call *call, const char *table)
{
    api_error(call, 503, "unavailable", "the table of %s can't be read at present", table);
}

bool api_find_guest(struct api_call *call, struct bh_guest_info *guest)
{
    switch (table_guest_named(call->manager, call->name, guest)) {
    case TABLE_OK:
        return true;
    case TABLE_NONE:
        api_error(call, 404, "noSuchGuest", "there is no guest \"%.64s\"", call->name);
        return false;
    case TABLE_BUSY:
        break;
    }
    api_table_busy(call, "guests");
    return false;
}

static bool matches(const struct api_route *route, const struct http_request *request)
{
    unsigned i = 0;
    for (; route->pattern[i] != NULL; i++) {
        if (i >= request->segment_count || (strcmp(route->pattern[i], API_ANY) != 0 &&
                                            strcmp(route->pattern[i], request->segments[i]) != 0)) {
            return false;
        }
    }
    return i == request->segment_count;
}

static bool method_matches(const struct api_route *route, enum http_method method)
{
    return route->method == method || (route->method == HTTP_GET && method == HTTP_HEAD_METHOD);
}

static const struct api_route *find_route(const struct http_request *request)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (matches(&routes[i], request) && method_matches(&routes[i], request->method)) {
            return &routes[i];
        }
    }
    return NULL;
}

/* No route: the path is unknown, or only the method. */
static void refuse_route(struct api_call *call)
{
    char allowed[64] = "";
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (matches(&routes[i], call->request)) {
            size_t length = strlen(allowed);
            (void)snprintf(allowed + length, sizeof(allowed) - length, "%s%s%s",
                           length == 0 ? "" : ", ", http_method_name(routes[i].method),
                           routes[i].method == HTTP_GET ? ", HEAD" : "");
        }
    }
    if (allowed[0] == '\0') {
        api_error(call, 404, "notFound", "there is nothing at this path");
        return;
    }
    http_response_field(call->response, "Allow", allowed);
    api_error(call, 405, "methodNotAllowed", "%s can't be used on this path, but %s",
              http_method_name(call->request->method), allowed);
}

static bool content_type_ok(const char *type)
{
    static const char json[] = "application/json";
    if (type == NULL) {
        return true;
    }
    size_t length = sizeof(json) - 1;
    return strncasecmp(type, json, length) == 0 && (type[length] == '\0' || type[length] == ';' ||
                                                    type[length] == ' ' || type[length] == '\t');
}

static bool check(void *context, const struct http_request *request, struct http_response *response)
{
    struct api_call call = {.manager = context, .request = request, .response = response};
    if (!token_accepts(call.manager->token, http_request_field(request, "authorization"))) {
        http_response_field(response, "WWW-Authenticate", "Bearer realm=\"bulkhead\"");
        api_error(&call, 401, "unauthorized",
                  "the field \"Authorization: Bearer <token>\" is missing or wrong");
        return false;
    }
    const struct api_route *route = find_route(request);
    if (route == NULL) {
        refuse_route(&call);
        return false;
    }
    if (route->body == API_JSON && !content_type_ok(http_request_field(request, "content-type"))) {
        api_error(&call, 415, "unsupportedMediaType",
                  "the body must be application/json, not %.64s",
                  http_request_field(request, "content-type"));
        return false;
    }
    return true;
}

/* Finds the value of the route's parameter; false: the query has another, or one twice. */
static bool read_query(struct api_call *call, const struct api_route *route, char value[32])
{
    const char *query = call->request->query;
    if (query == NULL || query[0] == '\0') {
        return true;
    }
    size_t length = route->parameter == NULL ? 0 : strlen(route->parameter);
    if (length == 0 || strncmp(query, route->parameter, length) != 0 || query[length] != '=' ||
        strchr(query, '&') != NULL) {
        api_error(call, 400, "unknownParameter", "query \"%.64s\": %s%s", query,
                  route->parameter == NULL ? "this path takes none" : "the one parameter here is ",
                  route->parameter == NULL ? "" : route->parameter);
        return false;
    }
    if (strlen(query + length + 1) >= 32) {
        api_error(call, 400, "badParameter", "%s: the value is too long", route->parameter);
        return false;
    }
    (void)snprintf(value, 32, "%s", query + length + 1);
    call->query = value;
    return true;
}

static bool body_ok(struct api_call *call, const struct api_route *route)
{
    const struct http_request *request = call->request;
    bool nothing = request->body_length == 0 ||
                   (request->body_length == 2 && memcmp(request->body, "{}", 2) == 0);
    if (route->body == API_NO_BODY && !nothing) {
        api_error(call, 400, "unexpectedBody", "%s on this path takes no body",
                  http_method_name(request->method));
        return false;
    }
    return true;
}

static void respond(void *context, const struct http_request *request, unsigned attempt,
                    struct http_response *response)
{
    struct api_call call = {
        .manager = context, .request = request, .response = response, .attempt = attempt};
    const struct api_route *route = find_route(request); /* check has seen that there is one */
    char value[32];
    if (!read_query(&call, route, value) || !body_ok(&call, route)) {
        return;
    }
    for (unsigned i = 0; route->pattern[i] != NULL; i++) {
        if (strcmp(route->pattern[i], API_ANY) == 0) {
            call.name = request->segments[i];
        }
    }
    route->handle(&call);
}

struct http_handler api_handler(struct manager *manager)
{
    return (struct http_handler){.context = manager, .check = check, .respond = respond};
}

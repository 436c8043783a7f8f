/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/http_response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status_text {
    unsigned status;
    const char *phrase;
    const char *code;
};

static const struct status_text status_texts[] = {
    {200, "OK", "ok"},
    {201, "Created", "created"},
    {202, "Accepted", "accepted"},
    {204, "No Content", "noContent"},
    {400, "Bad Request", "badRequest"},
    {401, "Unauthorized", "unauthorized"},
    {403, "Forbidden", "forbidden"},
    {404, "Not Found", "notFound"},
    {405, "Method Not Allowed", "methodNotAllowed"},
    {408, "Request Timeout", "requestTimeout"},
    {409, "Conflict", "conflict"},
    {413, "Content Too Large", "bodyTooLarge"},
    {414, "URI Too Long", "targetTooLong"},
    {415, "Unsupported Media Type", "unsupportedMediaType"},
    {417, "Expectation Failed", "expectationFailed"},
    {422, "Unprocessable Content", "unprocessable"},
    {431, "Request Header Fields Too Large", "headerTooLarge"},
    {500, "Internal Server Error", "internalError"},
    {501, "Not Implemented", "notImplemented"},
    {503, "Service Unavailable", "unavailable"},
    {505, "HTTP Version Not Supported", "versionNotSupported"},
    {507, "Insufficient Storage", "insufficientResources"},
};

static const struct status_text *find_status(unsigned status)
{
    static const struct status_text unknown = {0, "Error", "error"};
    for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++) {
        if (status_texts[i].status == status) {
            return &status_texts[i];
        }
    }
    return &unknown;
}

const char *http_status_code(unsigned status)
{
    return find_status(status)->code;
}

void http_response_clear(struct http_response *response)
{
    free(response->body);
    memset(response, 0, sizeof(*response));
}

void http_response_field(struct http_response *response, const char *name, const char *value)
{
    size_t room = sizeof(response->fields) - response->fields_length;
    int length =
        snprintf(response->fields + response->fields_length, room, "%s: %s\r\n", name, value);
    if (length > 0 && (size_t)length < room) {
        response->fields_length += (size_t)length;
    } else {
        response->fields[response->fields_length] = '\0'; /* no half field */
    }
}

/* Appends `text` as the inside of a JSON string; what is not printable ASCII becomes '?'. */
static size_t escape(char *out, const char *text)
{
    size_t length = 0;
    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '"' || c == '\\') {
            out[length++] = '\\';
        } else if (c < 0x20 || c > 0x7e) {
            c = '?';
        }
        out[length++] = c;
    }
    out[length] = '\0';
    return length;
}

void http_response_error(struct http_response *response, unsigned status, const char *code,
                         const char *message)
{
    static const char format[] = "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n";
    free(response->body);
    response->status = status;
    response->type = NULL;
    response->body_length = 0;
    size_t room = 2 * strlen(message) + 1;
    char *escaped = malloc(room);
    size_t size = sizeof(format) + strlen(code) + room;
    response->body = malloc(size);
    if (escaped != NULL && response->body != NULL) {
        (void)escape(escaped, message);
        int length = snprintf(response->body, size, format, code, escaped);
        response->type = "application/json";
        response->body_length = length > 0 ? (size_t)length : 0;
    }
    free(escaped);
}

size_t http_response_head(const struct http_response *response, bool keep_alive,
                          char head[HTTP_RESPONSE_HEAD])
{
    int length = snprintf(head, HTTP_RESPONSE_HEAD, "HTTP/1.1 %u %s\r\n", response->status,
                          find_status(response->status)->phrase);
    size_t used = (size_t)length;
    if (response->status != 204) {
        length = snprintf(head + used, HTTP_RESPONSE_HEAD - used, "Content-Length: %zu\r\n",
                          response->body_length);
        used += (size_t)length;
    }
    if (response->type != NULL) {
        length = snprintf(head + used, HTTP_RESPONSE_HEAD - used, "Content-Type: %s\r\n",
                          response->type);
        used += (size_t)length;
    }
    length = snprintf(head + used, HTTP_RESPONSE_HEAD - used,
                      "%sCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s\r\n",
                      response->fields, keep_alive ? "" : "Connection: close\r\n");
    return used + (size_t)length;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/http_head.h"

#include <string.h>
#include <strings.h>

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD_METHOD] = "HEAD", [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_DELETE] = "DELETE",    [HTTP_PATCH] = "PATCH",
    [HTTP_OPTIONS] = "OPTIONS", [HTTP_TRACE] = "TRACE",      [HTTP_CONNECT] = "CONNECT",
};

const char *http_method_name(enum http_method method)
{
    return method_names[method];
}

int http_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 9110 5.6.2 */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *text)
{
    if (*text == '\0') {
        return false;
    }
    while (is_token_char(*text)) {
        text++;
    }
    return *text == '\0';
}

static void parse_method(struct http_request *request, const char *name)
{
    if (!is_token(name)) {
        http_request_fail(request, 400, "the method is no token");
        return;
    }
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
        if (strcmp(method_names[i], name) == 0) {
            request->method = (enum http_method)i;
            return;
        }
    }
    http_request_fail(request, 501, "the method is not known");
}

static void parse_version(struct http_request *request, const char *version)
{
    bool well_formed = strncmp(version, "HTTP/", 5) == 0 && version[5] >= '0' &&
                       version[5] <= '9' && version[6] == '.' && version[7] >= '0' &&
                       version[7] <= '9' && version[8] == '\0';
    if (!well_formed) {
        http_request_fail(request, 400, "the request line does not end in an HTTP version");
    } else if (version[5] != '1') {
        http_request_fail(request, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    } else {
        request->minor_version = (unsigned)(version[7] - '0');
    }
}

/* Decodes %XX in place. False: a malformed one, or NUL. */
static bool percent_decode(char *text)
{
    char *out = text;
    while (*text != '\0') {
        char c = *text++;
        if (c == '%') {
            int high = http_hex_digit(text[0]);
            int low = high < 0 ? -1 : http_hex_digit(text[1]);
            if (low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            c = (char)(high << 4 | low);
            text += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return true;
}

/* `path` is behind the first '/'. Segments are decoded after they have been told apart: %2F
 * separates nothing. */
static void parse_path(struct http_request *request, char *path)
{
    for (;;) {
        char *end = strchr(path, '/');
        if (end != NULL) {
            *end = '\0';
        }
        if (!percent_decode(path)) {
            http_request_fail(request, 400, "the path contains a malformed percent-encoding");
            return;
        }
        if (request->segment_count < HTTP_SEGMENTS_MAX) {
            request->segments[request->segment_count] = path;
        }
        if (request->segment_count <= HTTP_SEGMENTS_MAX) {
            request->segment_count++;
        }
        if (end == NULL) {
            return;
        }
        path = end + 1;
    }
}

/* RFC 9112 3.2: origin-form, or absolute-form, whose host does not matter here. */
static void parse_target(struct http_request *request, char *target)
{
    for (const char *c = target; *c != '\0'; c++) {
        if (*c < 0x21 || *c > 0x7e || *c == '#') {
            http_request_fail(request, 400,
                              "the request target contains a character that must be encoded");
            return;
        }
    }
    if (strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0) {
        char *authority = strchr(target, ':') + 3;
        target = authority + strcspn(authority, "/?");
        if (*target == '\0' || *target == '?' || target == authority) {
            http_request_fail(request, 400, "the request target lacks a host or a path");
            return;
        }
    }
    if (*target != '/') {
        http_request_fail(request, 400, "the request target does not begin with a slash");
        return;
    }
    char *query = strchr(target, '?');
    if (query != NULL) {
        *query = '\0';
        request->query = query + 1;
    }
    parse_path(request, target + 1);
}

void http_head_request_line(struct http_request *request, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target == NULL ? NULL : strchr(target + 1, ' ');
    if (version == NULL || strchr(version + 1, ' ') != NULL) {
        http_request_fail(request, 400,
                          "the request line is not: method, target and version, one space between");
        return;
    }
    *target++ = '\0';
    *version++ = '\0';
    parse_version(request, version);
    if (request->phase != HTTP_FAILED) {
        parse_method(request, line);
    }
    if (request->phase != HTTP_FAILED && strlen(target) > HTTP_TARGET_MAX) {
        http_request_fail(request, 414, "the request target is longer than 2048 bytes");
    }
    if (request->phase != HTTP_FAILED) {
        parse_target(request, target);
    }
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    text[length] = '\0';
    return text;
}

static bool value_ok(const char *value)
{
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static void take_host(struct http_request *request)
{
    if (request->seen_host) {
        http_request_fail(request, 400, "there are several Host fields");
    }
    request->seen_host = true;
}

static void take_content_length(struct http_request *request, const char *value)
{
    size_t length = 0;
    const char *c = value;
    for (; *c >= '0' && *c <= '9'; c++) {
        length = length > HTTP_BODY_MAX ? length : length * 10 + (size_t)(*c - '0');
    }
    if (*c != '\0' || c == value || request->seen_length) {
        http_request_fail(request, 400, "Content-Length is not one decimal number");
        return;
    }
    request->seen_length = true;
    request->remaining = length;
}

static void take_transfer_encoding(struct http_request *request, const char *value)
{
    if (request->chunked || strcasecmp(value, "chunked") != 0) {
        http_request_fail(request, 501, "the only transfer coding known here is chunked");
        return;
    }
    request->chunked = true;
}

/* Whether the comma-separated list contains the option. */
static bool list_contains(const char *list, const char *option)
{
    size_t length = strlen(option);
    while (*list != '\0') {
        list += strspn(list, " \t,");
        size_t item = strcspn(list, " \t,");
        if (item == length && strncasecmp(list, option, length) == 0) {
            return true;
        }
        list += item;
    }
    return false;
}

static void take_expect(struct http_request *request, const char *value)
{
    if (strcasecmp(value, "100-continue") != 0) {
        http_request_fail(request, 417, "the only expectation known here is 100-continue");
        return;
    }
    request->expects_continue = true;
}

static void interpret(struct http_request *request, const struct http_field *field)
{
    if (strcasecmp(field->name, "host") == 0) {
        take_host(request);
    } else if (strcasecmp(field->name, "content-length") == 0) {
        take_content_length(request, field->value);
    } else if (strcasecmp(field->name, "transfer-encoding") == 0) {
        take_transfer_encoding(request, field->value);
    } else if (strcasecmp(field->name, "expect") == 0) {
        take_expect(request, field->value);
    } else if (strcasecmp(field->name, "authorization") == 0) {
        const char *first = http_request_field(request, "authorization");
        if (first != field->value) {
            http_request_fail(request, 400, "there are several Authorization fields");
        }
    }
}

void http_head_field(struct http_request *request, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL) {
        http_request_fail(request, 400, "a header field lacks its colon, or is folded");
        return;
    }
    *colon = '\0';
    char *value = trim(colon + 1);
    if (!is_token(line) || !value_ok(value)) {
        http_request_fail(request, 400,
                          "a header field's name is no token, or its value has control characters");
        return;
    }
    if (request->field_count == HTTP_FIELDS_MAX) {
        http_request_fail(request, 431, "there are more than 64 header fields");
        return;
    }
    struct http_field *field = &request->fields[request->field_count++];
    *field = (struct http_field){.name = line, .value = value};
    interpret(request, field);
}

const char *http_request_field(const struct http_request *request, const char *name)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        if (strcasecmp(request->fields[i].name, name) == 0) {
            return request->fields[i].value;
        }
    }
    return NULL;
}

static bool connection_says(const struct http_request *request, const char *option)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        if (strcasecmp(request->fields[i].name, "connection") == 0 &&
            list_contains(request->fields[i].value, option)) {
            return true;
        }
    }
    return false;
}

bool http_head_check(struct http_request *request)
{
    if (request->minor_version != 0 && !request->seen_host) {
        http_request_fail(request, 400, "there is no Host field");
    } else if (request->chunked && request->seen_length) {
        http_request_fail(request, 400, "Content-Length and Transfer-Encoding exclude each other");
    } else if (request->chunked && request->minor_version == 0) {
        http_request_fail(request, 400, "HTTP/1.0 has no transfer codings");
    } else if (request->remaining > HTTP_BODY_MAX) {
        http_request_fail(request, 413, "the body is larger than 65536 bytes");
    }
    request->has_body = request->chunked || request->seen_length;
    request->keep_alive = request->minor_version != 0 && !connection_says(request, "close");
    request->expects_continue &= request->minor_version != 0;
    return request->phase != HTTP_FAILED;
}

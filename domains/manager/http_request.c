/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream: lines, bodies, chunks. What the lines of the head mean is in http_head.c. */
#include "domains/manager/http_request.h"

#include <stdlib.h>
#include <string.h>

#include "domains/manager/http_head.h"

#define LINE_INCOMPLETE  SIZE_MAX
#define REQUEST_LINE_MAX (HTTP_METHOD_MAX + 1 + HTTP_TARGET_MAX + sizeof(" HTTP/1.1\r"))

void http_request_init(struct http_request *request)
{
    request->buffer = NULL;
    http_request_clear(request);
}

void http_request_clear(struct http_request *request)
{
    free(request->buffer);
    memset(request, 0, offsetof(struct http_request, head));
}

void http_request_fail(struct http_request *request, unsigned status, const char *problem)
{
    request->phase = HTTP_FAILED;
    request->status = status;
    request->problem = problem;
}

bool http_request_begun(const struct http_request *request)
{
    return request->head_length != 0 || request->phase != HTTP_READING_HEAD;
}

/* A line ends in CRLF, and CR occurs nowhere else (RFC 9112 2.2). Cuts it off; false: it is not so.
 */
static bool end_line(char *line, size_t *length)
{
    if (*length == 0 || line[*length - 1] != '\r') {
        return false;
    }
    (*length)--;
    line[*length] = '\0';
    return memchr(line, '\r', *length) == NULL && memchr(line, '\0', *length) == NULL;
}

static void head_complete(struct http_request *request)
{
    if (http_head_check(request)) {
        request->phase = HTTP_HEAD;
    }
}

/* A line of the head is complete: head[line_start, head_length), CR included. */
static void take_head_line(struct http_request *request)
{
    char *line = request->head + request->line_start;
    size_t length = request->head_length - request->line_start;
    if (!end_line(line, &length)) {
        http_request_fail(request, 400, "a line does not end in CR LF, or contains CR or NUL");
        return;
    }
    request->line_start = request->head_length;
    if (request->step == HTTP_STEP_REQUEST_LINE) {
        if (length == 0) {
            /* RFC 9112 2.2: at least one empty line before the request line should be ignored */
            request->line_start = request->head_length = 0;
            if (++request->empty_lines > 2) {
                http_request_fail(request, 400, "empty lines before the request line");
            }
            return;
        }
        http_head_request_line(request, line);
        request->step = HTTP_STEP_FIELDS;
    } else if (length == 0) {
        head_complete(request);
    } else {
        http_head_field(request, line);
    }
}

static void head_too_large(struct http_request *request)
{
    if (request->step == HTTP_STEP_REQUEST_LINE) {
        http_request_fail(request, 414, "the request line is too long");
    } else {
        http_request_fail(request, 431, "the header fields are too large");
    }
}

static size_t feed_head(struct http_request *request, const uint8_t *data, size_t size)
{
    size_t taken = 0;
    while (taken < size && request->phase == HTTP_READING_HEAD) {
        size_t limit = request->step == HTTP_STEP_REQUEST_LINE ? REQUEST_LINE_MAX : HTTP_HEAD_MAX;
        char c = (char)data[taken++];
        if (c == '\n') {
            take_head_line(request);
        } else if (request->head_length >= limit) {
            head_too_large(request);
        } else {
            request->head[request->head_length++] = c;
        }
    }
    return taken;
}

static bool reserve_body(struct http_request *request, size_t size)
{
    request->buffer = malloc(size + 1);
    if (request->buffer == NULL) {
        http_request_fail(request, 503, "there is no memory for the body");
        return false;
    }
    request->body = request->buffer;
    request->body_size = size;
    return true;
}

static void body_complete(struct http_request *request)
{
    if (request->buffer != NULL) {
        request->buffer[request->body_length] = 0;
    }
    request->phase = HTTP_COMPLETE;
}

void http_request_accept(struct http_request *request)
{
    if (request->chunked) {
        if (reserve_body(request, HTTP_BODY_MAX)) {
            request->phase = HTTP_READING_BODY;
            request->step = HTTP_STEP_CHUNK_SIZE;
        }
        return;
    }
    if (request->remaining == 0) {
        body_complete(request);
        return;
    }
    if (reserve_body(request, request->remaining)) {
        request->phase = HTTP_READING_BODY;
        request->step = HTTP_STEP_BODY;
    }
}

/* Copies what belongs to the body or chunk; there is room, the lengths have been checked. */
static size_t feed_data(struct http_request *request, const uint8_t *data, size_t size)
{
    size_t count = size < request->remaining ? size : request->remaining;
    memcpy(request->buffer + request->body_length, data, count);
    request->body_length += count;
    request->remaining -= count;
    return count;
}

/* chunk-size, in hexadecimal, and extensions, which are ignored (RFC 9112 7.1.1) */
static void take_chunk_size(struct http_request *request)
{
    size_t size = 0;
    size_t digits = 0;
    for (const char *c = request->line; http_hex_digit(*c) >= 0; c++) {
        size = size << 4 | (size_t)http_hex_digit(*c);
        digits++;
        if (size > HTTP_BODY_MAX - request->body_length) {
            http_request_fail(request, 413, "the body is larger than 65536 bytes");
            return;
        }
    }
    char next = request->line[digits];
    if (digits == 0 || (next != '\0' && next != ';')) {
        http_request_fail(request, 400, "a chunk's size is no hexadecimal number");
        return;
    }
    request->remaining = size;
    request->step = size == 0 ? HTTP_STEP_TRAILER : HTTP_STEP_CHUNK_DATA;
}

static void take_body_line(struct http_request *request)
{
    size_t length = request->line_length;
    request->line_length = 0;
    if (!end_line(request->line, &length)) {
        http_request_fail(request, 400, "a line of the chunked body does not end in CR LF");
    } else if (request->step == HTTP_STEP_CHUNK_SIZE) {
        take_chunk_size(request);
    } else if (request->step == HTTP_STEP_TRAILER) {
        if (length == 0) {
            body_complete(request);
        }
    } else if (length != 0) { /* HTTP_STEP_CHUNK_END */
        http_request_fail(request, 400, "a chunk is longer than its size says");
    } else {
        request->step = HTTP_STEP_CHUNK_SIZE;
    }
}

static void feed_line(struct http_request *request, char c)
{
    if (request->step == HTTP_STEP_TRAILER && ++request->trailer_size > HTTP_TRAILER_MAX) {
        http_request_fail(request, 431, "the trailer fields are too large");
    } else if (c == '\n') {
        take_body_line(request);
    } else if (request->line_length == HTTP_LINE_MAX) {
        http_request_fail(request, request->step == HTTP_STEP_TRAILER ? 431 : 400,
                          "a line of the chunked body is too long");
    } else {
        request->line[request->line_length++] = c;
    }
}

static size_t feed_body(struct http_request *request, const uint8_t *data, size_t size)
{
    size_t taken = 0;
    while (taken < size && request->phase == HTTP_READING_BODY) {
        if (request->step == HTTP_STEP_BODY || request->step == HTTP_STEP_CHUNK_DATA) {
            taken += feed_data(request, data + taken, size - taken);
            if (request->remaining == 0 && request->step == HTTP_STEP_BODY) {
                body_complete(request);
            } else if (request->remaining == 0) {
                request->step = HTTP_STEP_CHUNK_END;
            }
        } else {
            feed_line(request, (char)data[taken++]);
        }
    }
    return taken;
}

size_t http_request_feed(struct http_request *request, const uint8_t *data, size_t size)
{
    if (request->phase == HTTP_READING_HEAD) {
        return feed_head(request, data, size);
    }
    if (request->phase == HTTP_READING_BODY) {
        return feed_body(request, data, size);
    }
    return 0;
}

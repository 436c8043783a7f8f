/* SPDX-License-Identifier: BSD-2-Clause */
/* What a handler answers. Pure. */
#ifndef MANAGER_HTTP_RESPONSE_H
#define MANAGER_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_RESPONSE_FIELDS 512u
#define HTTP_RESPONSE_HEAD   1024u

struct http_response {
    unsigned status; /* 0: not ready, ask again after later_us */
    uint32_t later_us;
    const char *type; /* of the body; NULL: none */
    char *body;       /* malloc'ed, or NULL; freed by http_response_clear */
    size_t body_length;
    size_t fields_length;
    char fields[HTTP_RESPONSE_FIELDS]; /* further fields, each ended by CRLF */
};

/* Frees the body and makes all fields empty. `response` is zeroed memory at first. */
void http_response_clear(struct http_response *response);

/* Adds "name: value". Both are the program's own text, without CR and LF. */
void http_response_field(struct http_response *response, const char *name, const char *value);

/* The JSON error document that all errors have: {"error": {"code": ..., "message": ...}}. `message`
 * may contain anything. */
void http_response_error(struct http_response *response, unsigned status, const char *code,
                         const char *message);

/* Writes status line and fields to `head`; returns their length. */
size_t http_response_head(const struct http_response *response, bool keep_alive,
                          char head[HTTP_RESPONSE_HEAD]);

/* The code that goes with a status when there is no better one: 400 is "badRequest". */
const char *http_status_code(unsigned status);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One HTTP/1.1 request (RFC 9110, RFC 9112), taken from a stream of bytes that may be cut anywhere.
 * Pure; the only memory it allocates is that of an accepted body.
 *
 * Strict, because what stands in front of it may understand a sloppy message differently: lines end
 * in CRLF, no folded fields, no space before a colon, Host exactly once, Content-Length once and
 * never beside Transfer-Encoding. What it refuses ends in HTTP_FAILED with a status code and a
 * sentence; after that the connection can't be used any more.
 *
 *     http_request_feed until HTTP_HEAD: the head is complete; look at it, then http_request_accept
 *     http_request_feed until HTTP_COMPLETE: body and body_length hold what was sent
 *     http_request_clear: ready for the next
 */
#ifndef MANAGER_HTTP_REQUEST_H
#define MANAGER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX     8192u /* bytes of request line and fields */
#define HTTP_TARGET_MAX   2048u
#define HTTP_METHOD_MAX   16u
#define HTTP_FIELDS_MAX   64u
#define HTTP_BODY_MAX     65536u
#define HTTP_SEGMENTS_MAX 8u
#define HTTP_LINE_MAX     256u /* of a chunk's size, or a trailer field */
#define HTTP_TRAILER_MAX  1024u

enum http_phase {
    HTTP_READING_HEAD = 0,
    HTTP_HEAD, /* complete, the body not begun */
    HTTP_READING_BODY,
    HTTP_COMPLETE,
    HTTP_FAILED,
};

enum http_method {
    HTTP_GET = 0,
    HTTP_HEAD_METHOD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_CONNECT,
    HTTP_METHOD_COUNT,
};

struct http_field {
    const char *name;  /* as sent */
    const char *value; /* without space around it */
};

/* What the parser is in the middle of. */
enum http_step {
    HTTP_STEP_REQUEST_LINE = 0,
    HTTP_STEP_FIELDS,
    HTTP_STEP_BODY,
    HTTP_STEP_CHUNK_SIZE,
    HTTP_STEP_CHUNK_DATA,
    HTTP_STEP_CHUNK_END,
    HTTP_STEP_TRAILER,
};

struct http_request {
    enum http_phase phase;
    unsigned status;     /* HTTP_FAILED: 400, 413, 414, 431, 501 or 505 */
    const char *problem; /* HTTP_FAILED: a sentence */

    /* valid from HTTP_HEAD on; strings lie in `head` */
    enum http_method method;
    unsigned minor_version;                    /* HTTP/1.x */
    const char *segments[HTTP_SEGMENTS_MAX];   /* of the path, percent-decoded */
    unsigned segment_count;                    /* HTTP_SEGMENTS_MAX + 1: there are more */
    const char *query;                         /* behind '?', as sent; NULL: none */
    struct http_field fields[HTTP_FIELDS_MAX]; /* in order */
    unsigned field_count;
    bool keep_alive;
    bool expects_continue;
    bool has_body; /* also when its length is 0 */

    /* valid in HTTP_COMPLETE */
    const uint8_t *body; /* followed by a NUL; NULL when there is none */
    size_t body_length;

    /* private */
    enum http_step step;
    bool chunked;
    bool seen_host;
    bool seen_length;
    unsigned empty_lines;
    size_t remaining; /* of the body or chunk */
    size_t body_size; /* allocated, without the NUL */
    uint8_t *buffer;
    size_t head_length;
    size_t line_start;   /* in `head` */
    size_t line_length;  /* in `line` */
    size_t trailer_size; /* bytes of trailer fields so far */
    char head[HTTP_HEAD_MAX + 1];
    char line[HTTP_LINE_MAX + 1];
};

/* For memory that holds no request yet. */
void http_request_init(struct http_request *request);

/* Forgets the request and frees its body: ready for the next one. */
void http_request_clear(struct http_request *request);

/* Takes bytes until the phase changes or there are no more. Returns how many were taken. */
size_t http_request_feed(struct http_request *request, const uint8_t *data, size_t size);

/* In HTTP_HEAD: go on with the body. The phase becomes READING_BODY, COMPLETE (no body) or FAILED
 * (out of memory: 503). */
void http_request_accept(struct http_request *request);

/* Whether any byte of a request has come. */
bool http_request_begun(const struct http_request *request);

/* The value of the first field of this name (any case), or NULL. */
const char *http_request_field(const struct http_request *request, const char *name);

const char *http_method_name(enum http_method method);

#endif

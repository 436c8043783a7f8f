/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lines of a request's head mean; for http_request.c. Lines are NUL-terminated, lie in
 * request->head and contain neither CR, LF nor NUL. What is wrong fails the request. */
#ifndef MANAGER_HTTP_HEAD_H
#define MANAGER_HTTP_HEAD_H

#include "domains/manager/http_request.h"

void http_head_request_line(struct http_request *request, char *line);
void http_head_field(struct http_request *request, char *line);

/* All lines have come: does the head make sense as a whole? */
bool http_head_check(struct http_request *request);

void http_request_fail(struct http_request *request, unsigned status, const char *problem);

/* 0 to 15, or -1. */
int http_hex_digit(char c);

#endif

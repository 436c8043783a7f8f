/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The management API (docs/api.md, docs/api.yaml): routes, and who may use them. No transport and
 * no system calls: it answers struct http_request with struct http_response, on the struct manager
 * it is given.
 */
#ifndef MANAGER_API_H
#define MANAGER_API_H

#include "domains/manager/http_connection.h"
#include "domains/manager/manager.h"

/* The handler of the server's connections; `manager` must stay. */
struct http_handler api_handler(struct manager *manager);

#endif

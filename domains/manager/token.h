/* SPDX-License-Identifier: BSD-2-Clause */
/* Bearer tokens (RFC 6750). Pure. */
#ifndef MANAGER_TOKEN_H
#define MANAGER_TOKEN_H

#include <stdbool.h>

/*
 * Whether the value of an Authorization field (NULL: there is none) carries `token`. How long the
 * comparison takes depends on the length of what was sent, not on where it differs from the token.
 */
bool token_accepts(const char *token, const char *authorization);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/token.h"

#include <string.h>
#include <strings.h>

/* Compares all of `given`, whatever the outcome; the token's own length may show, its characters do
 * not. */
static bool equal(const char *token, const char *given)
{
    size_t token_length = strlen(token);
    size_t given_length = strlen(given);
    volatile unsigned difference = token_length == given_length ? 0 : 1;
    for (size_t i = 0; i < given_length; i++) {
        difference |= (unsigned char)token[i % token_length] ^ (unsigned char)given[i];
    }
    return difference == 0;
}

bool token_accepts(const char *token, const char *authorization)
{
    if (token[0] == '\0' || authorization == NULL ||
        strncasecmp(authorization, "Bearer ", 7) != 0) {
        return false;
    }
    authorization += 7;
    authorization += strspn(authorization, " ");
    return equal(token, authorization);
}

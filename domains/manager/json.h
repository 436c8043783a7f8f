/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cJSON, with what the API needs beyond it: 64-bit integers without rounding, text from tables of
 * others, refusals that name the field, and failures for lack of memory that need to be looked at
 * only once.
 */
#ifndef MANAGER_JSON_H
#define MANAGER_JSON_H

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- writing: an item that can't be made sets *failed; NULL parents are ignored --- */

struct json_writer {
    cJSON *root;
    bool failed;
};

cJSON *json_begin(struct json_writer *writer);
cJSON *json_object(struct json_writer *writer, cJSON *parent, const char *key);
cJSON *json_array(struct json_writer *writer, cJSON *parent, const char *key);
cJSON *json_element(struct json_writer *writer, cJSON *array); /* a new object in it */
void json_string(struct json_writer *writer, cJSON *parent, const char *key, const char *text);
void json_unsigned(struct json_writer *writer, cJSON *parent, const char *key, uint64_t value);
void json_bool(struct json_writer *writer, cJSON *parent, const char *key, bool value);

/* Frees the tree and returns its text (malloc'ed, a newline at the end), or NULL: out of memory. */
char *json_end(struct json_writer *writer);

/* --- reading --- */

#define JSON_PROBLEM_MAX 256u

/*
 * Parses a whole document. NULL, and a sentence in `problem`: no JSON, deeper than 8 levels,
 * characters after it, a NUL inside a string, or an object that has a key twice.
 */
cJSON *json_parse(const char *text, size_t length, char problem[JSON_PROBLEM_MAX]);

/* False, and a sentence: `object` is no object or has a key that is not in `allowed` (ended by
 * NULL). `where` names it. */
bool json_only(const cJSON *object, const char *where, const char *const *allowed,
               char problem[JSON_PROBLEM_MAX]);

#endif

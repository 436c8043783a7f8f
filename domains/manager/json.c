/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8

static cJSON *add(struct json_writer *writer, cJSON *parent, const char *key, cJSON *item)
{
    if (item != NULL && parent != NULL && cJSON_AddItemToObject(parent, key, item)) {
        return item;
    }
    cJSON_Delete(item);
    writer->failed = true;
    return NULL;
}

cJSON *json_begin(struct json_writer *writer)
{
    writer->root = cJSON_CreateObject();
    writer->failed = writer->root == NULL;
    return writer->root;
}

cJSON *json_object(struct json_writer *writer, cJSON *parent, const char *key)
{
    return add(writer, parent, key, cJSON_CreateObject());
}

cJSON *json_array(struct json_writer *writer, cJSON *parent, const char *key)
{
    return add(writer, parent, key, cJSON_CreateArray());
}

cJSON *json_element(struct json_writer *writer, cJSON *array)
{
    cJSON *item = cJSON_CreateObject();
    if (item != NULL && array != NULL && cJSON_AddItemToArray(array, item)) {
        return item;
    }
    cJSON_Delete(item);
    writer->failed = true;
    return NULL;
}

void json_string(struct json_writer *writer, cJSON *parent, const char *key, const char *text)
{
    /* Tables of others may hold any bytes: a document must be UTF-8, and ASCII is enough for all
     * names here. */
    char *copy = strdup(text);
    if (copy == NULL) {
        writer->failed = true;
        return;
    }
    for (char *c = copy; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x7f) {
            *c = '?';
        }
    }
    (void)add(writer, parent, key, cJSON_CreateString(copy));
    free(copy);
}

void json_unsigned(struct json_writer *writer, cJSON *parent, const char *key, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    (void)add(writer, parent, key, cJSON_CreateRaw(digits));
}

void json_bool(struct json_writer *writer, cJSON *parent, const char *key, bool value)
{
    (void)add(writer, parent, key, cJSON_CreateBool(value));
}

char *json_end(struct json_writer *writer)
{
    char *printed = writer->failed ? NULL : cJSON_PrintUnformatted(writer->root);
    cJSON_Delete(writer->root);
    writer->root = NULL;
    if (printed == NULL) {
        return NULL;
    }
    size_t length = strlen(printed);
    char *text = realloc(printed, length + 2);
    if (text == NULL) {
        free(printed);
        return NULL;
    }
    memcpy(text + length, "\n", 2);
    return text;
}

/* Before cJSON sees it: how deep it nests, and whether a string has an escaped NUL, at which cJSON
 * would cut it. */
static const char *scan(const char *text, size_t length)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '\0') {
            return "the body contains a NUL byte";
        }
        if (in_string && c == '\\') {
            if (length - i > 5 && memcmp(text + i, "\\u0000", 6) == 0) {
                return "a string contains a NUL character";
            }
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (in_string && (unsigned char)c < 0x20) {
            return "a string contains a control character";
        } else if (!in_string && (c == '{' || c == '[')) {
            if (++depth > DEPTH_MAX) {
                return "the body nests too deeply";
            }
        } else if (!in_string && (c == '}' || c == ']')) {
            depth--;
        }
    }
    return NULL;
}

static const char *find_duplicate(const cJSON *item)
{
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        for (const cJSON *other = child->next; cJSON_IsObject(item) && other != NULL;
             other = other->next) {
            if (strcmp(child->string, other->string) == 0) {
                return child->string;
            }
        }
        const char *deeper = find_duplicate(child); /* at most DEPTH_MAX levels */
        if (deeper != NULL) {
            return deeper;
        }
    }
    return NULL;
}

static size_t count_items(const cJSON *item)
{
    size_t count = 1;
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        count += count_items(child);
    }
    return count;
}

#define ITEMS_MAX 256u /* of a document: the largest that anything accepts has far fewer */

cJSON *json_parse(const char *text, size_t length, char problem[JSON_PROBLEM_MAX])
{
    const char *reason = scan(text, length);
    if (reason != NULL) {
        (void)snprintf(problem, JSON_PROBLEM_MAX, "%s", reason);
        return NULL;
    }
    const char *end = text;
    cJSON *root = cJSON_ParseWithLengthOpts(text, length, &end, false);
    if (root == NULL) {
        (void)snprintf(problem, JSON_PROBLEM_MAX, "the body is no JSON: error at byte %zu",
                       (size_t)(end - text));
        return NULL;
    }
    size_t rest = (size_t)(end - text);
    while (rest < length && strchr(" \t\r\n", text[rest]) != NULL) {
        rest++;
    }
    if (rest < length) {
        (void)snprintf(problem, JSON_PROBLEM_MAX,
                       "the body goes on after its JSON value, at byte %zu", rest);
    } else if (count_items(root) > ITEMS_MAX) {
        (void)snprintf(problem, JSON_PROBLEM_MAX, "the body has more than %u values", ITEMS_MAX);
    } else {
        const char *twice = find_duplicate(root);
        if (twice == NULL) {
            return root;
        }
        (void)snprintf(problem, JSON_PROBLEM_MAX, "%.64s: given twice", twice);
    }
    cJSON_Delete(root);
    return NULL;
}

static bool listed(const char *key, const char *const *allowed)
{
    for (; *allowed != NULL; allowed++) {
        if (strcmp(key, *allowed) == 0) {
            return true;
        }
    }
    return false;
}

bool json_only(const cJSON *object, const char *where, const char *const *allowed,
               char problem[JSON_PROBLEM_MAX])
{
    if (!cJSON_IsObject(object)) {
        (void)snprintf(problem, JSON_PROBLEM_MAX, "%s: must be an object", where);
        return false;
    }
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        if (!listed(child->string, allowed)) {
            (void)snprintf(problem, JSON_PROBLEM_MAX, "%.64s: there is no such field in %s",
                           child->string, where);
            return false;
        }
    }
    return true;
}

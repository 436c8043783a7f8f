/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/runtime/argument.h"

#include <string.h>

bool argument_find(const char *arguments, const char *name, char *value, size_t size)
{
    size_t name_length = strlen(name);
    for (const char *word = arguments; *word != 0;) {
        size_t length = strcspn(word, " ");
        bool match = length >= name_length && memcmp(word, name, name_length) == 0;
        if (match && (length == name_length || word[name_length] == '=')) {
            if (value != NULL && size > 0) {
                size_t skip = length == name_length ? length : name_length + 1;
                size_t count = length - skip < size - 1 ? length - skip : size - 1;
                memcpy(value, word + skip, count);
                value[count] = 0;
            }
            return true;
        }
        word += length;
        word += strspn(word, " ");
    }
    return false;
}

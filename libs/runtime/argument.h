/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a domain's arguments, separated by spaces: "flag" or "name=value". */
#ifndef LIBS_RUNTIME_ARGUMENT_H
#define LIBS_RUNTIME_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>

/* As bh_argument: whether the first word with this name is there; its value ("" for a flag) goes to
 * `value`, cut to fit. */
bool argument_find(const char *arguments, const char *name, char *value, size_t size);

#endif

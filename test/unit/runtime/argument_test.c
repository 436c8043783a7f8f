/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a domain's arguments are found whole, never as a part of another. */
#include <string.h>

#include "libs/runtime/argument.h"
#include "test/unit/check.h"

static void value_is(const char *arguments, const char *name, const char *expected)
{
    char value[16];
    CHECK(argument_find(arguments, name, value, sizeof(value)));
    CHECK(strcmp(value, expected) == 0);
}

int main(void)
{
    value_is("raw", "raw", "");
    value_is("show=debian1 raw", "raw", "");
    value_is("show=debian1 raw", "show", "debian1");
    value_is("  raw   show=debian1  ", "show", "debian1");
    value_is("show=", "show", "");
    value_is("show==x", "show", "=x");
    value_is("show=a show=b", "show", "a");
    value_is("showy=a show=b", "show", "b");
    value_is("show=aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "show", "aaaaaaaaaaaaaaa");
    CHECK(!argument_find("", "raw", NULL, 0));
    CHECK(!argument_find("   ", "raw", NULL, 0));
    CHECK(!argument_find("rawer draw x=raw", "raw", NULL, 0));
    CHECK(argument_find("x raw", "raw", NULL, 0));
    char byte = '#';
    CHECK(argument_find("show=x", "show", &byte, 0) && byte == '#');
    CHECK(argument_find("show=x", "show", &byte, 1) && byte == 0);
    return 0;
}

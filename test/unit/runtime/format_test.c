/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatting says what the C library's says, for all it supports, and never writes past the buffer.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "libs/runtime/format.h"
#include "test/unit/check.h"

#define SAME(...)                                                        \
    do {                                                                 \
        char ours[256], theirs[256];                                     \
        int length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);      \
        CHECK_EQUAL(bh_format(ours, sizeof(ours), __VA_ARGS__), length); \
        CHECK(strcmp(ours, theirs) == 0);                                \
    } while (0)

static void integers_are_as_in_c(void)
{
    const int ints[] = {0, 1, -1, 9, 10, -10, 255, INT_MAX, INT_MIN, 123456};
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        SAME("%d", ints[i]);
        SAME("%i|%5d|%-5d|%05d|%12d|%-12d|%012d", ints[i], ints[i], ints[i], ints[i], ints[i],
             ints[i], ints[i]);
        SAME("%u %x %X %08x %-8x|", (unsigned)ints[i], (unsigned)ints[i], (unsigned)ints[i],
             (unsigned)ints[i], (unsigned)ints[i]);
        SAME("%hhd %hhu %hd %hu", (signed char)ints[i], (unsigned char)ints[i], (short)ints[i],
             (unsigned short)ints[i]);
    }
    const int64_t longs[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1000000000000};
    for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
        SAME("%ld %lu %lx", (long)longs[i], (unsigned long)longs[i], (unsigned long)longs[i]);
        SAME("%lld %llu %llx", (long long)longs[i], (unsigned long long)longs[i],
             (unsigned long long)longs[i]);
        SAME("%zu %jd %td %zx", (size_t)longs[i], (intmax_t)longs[i], (ptrdiff_t)longs[i],
             (size_t)longs[i]);
        SAME("%24" PRId64 "|%-24" PRIu64 "|%024" PRIx64, longs[i], (uint64_t)longs[i],
             (uint64_t)longs[i]);
    }
    SAME("%*d|%-*d|%*d", 6, 42, 6, 42, -6, 42);
}

static void text_is_as_in_c(void)
{
    SAME("%s", "debian1");
    SAME("%s%s", "", "x");
    SAME("%10s|%-10s|%.3s|%10.3s|%-10.3s|%.*s|%.0s", "bulkhead", "bulkhead", "bulkhead", "bulkhead",
         "bulkhead", 4, "bulkhead", "bulkhead");
    SAME("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
    SAME("100%% of %d", 5);
    SAME("no conversion");
    SAME("%.*s", -1, "all");
    char buffer[32];
    const char *volatile none = NULL;
    CHECK_EQUAL(bh_format(buffer, sizeof(buffer), "<%s>", none), 8);
    CHECK(strcmp(buffer, "<(null)>") == 0);
    (void)bh_format(buffer, sizeof(buffer), "%p", (void *)(uintptr_t)0x1234abcd);
    CHECK(strcmp(buffer, "0x1234abcd") == 0);
}

static void a_precision_bounds_what_is_read(void)
{
    const char unterminated[3] = {'a', 'b', 'c'};
    char buffer[16];
    CHECK_EQUAL(bh_format(buffer, sizeof(buffer), "%.3s", unterminated), 3);
    CHECK(strcmp(buffer, "abc") == 0);
}

static void text_is_cut_to_the_buffer(void)
{
    for (size_t size = 0; size <= 40; size++) {
        char *buffer = malloc(size + 1); /* the sanitizer watches its ends */
        CHECK(buffer != NULL);
        buffer[size] = '#';
        size_t length = bh_format(buffer, size, "%s %8d %-8x|%c", "name", -42, 0xffu, 'z');
        char whole[64];
        int whole_length =
            snprintf(whole, sizeof(whole), "%s %8d %-8x|%c", "name", -42, 0xffu, 'z');
        size_t expected = size == 0                     ? 0
                          : (size_t)whole_length < size ? (size_t)whole_length
                                                        : size - 1;
        CHECK_EQUAL(length, expected);
        CHECK(buffer[size] == '#');
        if (size > 0) {
            CHECK(memcmp(buffer, whole, length) == 0);
            CHECK(buffer[length] == 0);
        }
        free(buffer);
    }
}

static size_t format_unchecked(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t length = bh_format_list(buffer, size, format, arguments);
#pragma GCC diagnostic pop
    va_end(arguments);
    return length;
}

static void unknown_conversions_end_it(void)
{
    char buffer[64];
    (void)format_unchecked(buffer, sizeof(buffer), "a %d %f %s", 1, "not read");
    CHECK(strcmp(buffer, "a 1 %f %s") == 0);
    (void)format_unchecked(buffer, sizeof(buffer), "%n");
    CHECK(strcmp(buffer, "%n") == 0);
    (void)format_unchecked(buffer, sizeof(buffer), "50%");
    CHECK(strcmp(buffer, "50%") == 0);
    (void)format_unchecked(buffer, sizeof(buffer), "%99999999999999999999999d", 7);
    CHECK_EQUAL(strlen(buffer), sizeof(buffer) - 1);
}

int main(void)
{
    integers_are_as_in_c();
    text_is_as_in_c();
    a_precision_bounds_what_is_read();
    text_is_cut_to_the_buffer();
    unknown_conversions_end_it();
    return 0;
}

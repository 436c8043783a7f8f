/* SPDX-License-Identifier: BSD-2-Clause */
/* The bundle: what a good archive yields, and that none of the ways to damage one reads beyond it.
 */
#include <string.h>

#include "domains/root/bundle.h"
#include "test/unit/check.h"

/* Appends a member to `archive`; `padding` extra NULs follow the name. Returns the new size. */
static size_t member(char *archive, size_t size, const char *name, unsigned padding,
                     const char *contents, unsigned mode)
{
    size_t name_size = strlen(name) + 1 + padding;
    size += (size_t)sprintf(
        archive + size, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1u, mode, 0u,
        0u, 1u, 0u, (unsigned)strlen(contents), 0u, 0u, 0u, 0u, (unsigned)name_size, 0u);
    memset(archive + size, 0, name_size);
    memcpy(archive + size, name, strlen(name));
    size += name_size;
    while (size % 4 != 0) {
        archive[size++] = 0;
    }
    memcpy(archive + size, contents, strlen(contents));
    size += strlen(contents);
    while (size % 4 != 0) {
        archive[size++] = 0;
    }
    return size;
}

static size_t sample(char *archive)
{
    size_t size = member(archive, 0, "root", 13, "first", 0100444);
    size = member(archive, size, "folder", 0, "", 0040755);
    size = member(archive, size, "system.dtb", 0, "description", 0100444);
    return member(archive, size, "TRAILER!!!", 0, "", 0);
}

/* The archive in memory of exactly its size, so that the sanitizer sees a byte beyond it. */
static enum bundle_status check_copy(const char *archive, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    CHECK(copy != NULL);
    memcpy(copy, archive, size);
    struct bundle bundle = {copy, size};
    enum bundle_status status = bundle_check(&bundle);
    struct bundle_file file;
    if (bundle_find(&bundle, "system.dtb", &file)) {
        CHECK(file.data >= copy && file.data + file.size <= copy + size);
    }
    CHECK(!bundle_find(&bundle, "nothing", &file));
    free(copy);
    return status;
}

static void finds_files(void)
{
    static char archive[4096];
    struct bundle bundle = {(const uint8_t *)archive, sample(archive)};
    struct bundle_file file;
    CHECK_EQUAL(bundle_check(&bundle), BUNDLE_END);
    CHECK(bundle_find(&bundle, "root", &file));
    CHECK(file.size == 5 && memcmp(file.data, "first", 5) == 0);
    CHECK(bundle_find(&bundle, "system.dtb", &file));
    CHECK(file.size == 11 && memcmp(file.data, "description", 11) == 0);
    CHECK(!bundle_find(&bundle, "folder", &file)); /* no regular file */
    CHECK(!bundle_find(&bundle, "TRAILER!!!", &file));
}

static void survives_truncation(void)
{
    static char archive[4096];
    size_t size = sample(archive);
    for (size_t i = 0; i < size - 12; i++) {
        CHECK(check_copy(archive, i) != BUNDLE_END);
    }
}

static void survives_damage(void)
{
    static char archive[4096];
    size_t size = sample(archive);
    for (size_t i = 0; i < size; i++) {
        char before = archive[i];
        const char values[] = {0, 'f', 'F', 'x', (char)0xff};
        for (size_t j = 0; j < sizeof(values); j++) {
            archive[i] = values[j];
            (void)check_copy(archive, size);
        }
        archive[i] = before;
    }
}

static void rejects_bad_headers(void)
{
    static char archive[4096];
    size_t size = sample(archive);
    memcpy(archive + 6 + 11 * 8, "00000000", 8); /* no name at all */
    CHECK_EQUAL(check_copy(archive, size), BUNDLE_BAD_HEADER);
    size = sample(archive);
    memcpy(archive + 6 + 11 * 8, "00000003", 8); /* a name without its NUL */
    CHECK_EQUAL(check_copy(archive, size), BUNDLE_BAD_HEADER);
    size = sample(archive);
    memcpy(archive + 6 + 6 * 8, "FFFFFFFF", 8); /* contents beyond the end */
    CHECK_EQUAL(check_copy(archive, size), BUNDLE_TRUNCATED);
    size = sample(archive);
    archive[0] = '1';
    CHECK_EQUAL(check_copy(archive, size), BUNDLE_BAD_HEADER);
}

int main(void)
{
    finds_files();
    survives_truncation();
    survives_damage();
    rejects_bad_headers();
    return 0;
}

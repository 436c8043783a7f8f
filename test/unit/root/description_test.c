/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads system descriptions: description_test DTB DTS [DTB DTS]... Each source says in comments
 * what must come of it:
 *
 *     // expect: /guests/a: memory: out of range       a message (all of them, in any order)
 *     // present: console storage channel:x guest:a    what is not left out (all of it, in this
 * order)
 *
 * Then the tree is damaged in many ways; reading it must end, and touch nothing outside of it.
 */
#include <stdbool.h>
#include <string.h>

#include "domains/root/description.h"
#include "test/unit/check.h"

#define LINES_MAX 128
#define LINE_MAX_ 256

static char lines[LINES_MAX][LINE_MAX_];
static unsigned line_count;
static bool quiet;
static struct description description;

static void line(void *context, const char *node, const char *property, const char *reason,
                 const char *subject)
{
    CHECK(context == lines);
    if (quiet) {
        return;
    }
    CHECK(line_count < LINES_MAX);
    snprintf(lines[line_count++], LINE_MAX_, "%s%s%s: %s%s%s", node, property[0] ? ": " : "",
             property, reason, subject[0] ? " " : "", subject);
}

static bool program_exists(void *context, const char *name)
{
    static const char *const programs[] = {"console", "storage", "network", "manager", "vmm"};
    CHECK(context == NULL);
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(programs[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_tree(const void *tree, size_t size)
{
    static const struct description_programs programs = {program_exists, NULL};
    static const struct description_report report = {line, lines};
    line_count = 0;
    return description_read(tree, size, &description, &programs, &report);
}

static char *read_file(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    CHECK(file != NULL);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*size + 1);
    CHECK(data != NULL && fread(data, 1, *size, file) == *size);
    data[*size] = 0;
    fclose(file);
    return data;
}

static void append(char *text, const char *kind, const char *name)
{
    strcat(strcat(strcat(text, text[0] ? " " : ""), kind), name);
}

/* What is present, as the sources say it. */
static void list_present(char *text)
{
    text[0] = 0;
    for (uint32_t i = 0; i < description.domain_count; i++) {
        if (description.domain[i].present) {
            append(text, "", description.domain[i].name);
        }
    }
    for (uint32_t i = 0; i < description.channel_count; i++) {
        if (description.channel[i].present) {
            append(text, "channel:", description.channel[i].name);
        }
    }
    for (uint32_t i = 0; i < description.network_count; i++) {
        if (description.network[i].present) {
            append(text, "network:", description.network[i].name);
        }
    }
    for (uint32_t i = 0; i < description.guest_count; i++) {
        if (description.guest[i].present) {
            append(text, "guest:", description.guest[i].config.name);
        }
    }
}

static bool take_line(const char *expected)
{
    for (unsigned i = 0; i < line_count; i++) {
        if (strcmp(lines[i], expected) == 0) {
            lines[i][0] = 0;
            return true;
        }
    }
    return false;
}

/* Compares with the comments of the source. */
static void compare(const char *name, char *source)
{
    bool good = true;
    char present[2048];
    list_present(present);
    for (char *at = strtok(source, "\n"); at != NULL; at = strtok(NULL, "\n")) {
        at += strspn(at, " ");
        if (strncmp(at, "// expect: ", 11) == 0 && !take_line(at + 11)) {
            fprintf(stderr, "%s: not said: %s\n", name, at + 11);
            good = false;
        }
        if (strncmp(at, "// present: ", 12) == 0 && strcmp(at + 12, present) != 0) {
            fprintf(stderr, "%s: present is: %s\n", name, present);
            good = false;
        }
    }
    for (unsigned i = 0; i < line_count; i++) {
        if (lines[i][0] != 0) {
            fprintf(stderr, "%s: said in vain: %s\n", name, lines[i]);
            good = false;
        }
    }
    CHECK(good);
}

static void damage(const char *tree, size_t size)
{
    char *copy = malloc(size);
    uint32_t random = 12345;
    CHECK(copy != NULL);
    quiet = true;
    for (unsigned round = 0; round < 3000; round++) {
        memcpy(copy, tree, size);
        for (unsigned i = 0; i <= round % 4; i++) {
            random = random * 1664525u + 1013904223u;
            copy[(random >> 8) % size] = (char)(random >> 3);
        }
        (void)read_tree(copy, size - (round % 8 == 0 ? random % size : 0));
    }
    quiet = false;
    free(copy);
}

int main(int argc, char **argv)
{
    CHECK(argc > 2 && argc % 2 == 1);
    for (int i = 1; i < argc; i += 2) {
        size_t size;
        size_t source_size;
        char *tree = read_file(argv[i], &size);
        char *source = read_file(argv[i + 1], &source_size);
        bool good = read_tree(tree, size);
        CHECK(good || strstr(source, "// no description") != NULL);
        if (!good) {
            memset(&description, 0, sizeof(description));
        }
        compare(argv[i + 1], source);
        damage(tree, size);
        free(tree);
        free(source);
    }
    return 0;
}

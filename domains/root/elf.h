/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the ELF of a domain: a static AArch64 executable whose loadable segments lie on pages of
 * their own, inside a window of addresses, none of them both writable and executable. The file is
 * not trusted.
 */
#ifndef ROOT_ELF_H
#define ROOT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 8u

struct elf_segment {
    uint64_t address; /* virtual; any alignment, but no two segments share a page */
    uint64_t memory_size;
    uint64_t file_offset;
    uint64_t file_size; /* at most memory_size; the rest is zero */
    bool write;
    bool execute;
};

struct elf_image {
    uint64_t entry;    /* in an executable segment */
    bool landing_pads; /* all indirect branches arrive at BTI instructions, the file says */
    unsigned segment_count;
    struct elf_segment segment[ELF_SEGMENTS_MAX]; /* by ascending address */
};

enum elf_status {
    ELF_OK = 0,
    ELF_TRUNCATED,  /* the header, the program headers or a segment reach beyond the file */
    ELF_NOT_ELF,    /* no ELF of 64 bits, little-endian, version 1 */
    ELF_NOT_STATIC, /* no static executable for AArch64 */
    ELF_SEGMENTS,   /* none, or more than ELF_SEGMENTS_MAX */
    ELF_SIZES,      /* a segment whose file size exceeds its memory size, or that wraps around */
    ELF_WINDOW,     /* a segment outside the window */
    ELF_WRITE_EXECUTE,
    ELF_OVERLAP, /* two segments share a page */
    ELF_ENTRY,   /* the entry point is in no executable segment */
};

/* Checks the file and fills *image. `low` and `high` are the window of addresses, multiples of the
 * page size. */
enum elf_status elf_parse(const uint8_t *file, size_t size, uint64_t low, uint64_t high,
                          struct elf_image *image);

const char *elf_status_text(enum elf_status status);

#endif

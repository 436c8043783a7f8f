/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/elf.h"

#include <string.h>

/* System V gABI, chapters 4 and 5; ELF for the Arm 64-bit architecture. */
#define ET_EXEC     2u
#define EM_AARCH64  183u
#define PT_LOAD     1u
#define PT_DYNAMIC  2u
#define PT_INTERP   3u
#define PT_PROPERTY 0x6474e553u /* PT_GNU_PROPERTY */
#define PF_X        1u
#define PF_W        2u
#define HEADERS_MAX 64u
#define FEATURE_BTI 1u /* of GNU_PROPERTY_AARCH64_FEATURE_1_AND */
#define PAGE_MASK   UINT64_C(0xfff)

struct elf_header {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_offset;
    uint64_t section_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_entry_size;
    uint16_t program_count;
    uint16_t section_entry_size;
    uint16_t section_count;
    uint16_t section_names;
};

struct elf_program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t address;
    uint64_t physical;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
};

_Static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");
_Static_assert(sizeof(struct elf_program_header) == 56, "Elf64_Phdr");

/* The one note that the linker writes: Linux Extensions to gABI, "Program property"; ELF for the
 * Arm 64-bit architecture 5.2.2. */
struct elf_property {
    uint32_t name_size;
    uint32_t size;
    uint32_t type; /* NT_GNU_PROPERTY_TYPE_0 */
    char name[4];
    uint32_t property; /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    uint32_t data_size;
    uint32_t features;
    uint32_t padding;
};

_Static_assert(sizeof(struct elf_property) == 32, "5.2.2");

/* Anything else is no property: the program is loaded without the protection. */
static bool has_landing_pads(const uint8_t *file, size_t size,
                             const struct elf_program_header *program)
{
    static const struct elf_property expected = {
        .name_size = 4, .size = 16, .type = 5, .name = "GNU", .property = 0xc0000000, .data_size = 4};
    struct elf_property property;
    if (program->type != PT_PROPERTY || program->offset > size ||
        size - program->offset < sizeof(property)) {
        return false;
    }
    memcpy(&property, file + program->offset, sizeof(property));
    return memcmp(&property, &expected, offsetof(struct elf_property, features)) == 0 &&
           (property.features & FEATURE_BTI) != 0;
}

static enum elf_status check_header(const struct elf_header *header)
{
    static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1}; /* 64 bits, little-endian */
    if (memcmp(header->ident, ident, sizeof(ident)) != 0 || header->version != 1) {
        return ELF_NOT_ELF;
    }
    if (header->type != ET_EXEC || header->machine != EM_AARCH64 ||
        header->program_entry_size != sizeof(struct elf_program_header)) {
        return ELF_NOT_STATIC;
    }
    if (header->program_count == 0 || header->program_count > HEADERS_MAX) {
        return ELF_SEGMENTS;
    }
    return ELF_OK;
}

static enum elf_status check_segment(const struct elf_program_header *program, size_t size,
                                     uint64_t low, uint64_t high)
{
    if (program->file_size > program->memory_size) {
        return ELF_SIZES;
    }
    if (program->offset > size || program->file_size > size - program->offset) {
        return ELF_TRUNCATED;
    }
    if (program->memory_size > UINT64_MAX - program->address) {
        return ELF_SIZES;
    }
    if (program->address < low || program->address + program->memory_size > high) {
        return ELF_WINDOW;
    }
    if ((program->flags & PF_W) != 0 && (program->flags & PF_X) != 0) {
        return ELF_WRITE_EXECUTE;
    }
    return ELF_OK;
}

/* Keeps the segments ordered; two of them may touch, but not share a page. */
static enum elf_status insert(struct elf_image *image, const struct elf_segment *segment)
{
    unsigned at = image->segment_count;
    while (at > 0 && image->segment[at - 1].address > segment->address) {
        at--;
    }
    uint64_t first = segment->address & ~PAGE_MASK;
    uint64_t end = (segment->address + segment->memory_size + PAGE_MASK) & ~PAGE_MASK;
    if (at > 0) {
        const struct elf_segment *before = &image->segment[at - 1];
        if (((before->address + before->memory_size + PAGE_MASK) & ~PAGE_MASK) > first) {
            return ELF_OVERLAP;
        }
    }
    if (at < image->segment_count && end > (image->segment[at].address & ~PAGE_MASK)) {
        return ELF_OVERLAP;
    }
    memmove(&image->segment[at + 1], &image->segment[at],
            (image->segment_count - at) * sizeof(image->segment[0]));
    image->segment[at] = *segment;
    image->segment_count++;
    return ELF_OK;
}

static enum elf_status add_program_header(const struct elf_program_header *program, size_t size,
                                          uint64_t low, uint64_t high, struct elf_image *image)
{
    if (program->type == PT_DYNAMIC || program->type == PT_INTERP) {
        return ELF_NOT_STATIC;
    }
    if (program->type != PT_LOAD || program->memory_size == 0) {
        return ELF_OK;
    }
    enum elf_status status = check_segment(program, size, low, high);
    if (status != ELF_OK) {
        return status;
    }
    if (image->segment_count == ELF_SEGMENTS_MAX) {
        return ELF_SEGMENTS;
    }
    struct elf_segment segment = {.address = program->address,
                                  .memory_size = program->memory_size,
                                  .file_offset = program->offset,
                                  .file_size = program->file_size,
                                  .write = (program->flags & PF_W) != 0,
                                  .execute = (program->flags & PF_X) != 0};
    return insert(image, &segment);
}

static bool entry_ok(const struct elf_image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segment[i];
        if (segment->execute && image->entry % 4 == 0 && image->entry >= segment->address &&
            image->entry - segment->address < segment->memory_size) {
            return true;
        }
    }
    return false;
}

enum elf_status elf_parse(const uint8_t *file, size_t size, uint64_t low, uint64_t high,
                          struct elf_image *image)
{
    struct elf_header header;
    if (size < sizeof(header)) {
        return ELF_TRUNCATED;
    }
    memcpy(&header, file, sizeof(header));
    enum elf_status status = check_header(&header);
    if (status != ELF_OK) {
        return status;
    }
    uint64_t table = (uint64_t)header.program_count * sizeof(struct elf_program_header);
    if (header.program_offset > size || table > size - header.program_offset) {
        return ELF_TRUNCATED;
    }
    *image = (struct elf_image){.entry = header.entry};
    for (unsigned i = 0; i < header.program_count; i++) {
        struct elf_program_header program;
        memcpy(&program, file + header.program_offset + i * sizeof(program), sizeof(program));
        image->landing_pads |= has_landing_pads(file, size, &program);
        status = add_program_header(&program, size, low, high, image);
        if (status != ELF_OK) {
            return status;
        }
    }
    if (image->segment_count == 0) {
        return ELF_SEGMENTS;
    }
    return entry_ok(image) ? ELF_OK : ELF_ENTRY;
}

const char *elf_status_text(enum elf_status status)
{
    static const char *const text[] = {
        [ELF_OK] = "fine",
        [ELF_TRUNCATED] = "truncated",
        [ELF_NOT_ELF] = "no 64-bit little-endian ELF file",
        [ELF_NOT_STATIC] = "no static AArch64 executable",
        [ELF_SEGMENTS] = "it has no segment to load, or too many",
        [ELF_SIZES] = "a segment's sizes contradict each other",
        [ELF_WINDOW] = "a segment lies outside the addresses for programs",
        [ELF_WRITE_EXECUTE] = "a segment is both writable and executable",
        [ELF_OVERLAP] = "two segments share a page",
        [ELF_ENTRY] = "the entry point is in no executable segment",
    };
    return (unsigned)status < sizeof(text) / sizeof(text[0]) ? text[status] : "unknown";
}

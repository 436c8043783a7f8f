/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding root in the bundle: as much of newc cpio and ELF64 as it takes. */
#include "assert.h"
#include "boot.h"

/* newc (cpio(5)): six octal digits of magic, then thirteen fields of eight hexadecimal digits. */
#define CPIO_HEADER 110u
#define CPIO_FILE_SIZE 54u
#define CPIO_NAME_SIZE 94u

/* ELF64 (System V gABI) */
#define ELF_HEADER 64u
#define ELF_TYPE 16u
#define ELF_MACHINE 18u
#define ELF_ENTRY 24u
#define ELF_PHOFF 32u
#define ELF_PHENTSIZE 54u
#define ELF_PHNUM 56u
#define ELF_ET_EXEC 2u
#define ELF_EM_AARCH64 183u
#define PH_SIZE 56u
#define PH_TYPE 0u
#define PH_FLAGS 4u
#define PH_OFFSET 8u
#define PH_VADDR 16u
#define PH_FILESZ 32u
#define PH_MEMSZ 40u
#define PT_LOAD 1u
#define PT_GNU_PROPERTY 0x6474e553u
#define PF_X 1u
#define PF_W 2u

/*
 * What PT_GNU_PROPERTY points to in a program whose code has landing pads (ELF for the Arm 64-bit architecture, 5.2.2):
 * the name's size, the description's, NT_GNU_PROPERTY_TYPE_0, "GNU", GNU_PROPERTY_AARCH64_FEATURE_1_AND, its size; then
 * the features, of which bit 0 is BTI.
 */
#define PROPERTY_SIZE 32u
#define PROPERTY_FEATURES 24u
static const char property[] = "\4\0\0\0\20\0\0\0\5\0\0\0GNU\0\0\0\0\300\4\0\0";

static bool same(const uint8_t *data, const char *text, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        if (data[i] != (uint8_t)text[i]) {
            return false;
        }
    }
    return true;
}

static uint64_t read_hex(const uint8_t *digits)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned c = digits[i] | 32u;
        bool decimal = digits[i] >= '0' && digits[i] <= '9';
        start_requires(decimal || (c >= 'a' && c <= 'f'), "the bundle is not a newc cpio archive");
        value = value * 16 + (decimal ? c - '0' : c - 'a' + 10);
    }
    return value;
}

struct boot_image bundle_first(const uint8_t *bundle, uint64_t size)
{
    start_requires(size >= CPIO_HEADER && same(bundle, "070701", 6), "the bundle is not a newc cpio archive");
    uint64_t file_size = read_hex(bundle + CPIO_FILE_SIZE);
    uint64_t name_size = read_hex(bundle + CPIO_NAME_SIZE);
    start_requires(name_size <= size - CPIO_HEADER, "the bundle is truncated");
    start_requires(name_size >= 5 && same(bundle + CPIO_HEADER, "root", 5),
                   "the first file of the bundle is not named root");
    uint64_t data = align_up(CPIO_HEADER + name_size, 4);
    start_requires(data <= size && file_size <= size - data, "the bundle is truncated");
    return (struct boot_image){bundle + data, file_size};
}

static uint64_t little(const uint8_t *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;) {
        value = (value << 8) | p[i];
    }
    return value;
}

static struct boot_segment read_segment(struct boot_image image, const uint8_t *header, uint64_t limit)
{
    uint64_t offset = little(header + PH_OFFSET, 8);
    uint64_t flags = little(header + PH_FLAGS, 4);
    struct boot_segment segment = {.address = little(header + PH_VADDR, 8),
                                   .memory_size = little(header + PH_MEMSZ, 8),
                                   .data_size = little(header + PH_FILESZ, 8),
                                   .rights = BH_RIGHT_READ};
    start_requires(offset <= image.size && segment.data_size <= image.size - offset,
                   "root is truncated: a segment lies beyond its end");
    start_requires(segment.data_size <= segment.memory_size, "a segment of root is larger in the file than in memory");
    start_requires(segment.address >= BH_PAGE_SIZE && segment.address < limit &&
                       segment.memory_size <= limit - segment.address,
                   "a segment of root lies outside the memory that it may use");
    start_requires(is_aligned(segment.address, BH_PAGE_BITS), "a segment of root does not begin on a page");
    start_requires((flags & PF_W) == 0 || (flags & PF_X) == 0, "a segment of root is both writable and executable");
    segment.rights |= (flags & PF_W) != 0 ? BH_RIGHT_WRITE : 0;
    segment.rights |= (flags & PF_X) != 0 ? BH_RIGHT_GRANT : 0;
    segment.data = image.data + offset;
    return segment;
}

static bool has_landing_pads(struct boot_image image, const uint8_t *header)
{
    uint64_t offset = little(header + PH_OFFSET, 8);
    return little(header + PH_TYPE, 4) == PT_GNU_PROPERTY && offset <= image.size &&
           image.size - offset >= PROPERTY_SIZE && same(image.data + offset, property, PROPERTY_FEATURES) &&
           (image.data[offset + PROPERTY_FEATURES] & 1) != 0;
}

static bool overlap(const struct boot_segment *a, const struct boot_segment *b)
{
    return a->address < align_up(b->address + b->memory_size, BH_PAGE_SIZE) &&
           b->address < align_up(a->address + a->memory_size, BH_PAGE_SIZE);
}

uint32_t elf_segments(struct boot_image image, uint64_t limit, struct boot_segment segments[BOOT_SEGMENTS_MAX],
                      uint64_t *entry)
{
    start_requires(image.size >= ELF_HEADER && same(image.data, "\177ELF\2\1\1", 7) &&
                       little(image.data + ELF_TYPE, 2) == ELF_ET_EXEC &&
                       little(image.data + ELF_MACHINE, 2) == ELF_EM_AARCH64 &&
                       little(image.data + ELF_PHENTSIZE, 2) == PH_SIZE,
                   "root is not an AArch64 ELF executable");
    uint64_t table = little(image.data + ELF_PHOFF, 8);
    uint64_t headers = little(image.data + ELF_PHNUM, 2);
    uint32_t count = 0;
    start_requires(table <= image.size && headers <= (image.size - table) / PH_SIZE,
                   "root is truncated: its program headers lie beyond its end");
    *entry = little(image.data + ELF_ENTRY, 8);
    uint64_t code = 0;
    for (uint64_t i = 0; i < headers; i++) {
        const uint8_t *header = image.data + table + i * PH_SIZE;
        code |= has_landing_pads(image, header) ? BH_MAP_GUARDED : 0;
        if (little(header + PH_TYPE, 4) != PT_LOAD || little(header + PH_MEMSZ, 8) == 0) {
            continue;
        }
        start_requires(count < BOOT_SEGMENTS_MAX, "root has too many segments");
        segments[count] = read_segment(image, header, limit);
        for (uint32_t j = 0; j < count; j++) {
            start_requires(!overlap(&segments[j], &segments[count]), "segments of root overlap");
        }
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        segments[i].attributes = (segments[i].rights & BH_RIGHT_GRANT) != 0 ? code : 0;
    }
    return count;
}

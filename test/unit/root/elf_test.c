/* SPDX-License-Identifier: BSD-2-Clause */
/* The ELF reader: the image of a good program, and each reason for which a file is refused. */
#include <elf.h>
#include <string.h>

#include "domains/root/elf.h"
#include "test/unit/check.h"

#define LOW  UINT64_C(0x10000)
#define HIGH UINT64_C(0x10000000)
#define SIZE 0x3000u

struct file {
    Elf64_Ehdr header;
    Elf64_Phdr program[4];
    uint8_t rest[SIZE - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
};

_Static_assert(sizeof(struct file) == SIZE, "as large as it says");

static struct file good(void)
{
    struct file file = {.header = {.e_ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                                   .e_type = ET_EXEC,
                                   .e_machine = EM_AARCH64,
                                   .e_version = 1,
                                   .e_entry = 0x200010,
                                   .e_phoff = sizeof(Elf64_Ehdr),
                                   .e_phentsize = sizeof(Elf64_Phdr),
                                   .e_phnum = 4}};
    /* Data before text, to see them ordered. */
    file.program[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_flags = PF_R | PF_W,
                                   .p_offset = 0x2000,
                                   .p_vaddr = 0x202100,
                                   .p_filesz = 0x800,
                                   .p_memsz = 0x5000};
    file.program[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_flags = PF_R | PF_X,
                                   .p_offset = 0x1000,
                                   .p_vaddr = 0x200000,
                                   .p_filesz = 0x1000,
                                   .p_memsz = 0x1000};
    file.program[2] = (Elf64_Phdr){.p_type = PT_LOAD,
                                   .p_flags = PF_R,
                                   .p_offset = 0x1000,
                                   .p_vaddr = 0x201000,
                                   .p_filesz = 0x10,
                                   .p_memsz = 0x10};
    file.program[3] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
    return file;
}

static enum elf_status parse(const struct file *file, size_t size, struct elf_image *image)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    CHECK(copy != NULL);
    memcpy(copy, file, size);
    enum elf_status status = elf_parse(copy, size, LOW, HIGH, image);
    CHECK(elf_status_text(status) != NULL);
    free(copy);
    return status;
}

static void reads_a_good_file(void)
{
    struct file file = good();
    struct elf_image image;
    CHECK_EQUAL(parse(&file, sizeof(file), &image), ELF_OK);
    CHECK_EQUAL(image.entry, 0x200010);
    CHECK_EQUAL(image.segment_count, 3);
    CHECK(image.segment[0].execute && !image.segment[0].write);
    CHECK(!image.segment[1].execute && !image.segment[1].write);
    CHECK(!image.segment[2].execute && image.segment[2].write);
    CHECK_EQUAL(image.segment[2].address, 0x202100);
    CHECK_EQUAL(image.segment[2].file_size, 0x800);
    CHECK_EQUAL(image.segment[2].memory_size, 0x5000);
}

/* The property that the linker writes into programs with landing pads, 32 bytes. */
#define PROPERTY_AT 0x1100u

static bool says_landing_pads(unsigned damage, uint64_t offset)
{
    static const uint32_t property[8] = {4, 16, 5, 0x554e47, 0xc0000000, 4, 3, 0};
    struct file file = good();
    struct elf_image image;
    file.program[3] = (Elf64_Phdr){.p_type = 0x6474e553, .p_flags = PF_R, .p_offset = offset, .p_filesz = 32};
    memcpy((uint8_t *)&file + PROPERTY_AT, property, sizeof(property));
    ((uint8_t *)&file)[PROPERTY_AT + damage] ^= 1;
    CHECK_EQUAL(parse(&file, sizeof(file), &image), ELF_OK);
    return image.landing_pads;
}

static void knows_programs_with_landing_pads(void)
{
    struct file file = good();
    struct elf_image image;
    CHECK_EQUAL(parse(&file, sizeof(file), &image), ELF_OK);
    CHECK(!image.landing_pads);
    CHECK(says_landing_pads(28, PROPERTY_AT)); /* damage to what pads */
    for (unsigned damage = 0; damage <= 24; damage++) {
        CHECK(!says_landing_pads(damage, PROPERTY_AT));
    }
    static const uint64_t offsets[] = {PROPERTY_AT + 1, SIZE - 31, SIZE, UINT64_MAX};
    for (unsigned i = 0; i < 4; i++) {
        CHECK(!says_landing_pads(28, offsets[i]));
    }
}

static void refuses_truncated_files(void)
{
    struct file file = good();
    struct elf_image image;
    for (size_t size = 0; size < 0x2800; size += size < 512 ? 1 : 64) {
        CHECK_EQUAL(parse(&file, size, &image), ELF_TRUNCATED);
    }
    CHECK_EQUAL(parse(&file, 0x2800, &image), ELF_OK);
    file.header.e_phoff = UINT64_MAX - 8;
    CHECK_EQUAL(parse(&file, sizeof(file), &image), ELF_TRUNCATED);
    file = good();
    file.program[0].p_offset = UINT64_MAX - 0x100;
    CHECK_EQUAL(parse(&file, sizeof(file), &image), ELF_TRUNCATED);
}

#define REFUSED(change, status)                                  \
    do {                                                         \
        struct file file = good();                               \
        struct elf_image image;                                  \
        change;                                                  \
        CHECK_EQUAL(parse(&file, sizeof(file), &image), status); \
    } while (0)

static void refuses_what_it_must(void)
{
    REFUSED(file.header.e_ident[0] = 0, ELF_NOT_ELF);
    REFUSED(file.header.e_ident[EI_CLASS] = ELFCLASS32, ELF_NOT_ELF);
    REFUSED(file.header.e_ident[EI_DATA] = ELFDATA2MSB, ELF_NOT_ELF);
    REFUSED(file.header.e_machine = EM_X86_64, ELF_NOT_STATIC);
    REFUSED(file.header.e_type = ET_DYN, ELF_NOT_STATIC);
    REFUSED(file.header.e_phentsize = 32, ELF_NOT_STATIC);
    REFUSED(file.program[3].p_type = PT_INTERP, ELF_NOT_STATIC);
    REFUSED(file.program[3].p_type = PT_DYNAMIC, ELF_NOT_STATIC);
    REFUSED(file.header.e_phnum = 0, ELF_SEGMENTS);
    REFUSED(file.header.e_phnum = 0xffff, ELF_SEGMENTS);
    REFUSED(file.program[0].p_filesz = 0x6000, ELF_SIZES);
    REFUSED(file.program[0].p_memsz = UINT64_MAX, ELF_SIZES);
    REFUSED(file.program[0].p_vaddr = 0, ELF_WINDOW);
    REFUSED(file.program[0].p_vaddr = HIGH - 0x1000, ELF_WINDOW);
    REFUSED(file.program[0].p_vaddr = UINT64_MAX - 0x5000, ELF_WINDOW);
    REFUSED(file.program[1].p_flags |= PF_W, ELF_WRITE_EXECUTE);
    REFUSED(file.program[0].p_vaddr = 0x201ff0, ELF_OVERLAP); /* shares a page with constants */
    REFUSED(file.program[0].p_vaddr = 0x1fd000, ELF_OVERLAP); /* reaches into text from below */
    REFUSED(file.program[2].p_vaddr = 0x200000, ELF_OVERLAP);
    REFUSED(file.header.e_entry = 0x202100, ELF_ENTRY); /* in data */
    REFUSED(file.header.e_entry = 0x201000, ELF_ENTRY); /* right behind text */
    REFUSED(file.header.e_entry = 0x200011, ELF_ENTRY); /* no instruction begins there */
}

static void survives_damage(void)
{
    struct elf_image image;
    size_t size = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
    for (size_t i = 0; i < size; i++) {
        for (unsigned value = 0; value < 256; value += 51) {
            struct file file = good();
            ((uint8_t *)&file)[i] = (uint8_t)value;
            if (parse(&file, sizeof(file), &image) != ELF_OK) {
                continue;
            }
            for (unsigned j = 0; j < image.segment_count; j++) {
                const struct elf_segment *segment = &image.segment[j];
                CHECK(segment->file_offset + segment->file_size <= sizeof(file));
                CHECK(segment->address >= LOW && segment->address + segment->memory_size <= HIGH);
                CHECK(!(segment->write && segment->execute));
            }
        }
    }
}

int main(void)
{
    reads_a_good_file();
    knows_programs_with_landing_pads();
    refuses_truncated_files();
    refuses_what_it_must();
    survives_damage();
    return 0;
}

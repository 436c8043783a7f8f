/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/load.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/elf.h"
#include "domains/root/root.h"
#include "ipc/domain.h"

#define PROGRAM_LOW  UINT64_C(0x10000)
#define PROGRAM_HIGH BH_DOMAIN_PAGE
#define SEGMENT_MAX  (UINT64_C(16) << 20)
#define PAGE_MASK    (BH_PAGE_SIZE - 1)

/* Copies what the file has of the segment into its frames, by way of root's scratch addresses. */
static const char *fill(uint32_t frame, uint32_t count, const struct elf_segment *segment,
                        const uint8_t *file)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!space_map(&root.space, frame + i, ROOT_SCRATCH + ((uint64_t)i << BH_PAGE_BITS),
                       BH_RIGHT_READ | BH_RIGHT_WRITE, 0)) {
            return "no memory to load it";
        }
    }
    memcpy((uint8_t *)ROOT_SCRATCH + (segment->address & PAGE_MASK), file + segment->file_offset,
           segment->file_size);
    for (uint32_t i = 0; i < count; i++) {
        (void)bh_frame_unmap(frame + i);
    }
    return NULL;
}

/* Frames for [start, end), filled from the file, cleared behind it. */
static const char *load_copy(const struct elf_segment *segment, const uint8_t *file,
                             struct arena *arena, const struct space *space, uint64_t rights,
                             uint64_t attributes)
{
    uint64_t start = segment->address & ~PAGE_MASK;
    uint64_t end = (segment->address + segment->memory_size + PAGE_MASK) & ~PAGE_MASK;
    uint32_t count = (uint32_t)((end - start) >> BH_PAGE_BITS);
    uint32_t frame = arena_make(arena, BH_TYPE_FRAME, BH_PAGE_BITS, count);
    if (frame == 0) {
        return "no memory to load it";
    }
    uint64_t filled = (segment->address & PAGE_MASK) + segment->file_size;
    const char *reason =
        fill(frame, (uint32_t)((filled + PAGE_MASK) >> BH_PAGE_BITS), segment, file);
    if (reason != NULL) {
        return reason;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!space_map(space, frame + i, start + ((uint64_t)i << BH_PAGE_BITS), rights,
                       attributes)) {
            return "no memory for its page tables";
        }
    }
    return NULL;
}

/* How many of the segment's first pages lie in the bundle as they will in memory, and may be
 * shared: whole pages of what nobody writes. */
static uint32_t shared_pages(const struct elf_segment *segment, const uint8_t *file)
{
    bool aligned = ((uintptr_t)(file + segment->file_offset) & PAGE_MASK) == 0 &&
                   (segment->address & PAGE_MASK) == 0;
    return aligned && !segment->write ? (uint32_t)(segment->file_size >> BH_PAGE_BITS) : 0;
}

/* Maps pages of the bundle itself: all domains with the program share them. */
static const char *load_shared(uint32_t count, const struct elf_segment *segment,
                               const uint8_t *file, struct arena *arena, const struct space *space,
                               uint64_t rights, uint64_t attributes)
{
    uint64_t bundle = root.boot->bundle_address & ~PAGE_MASK;
    uint64_t first = ((uintptr_t)(file + segment->file_offset) - bundle) >> BH_PAGE_BITS;
    uint32_t copies = arena_slots_foreign(arena, count);
    if (copies == 0) {
        return "no slots to load it";
    }
    for (uint32_t i = 0; i < count; i++) {
        if (bh_cnode_copy(BH_ROOT_SLOT_CNODE, copies + i, BH_ROOT_SLOT_CNODE,
                          root.boot->bundle_slot + first + i, rights)
                    .error != BH_OK ||
            !space_map(space, copies + i, segment->address + ((uint64_t)i << BH_PAGE_BITS), rights,
                       attributes)) {
            return "no memory for its page tables";
        }
    }
    return NULL;
}

static const char *load_segment(const struct elf_segment *segment, const uint8_t *file,
                                struct arena *arena, const struct space *space, bool landing_pads)
{
    if (segment->memory_size > SEGMENT_MAX) {
        return "a segment is too large";
    }
    uint64_t rights = BH_RIGHT_READ;
    rights |= segment->write ? BH_RIGHT_WRITE : 0;
    rights |= segment->execute ? BH_RIGHT_GRANT : 0;
    bool guarded =
        segment->execute && landing_pads && (root.boot->cpu_features & BH_CPU_BTI) != 0;
    uint64_t attributes = guarded ? BH_MAP_GUARDED : 0;
    uint32_t shared = shared_pages(segment, file);
    if (shared != 0) {
        const char *reason = load_shared(shared, segment, file, arena, space, rights, attributes);
        if (reason != NULL) {
            return reason;
        }
    }
    struct elf_segment rest = *segment;
    uint64_t done = (uint64_t)shared << BH_PAGE_BITS;
    rest.address += done;
    rest.memory_size -= done;
    rest.file_offset += done;
    rest.file_size -= done;
    return rest.memory_size != 0 ? load_copy(&rest, file, arena, space, rights, attributes) : NULL;
}

const char *load_program(const struct bundle *bundle, const char *name, struct arena *arena,
                         const struct space *space, uint64_t *entry)
{
    struct bundle_file file;
    if (!bundle_find(bundle, name, &file)) {
        return "its program is not in the bundle";
    }
    struct elf_image image;
    enum elf_status status = elf_parse(file.data, file.size, PROGRAM_LOW, PROGRAM_HIGH, &image);
    if (status != ELF_OK) {
        return elf_status_text(status);
    }
    for (unsigned i = 0; i < image.segment_count; i++) {
        const char *reason = load_segment(&image.segment[i], file.data, arena, space, image.landing_pads);
        if (reason != NULL) {
            return reason;
        }
    }
    *entry = image.entry;
    return NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything here runs at physical addresses: no pointer to anything is taken from initialised data, and memory behaves
 * as Device memory, so accesses are aligned (-mstrict-align).
 */
#include "early.h"

#include "assert.h"
#include "core.h"
#include "cpu.h"
#include "descriptor.h"
#include "machine.h"

#define MEMORY_MIN UINT64_C(0x4000000) /* 64 MiB */
#define GIB (UINT64_C(1) << 30)
#define MIB2 (UINT64_C(1) << 21)
#define DIRECT_TABLES 16 /* GiBs of the direct map that are not one block */

/* Found by start.S. */
_Alignas(4096) uint64_t kernel_level1[512];   /* TTBR1_EL2 */
_Alignas(4096) uint64_t identity_level1[512]; /* TTBR0_EL2 while the MMU is turned on */
static _Alignas(4096) uint64_t image_level2[512];
static _Alignas(4096) uint64_t image_level3[512];
static _Alignas(4096) uint64_t direct_level2[DIRECT_TABLES][512];
static uint32_t direct_tables_used;

uint64_t kernel_image_offset;

extern char _text_end[], _rodata_end[], _image_end[], _start[];

/* A field of an ID register. */
static unsigned field(uint64_t id, unsigned shift)
{
    return (id >> shift) & 0xf;
}

static void check_processor(void)
{
    start_requires((read_sysreg(currentel) >> 2 & 3) == 2,
                   "the kernel was not entered at EL2; the machine or its loader offers no virtualization");
    start_requires(field(read_sysreg(id_aa64mmfr1_el1), 8) != 0,
                   "the processor has no Virtualization Host Extensions (FEAT_VHE, Armv8.1)");
    start_requires(field(read_sysreg(id_aa64pfr0_el1), 24) != 0 && !machine.gic_too_old,
                   "the interrupt controller is not a GICv3");
    start_requires(field(read_sysreg(id_aa64mmfr0_el1), 28) != 0xf, "the processor has no 4 KiB translation granule");
}

static void find_features(void)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 48, 48};
    cpu_features.physical_address_bits = bits[read_sysreg(id_aa64mmfr0_el1) & 7];
    cpu_features.reliability = field(read_sysreg(id_aa64pfr0_el1), 28) != 0;
    cpu_features.scalable_matrices = field(read_sysreg(id_aa64pfr1_el1), 24) != 0;
    cpu_features.branch_targets = field(read_sysreg(id_aa64pfr1_el1), 0) != 0;
    cpu_features.vmid16 = field(read_sysreg(id_aa64mmfr1_el1), 4) == 2;
    uint64_t dczid = read_sysreg(dczid_el0); /* DZP, and the block's size in words of 4 bytes */
    cpu_features.zero_block = (dczid & 0x10) != 0 ? 0 : UINT64_C(4) << (dczid & 0xf);
    /* ID_AA64ISAR1_EL1.{APA, API}, ID_AA64ISAR2_EL1.APA3 */
    cpu_features.pointer_authentication =
        (read_sysreg(id_aa64isar1_el1) & 0xff0) != 0 || (read_sysreg(S3_0_C0_C6_2) & 0xf000) != 0;
}

static void check_machine(void)
{
    uint64_t memory = 0;
    for (uint32_t i = 0; i < machine.ram_count; i++) {
        memory += machine.ram[i].size;
    }
    if (memory < MEMORY_MIN) {
        cannot_start("too little memory: %u MiB, %u MiB are needed", memory >> 20, MEMORY_MIN >> 20);
    }
    start_requires(machine.gic_distributor.size != 0 && machine.gic_redistributors.size != 0,
                   "the device tree describes no GICv3 (arm,gic-v3)");
    start_requires(machine.timer_irq != IRQ_NONE && machine.maintenance_irq != IRQ_NONE,
                   "the device tree lacks the interrupt of the hypervisor timer or of the GIC's maintenance");
    start_requires(machine.bundle.size != 0, "the loader has passed no bundle (initial RAM disk)");
}

/* --- Translation tables --- */

#define KERNEL_PAGE (STAGE1_ACCESSED | STAGE1_INNER_SHAREABLE | STAGE1_UXN | DESCRIPTOR_VALID)
#define KERNEL_DATA (KERNEL_PAGE | STAGE1_PXN | STAGE1_ATTRIBUTE(MEMORY_NORMAL))
#define KERNEL_DEVICE (KERNEL_PAGE | STAGE1_PXN | STAGE1_ATTRIBUTE(MEMORY_DEVICE))
#define KERNEL_RODATA (KERNEL_DATA | STAGE1_READ_ONLY)
#define KERNEL_TEXT (KERNEL_PAGE | STAGE1_READ_ONLY | STAGE1_ATTRIBUTE(MEMORY_NORMAL))

static void map_image(uint64_t image)
{
    uint64_t text = KERNEL_TEXT | (cpu_features.branch_targets ? STAGE1_GUARDED : 0);
    for (uint64_t page = 0; page < (uint64_t)(_image_end - _start); page += BH_PAGE_SIZE) {
        uint64_t area = page - (uint64_t)((char *)core_areas - _start);
        if (area < sizeof(core_areas) && area % sizeof(core_areas[0]) == 0) {
            continue; /* the guard below a stack */
        }
        uint64_t attributes = page < (uint64_t)(_text_end - _start)     ? text
                              : page < (uint64_t)(_rodata_end - _start) ? KERNEL_RODATA
                                                                        : KERNEL_DATA;
        image_level3[page / BH_PAGE_SIZE] = (image + page) | attributes | DESCRIPTOR_TABLE;
    }
    image_level2[0] = descriptor_table(paddr((uint64_t)image_level3));
    kernel_level1[511] = descriptor_table(paddr((uint64_t)image_level2));
    identity_level1[image / GIB] = align_down(image, GIB) | (KERNEL_PAGE & ~STAGE1_PXN) | STAGE1_READ_ONLY;
}

/* The level-2 table of a GiB of the direct map. */
static uint64_t *direct_table(uint64_t gib)
{
    uint64_t *entry = &kernel_level1[gib];
    if (!descriptor_is_valid(*entry)) {
        start_requires(direct_tables_used < DIRECT_TABLES, "memory and devices are scattered over too many gigabytes");
        *entry = descriptor_table(paddr((uint64_t)direct_level2[direct_tables_used++]));
    }
    return (uint64_t *)descriptor_address(*entry).value;
}

static void map_ram(struct range *ram, uint64_t image)
{
    uint64_t start = align_up(ram->start, MIB2);
    uint64_t end = smaller(align_down(ram->start + ram->size, MIB2), DIRECT_MAP_SIZE);
    if (start >= end) {
        ram->size = 0;
        return;
    }
    *ram = (struct range){start, end - start};
    for (uint64_t address = start; address < end;) {
        bool whole = is_aligned(address, 30) && end - address >= GIB && image / GIB != address / GIB;
        if (whole && !descriptor_is_valid(kernel_level1[address / GIB])) {
            kernel_level1[address / GIB] = address | KERNEL_DATA;
            address += GIB;
            continue;
        }
        if (address != image) { /* it has its own mapping, with other rights */
            direct_table(address / GIB)[(address / MIB2) % 512] = address | KERNEL_DATA;
        }
        address += MIB2;
    }
}

static void map_device(struct range device)
{
    if (device.size == 0) {
        return;
    }
    start_requires(device.start < DIRECT_MAP_SIZE && device.size <= DIRECT_MAP_SIZE - device.start,
                   "a device that the kernel needs lies beyond 256 GiB");
    for (uint64_t address = align_down(device.start, MIB2); address < device.start + device.size; address += MIB2) {
        uint64_t *entry = &direct_table(address / GIB)[(address / MIB2) % 512];
        if (!descriptor_is_valid(*entry)) {
            *entry = address | KERNEL_DEVICE;
        }
    }
}

void early_boot(const void *device_tree, uint64_t image)
{
    machine_read(device_tree);
    check_processor();
    check_machine();
    find_features();
    start_requires(is_aligned(image, 21), "the loader has not put the image on a 2 MiB boundary");

    kernel_image_offset = KERNEL_IMAGE_BASE - image;
    map_image(image);
    map_device(machine.gic_distributor);
    map_device(machine.gic_redistributors);
    map_device(machine.its);
    map_device(machine.smmu);
    map_device(machine.uart);
    for (uint32_t i = 0; i < machine.ram_count; i++) {
        map_ram(&machine.ram[i], image);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "edu.h"

#define RW (BH_RIGHT_READ | BH_RIGHT_WRITE)

/* QEMU's virt machine: the configuration space above 256 GiB and the 32-bit memory window. */
#define ECAM UINT64_C(0x4010000000)
#define BAR_BASE UINT64_C(0x10000000)
#define BAR_SIZE UINT64_C(0x100000)
#define EDU_ID UINT64_C(0x11e81234)

#define PCI_COMMAND 0x04
#define PCI_COMMAND_MEMORY_AND_MASTER 6
#define PCI_BAR0 0x10
#define PCI_CAPABILITIES 0x34
#define PCI_MSI 0x05
#define PCI_MSI_ENABLE (1u << 16) /* in the word that begins with the identifier; 64-bit addresses */

#define EDU_RAISE 0x60
#define EDU_LOWER 0x64

#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_RUN 1
#define EDU_DMA_WRITE 2 /* to memory */
#define EDU_BUFFER UINT64_C(0x40000)

static uint64_t map_device(uint64_t address)
{
    return (uint64_t)map_frame(new_device_frame(address), RW);
}

static uint64_t find_msi(const struct edu *edu)
{
    uint64_t at = read32(edu->config + PCI_CAPABILITIES) & 0xff;
    while (at != 0 && (read32(edu->config + at) & 0xff) != PCI_MSI) {
        at = read32(edu->config + at) >> 8 & 0xff;
    }
    CHECK(at != 0);
    return edu->config + at;
}

struct edu edu_open(void)
{
    return edu_open_behind(&(struct edu){0});
}

struct edu edu_open_behind(const struct edu *other)
{
    struct edu edu = {0};
    for (uint64_t device = (other->stream >> 3) + 1; device < 32; device++) {
        uint64_t config = map_device(ECAM + (device << 15));
        if (read32(config) == EDU_ID) {
            edu.config = config;
            edu.stream = device << 3;
            break;
        }
    }
    if (edu.config == 0) {
        test_fail(__FILE__, __LINE__, "there is no edu device on PCI bus 0");
    }
    uint64_t bar = BAR_BASE + (edu.stream >> 3) * BAR_SIZE;
    write32(edu.config + PCI_BAR0, (uint32_t)bar);
    write32(edu.config + PCI_COMMAND, PCI_COMMAND_MEMORY_AND_MASTER);
    edu.registers = map_device(bar);
    CHECK_EQUAL(read32(edu.registers) & 0xff, 0xed);
    uint64_t msi = find_msi(&edu);
    write32(msi, (uint32_t)(read32(msi) & ~PCI_MSI_ENABLE));
    return edu;
}

static void write64(uint64_t address, uint64_t value)
{
    *(volatile uint64_t *)address = value;
}

static void transfer(const struct edu *edu, uint64_t source, uint64_t destination, uint64_t size, uint32_t command)
{
    write64(edu->registers + EDU_DMA_SOURCE, source);
    write64(edu->registers + EDU_DMA_DESTINATION, destination);
    write64(edu->registers + EDU_DMA_COUNT, size);
    write64(edu->registers + EDU_DMA_COMMAND, command | EDU_DMA_RUN);
    for (int i = 0; i < 100 && (read32(edu->registers + EDU_DMA_COMMAND) & EDU_DMA_RUN) != 0; i++) {
        sleep_us(10000); /* the device takes 100 ms */
    }
    CHECK_EQUAL(read32(edu->registers + EDU_DMA_COMMAND) & EDU_DMA_RUN, 0);
}

void edu_read(const struct edu *edu, uint64_t address, uint64_t size)
{
    transfer(edu, address, EDU_BUFFER, size, 0);
}

void edu_write(const struct edu *edu, uint64_t address, uint64_t size)
{
    transfer(edu, EDU_BUFFER, address, size, EDU_DMA_WRITE);
}

void edu_set_message(const struct edu *edu, uint64_t address, uint32_t data)
{
    uint64_t msi = find_msi(edu);
    write32(msi + 4, (uint32_t)address);
    write32(msi + 8, (uint32_t)(address >> 32));
    write32(msi + 12, data);
    write32(msi, (uint32_t)(read32(msi) | PCI_MSI_ENABLE));
}

void edu_interrupt(const struct edu *edu)
{
    write32(edu->registers + EDU_RAISE, 1);
    write32(edu->registers + EDU_LOWER, 1);
}

bh_cptr edu_new_space(const struct edu *edu)
{
    bh_cptr space = new_object(BH_TYPE_IO_SPACE);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), space, EDU_PLACE));
    }
    CHECK_OK(bh_io_control_bind(BH_ROOT_SLOT_IO_CONTROL, space, edu->stream));
    return space;
}

bh_cptr edu_new_message(const struct edu *edu, bh_cptr space, uint32_t event)
{
    bh_cptr handler = new_slot();
    struct bh_result message =
        CHECK_OK(bh_irq_control_get_msi(BH_ROOT_SLOT_IRQ_CONTROL, edu->stream, event, BH_ROOT_SLOT_CNODE, handler));
    CHECK_EQUAL(message.value[1], event);
    CHECK_OK(bh_frame_map(new_copy(BH_ROOT_SLOT_MSI_DOORBELL, BH_RIGHTS_ALL), space, EDU_PLACE, RW, 0));
    edu_set_message(edu, EDU_PLACE + message.value[0] % BH_PAGE_SIZE, event);
    return handler;
}

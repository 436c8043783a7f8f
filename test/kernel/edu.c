/* SPDX-License-Identifier: BSD-2-Clause */
#include "edu.h"

#define RW (BH_RIGHT_READ | BH_RIGHT_WRITE)

/* QEMU's virt machine: the configuration space above 256 GiB and the 32-bit memory window. */
#define ECAM UINT64_C(0x4010000000)
#define BAR_ADDRESS UINT64_C(0x10100000) /* the device takes 1 MiB */
#define EDU_ID UINT64_C(0x11e81234)

#define PCI_COMMAND 0x04
#define PCI_COMMAND_MEMORY_AND_MASTER 6
#define PCI_BAR0 0x10

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

struct edu edu_open(void)
{
    struct edu edu = {0};
    for (uint64_t device = 1; device < 32; device++) {
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
    write32(edu.config + PCI_BAR0, (uint32_t)BAR_ADDRESS);
    write32(edu.config + PCI_COMMAND, PCI_COMMAND_MEMORY_AND_MASTER);
    edu.registers = map_device(BAR_ADDRESS);
    CHECK_EQUAL(read32(edu.registers) & 0xff, 0xed);
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

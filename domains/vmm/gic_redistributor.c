/* SPDX-License-Identifier: BSD-2-Clause */
/* The redistributors (GICv3 12.10 and 12.11): for each vCPU the frames RD_base and SGI_base, 64 KiB
 * each. */

#include "domains/vmm/gic.h"
#include "domains/vmm/mmio.h"

#define SGI_BASE 0x10000u

#define GICR_IIDR           0x0004u
#define GICR_TYPER          0x0008u
#define GICR_WAKER          0x0014u
#define GICR_IDENTIFICATION 0xffd0u
#define GICR_PART           0x93u

#define GICR_BANK_FIRST 0x0080u
#define GICR_BANK_END   0x0d00u

#define WAKER_PROCESSOR_SLEEP UINT32_C(2)
#define WAKER_CHILDREN_ASLEEP UINT32_C(4)

#define TYPER_LAST (UINT64_C(1) << 4)

static uint64_t typer(const struct gic_cpu *cpu)
{
    uint64_t affinity = cpu->index; /* Aff0 */
    uint64_t last = cpu->index + 1 == cpu->gic->cpu_count ? TYPER_LAST : 0;
    return affinity << 32 | (uint64_t)cpu->index << 8 | last;
}

uint64_t gic_redistributor_read(void *device, uint64_t offset, unsigned bytes)
{
    struct gic *gic = device;
    uint64_t index = offset / GUEST_GICR_STRIDE;
    if (index >= gic->cpu_count) {
        return 0;
    }
    struct gic_cpu *cpu = &gic->cpu[index];
    offset %= GUEST_GICR_STRIDE;
    if (offset >= SGI_BASE) {
        offset -= SGI_BASE;
        return offset >= GICR_BANK_FIRST && offset < GICR_BANK_END
                   ? gic_bank_read(gic, cpu, offset, bytes)
                   : 0;
    }
    if (offset == GICR_TYPER && bytes >= 4) {
        return typer(cpu);
    }
    if (bytes != 4) {
        return 0;
    }
    switch (offset) {
    case GICR_IIDR:
        return GIC_IIDR;
    case GICR_TYPER + 4:
        return typer(cpu) >> 32;
    case GICR_WAKER:
        return cpu->asleep ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
    default:
        return offset >= GICR_IDENTIFICATION ? gic_identification(offset, GICR_PART) : 0;
    }
}

void gic_redistributor_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct gic *gic = device;
    uint64_t index = offset / GUEST_GICR_STRIDE;
    if (index >= gic->cpu_count) {
        return;
    }
    struct gic_cpu *cpu = &gic->cpu[index];
    offset %= GUEST_GICR_STRIDE;
    if (offset >= SGI_BASE) {
        offset -= SGI_BASE;
        if (offset >= GICR_BANK_FIRST && offset < GICR_BANK_END) {
            gic_bank_write(gic, cpu, offset, bytes, (uint32_t)value);
        }
    } else if (offset == GICR_WAKER && bytes == 4) {
        cpu->asleep = (value & WAKER_PROCESSOR_SLEEP) != 0;
    }
}

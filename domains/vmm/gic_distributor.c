/* SPDX-License-Identifier: BSD-2-Clause */
/* The distributor (GICv3 12.9). */

#include "domains/vmm/gic.h"
#include "domains/vmm/mmio.h"

#define GICD_CTLR           0x0000u
#define GICD_TYPER          0x0004u
#define GICD_IIDR           0x0008u
#define GICD_BANK_FIRST     0x0080u
#define GICD_BANK_END       0x0d00u
#define GICD_IROUTER        0x6000u
#define GICD_IROUTER_END    (GICD_IROUTER + 8 * GUEST_INTID_COUNT)
#define GICD_IDENTIFICATION 0xffd0u
#define GICD_PART           0x92u

#define CONTROL_ARE (UINT32_C(1) << 4) /* fixed at 1: no GICv2 compatibility */
#define CONTROL_DS  (UINT32_C(1) << 6) /* fixed at 1: one security state */

/* ITLinesNumber; no security extension; 10 INTID bits (IDbits is one less); No1N: no 1-of-N
 * routing. */
#define TYPER (((GUEST_INTID_COUNT / 32) - 1) | UINT32_C(9) << 19 | UINT32_C(1) << 25)

#define ROUTE_MASK UINT32_C(0x00ffffff)

uint32_t gic_identification(uint64_t offset, uint8_t part)
{
    /* Peripheral ID 4 to 7, 0 to 3 (2: GICv3, JEP106 in use), component ID 0 to 3. */
    const uint8_t value[12] = {0x44, 0, 0, 0, part, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};
    uint64_t index = (offset - GICD_IDENTIFICATION) / 4;
    return index < sizeof(value) ? value[index] : 0;
}

/* The registers before the banks. */
static uint64_t control_read(const struct gic *gic, uint64_t offset)
{
    switch (offset) {
    case GICD_CTLR:
        return gic->control | CONTROL_ARE | CONTROL_DS;
    case GICD_TYPER:
        return TYPER;
    case GICD_IIDR:
        return GIC_IIDR;
    default:
        return 0;
    }
}

static void control_write(struct gic *gic, uint32_t value)
{
    value &= GIC_CONTROL_GROUP0 | GIC_CONTROL_GROUP1;
    if (value == gic->control) {
        return;
    }
    gic->control = value;
    bool off = (value & GIC_CONTROL_GROUP1) == 0;
    for (unsigned index = 1; index < GIC_WORDS; index++) {
        if (off) {
            gic_hold_back(gic, NULL, index, UINT32_MAX);
        }
        gic_update(gic, NULL, index);
    }
    for (unsigned i = 0; i < gic->cpu_count; i++) {
        struct gic_cpu *cpu = &gic->cpu[i];
        if (off) {
            gic_hold_back(gic, cpu, 0, UINT32_MAX);
        }
        gic_update(gic, cpu, 0);
    }
}

static void route_write(struct gic *gic, uint32_t intid, uint32_t route)
{
    unsigned index = intid / 32;
    uint32_t bit = UINT32_C(1) << (intid % 32);
    struct gic_word *word = &gic->word[index];
    gic->route[intid] = route;
    uint8_t target = route < gic->cpu_count ? (uint8_t)route : (uint8_t)GIC_CPUS;
    if (target == gic->target[intid]) {
        return;
    }
    gic_hold_back(gic, NULL, index, bit);
    gic->target[intid] = target;
    word->routed = target < GIC_CPUS ? word->routed | bit : word->routed & ~bit;
    gic_update(gic, NULL, index);
}

uint64_t gic_distributor_read(void *device, uint64_t offset, unsigned bytes)
{
    struct gic *gic = device;
    if (offset < GICD_BANK_FIRST) {
        return bytes == 4 ? control_read(gic, offset) : 0;
    }
    if (offset < GICD_BANK_END) {
        return gic_bank_read(gic, NULL, offset, bytes);
    }
    if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END && bytes >= 4) {
        uint32_t intid = (uint32_t)(offset - GICD_IROUTER) / 8;
        return intid >= GIC_PRIVATE && offset % 8 == 0 ? gic->route[intid] : 0;
    }
    return offset >= GICD_IDENTIFICATION && bytes == 4 ? gic_identification(offset, GICD_PART) : 0;
}

void gic_distributor_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct gic *gic = device;
    if (offset >= GICD_BANK_FIRST && offset < GICD_BANK_END) {
        gic_bank_write(gic, NULL, offset, bytes, (uint32_t)value);
    } else if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END) {
        uint32_t intid = (uint32_t)(offset - GICD_IROUTER) / 8;
        if (intid >= GIC_PRIVATE && offset % 8 == 0 && bytes >= 4) {
            route_write(gic, intid, (uint32_t)value & ROUTE_MASK);
        }
    } else if (offset == GICD_CTLR && bytes == 4) {
        control_write(gic, (uint32_t)value);
    }
}

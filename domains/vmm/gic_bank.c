/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers with one field for each interrupt, which distributor and redistributors have in
 * common (GICv3 12.9 and 12.11). Bit and configuration registers take word accesses, priorities
 * bytes as well (GICv3 12.1.3). */

#include "domains/vmm/gic.h"

#define PRIORITY_MASK \
    0xf8u /* five bits, as every implementation with a virtual CPU interface has */
#define PRIORITY_FIRST      0x400u
#define PRIORITY_END        0x800u
#define CONFIGURATION_FIRST 0xc00u
#define CONFIGURATION_END   0xd00u

/* Offset / 0x80 of the bit registers. */
enum bank_register {
    BANK_GROUP = 1,
    BANK_SET_ENABLE,
    BANK_CLEAR_ENABLE,
    BANK_SET_PENDING,
    BANK_CLEAR_PENDING,
    BANK_SET_ACTIVE,
    BANK_CLEAR_ACTIVE,
};

/* Whether interrupts from `intid` on are this register file's: the first 32 are redistributors',
 * the rest are not. */
static bool bank_owns(const struct gic_cpu *cpu, uint32_t intid)
{
    return (cpu != NULL) == (intid < GIC_PRIVATE) && intid < GUEST_INTID_COUNT;
}

/* The vCPU in whose frame to look for what is the same in all of them. */
static struct gic_cpu *bank_any(struct gic *gic, struct gic_cpu *cpu)
{
    return cpu != NULL ? cpu : &gic->cpu[0];
}

static uint32_t bits_read(struct gic *gic, struct gic_cpu *cpu, enum bank_register which,
                          unsigned index)
{
    const struct gic_word *word = gic_word(gic, cpu, index);
    switch (which) {
    case BANK_GROUP:
        return word->group;
    case BANK_SET_ENABLE:
    case BANK_CLEAR_ENABLE:
        return word->enabled;
    case BANK_SET_PENDING:
    case BANK_CLEAR_PENDING:
        return gic_observe(gic, cpu, index).pending;
    case BANK_SET_ACTIVE:
    case BANK_CLEAR_ACTIVE:
        return gic_observe(gic, cpu, index).active;
    }
    return 0;
}

static void bits_write(struct gic *gic, struct gic_cpu *cpu, enum bank_register which,
                       unsigned index, uint32_t value)
{
    struct gic_word *word = gic_word(gic, cpu, index);
    switch (which) {
    case BANK_GROUP:
        word->group = value;
        gic_hold_back(gic, cpu, index, ~value);
        break;
    case BANK_SET_ENABLE:
        word->enabled |= value;
        break;
    case BANK_CLEAR_ENABLE:
        value &= word->enabled;
        word->enabled &= ~value;
        gic_hold_back(gic, cpu, index, value);
        break;
    case BANK_SET_PENDING:
        word->latch |= value & ~(index == 0 ? UINT32_C(1) << BH_VCPU_TIMER_INTID : 0);
        break;
    case BANK_CLEAR_PENDING:
        word->latch &= ~value;
        gic_withdraw(gic, cpu, index, value);
        break;
    case BANK_SET_ACTIVE:
        word->active |= value;
        gic_hold_back(gic, cpu, index, value);
        break;
    case BANK_CLEAR_ACTIVE:
        word->active &= ~value;
        gic_deactivate(gic, cpu, index, value);
        break;
    }
    gic_update(gic, cpu, index);
}

/* Two bits for each of 16 interrupts; the upper one says edge-triggered. */
static uint32_t configuration_read(struct gic *gic, struct gic_cpu *cpu, uint32_t intid)
{
    uint32_t edge = gic_word(gic, cpu, intid / 32)->edge >> (intid % 32);
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++) {
        value |= (edge >> i & 1) << (2 * i + 1);
    }
    return value;
}

static void configuration_write(struct gic *gic, struct gic_cpu *cpu, uint32_t intid,
                                uint32_t value)
{
    if (intid < 16) {
        return; /* SGIs: read-only */
    }
    unsigned index = intid / 32;
    struct gic_word *word = gic_word(gic, cpu, index);
    uint32_t edge = 0;
    for (unsigned i = 0; i < 16; i++) {
        edge |= (value >> (2 * i + 1) & 1) << i;
    }
    uint32_t mask = UINT32_C(0xffff) << (intid % 32);
    uint32_t changed = (word->edge ^ (edge << (intid % 32))) & mask;
    if (changed == 0) {
        return;
    }
    gic_hold_back(gic, cpu, index, changed);
    word->posted &=
        ~changed; /* one that is active completes without a report, or with one too many */
    word->edge ^= changed;
    if (index == 0) {
        cpu->frame->level[0] = ~(word->edge | UINT32_C(1) << BH_VCPU_TIMER_INTID);
    } else {
        for (unsigned i = 0; i < gic->cpu_count; i++) {
            gic->cpu[i].frame->level[index] = ~word->edge;
        }
    }
    gic_update(gic, cpu, index);
}

static void priority_write(struct gic *gic, struct gic_cpu *cpu, uint32_t intid, uint8_t value)
{
    value &= PRIORITY_MASK;
    if (cpu != NULL) {
        cpu->frame->priority[intid] = value;
        return;
    }
    for (unsigned i = 0; i < gic->cpu_count; i++) {
        gic->cpu[i].frame->priority[intid] = value;
    }
}

uint64_t gic_bank_read(struct gic *gic, struct gic_cpu *cpu, uint64_t offset, unsigned bytes)
{
    uint32_t at = (uint32_t)offset;
    if (at >= PRIORITY_FIRST && at < PRIORITY_END && bytes <= 4) {
        uint32_t intid = at - PRIORITY_FIRST;
        uint64_t value = 0;
        if (bank_owns(cpu, intid)) { /* no access crosses a boundary of 32 */
            const uint8_t *priority = bank_any(gic, cpu)->frame->priority;
            for (unsigned i = 0; i < bytes; i++) {
                value |= (uint64_t)priority[intid + i] << (8 * i);
            }
        }
        return value;
    }
    if (bytes != 4) {
        return 0;
    }
    if (at >= 0x80 && at < PRIORITY_FIRST) {
        uint32_t index = (at & 0x7f) / 4;
        if (bank_owns(cpu, 32 * index)) {
            return bits_read(gic, cpu, (enum bank_register)(at / 0x80), index);
        }
    }
    if (at >= CONFIGURATION_FIRST && at < CONFIGURATION_END) {
        uint32_t intid = (at - CONFIGURATION_FIRST) * 4;
        if (bank_owns(cpu, intid)) {
            return configuration_read(gic, cpu, intid);
        }
    }
    return 0;
}

void gic_bank_write(struct gic *gic, struct gic_cpu *cpu, uint64_t offset, unsigned bytes,
                    uint32_t value)
{
    uint32_t at = (uint32_t)offset;
    if (at >= PRIORITY_FIRST && at < PRIORITY_END && bytes <= 4) {
        uint32_t intid = at - PRIORITY_FIRST;
        for (unsigned i = 0; i < bytes && bank_owns(cpu, intid); i++) {
            priority_write(gic, cpu, intid + i, (uint8_t)(value >> (8 * i)));
        }
        return;
    }
    if (bytes != 4) {
        return;
    }
    if (at >= 0x80 && at < PRIORITY_FIRST) {
        uint32_t index = (at & 0x7f) / 4;
        if (bank_owns(cpu, 32 * index)) {
            bits_write(gic, cpu, (enum bank_register)(at / 0x80), index, value);
        }
    } else if (at >= CONFIGURATION_FIRST && at < CONFIGURATION_END) {
        uint32_t intid = (at - CONFIGURATION_FIRST) * 4;
        if (bank_owns(cpu, intid)) {
            configuration_write(gic, cpu, intid, value);
        }
    }
}

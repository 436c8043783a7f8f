/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields as in Arm ARM D17.2. */

#include "domains/vmm/id_registers.h"

#include <string.h>

enum rule {
    AT_MOST, /* the host's value or `value`, whichever is less */
    SIGNED,  /* the same of a signed field: 0xf means "none" */
    FIXED,   /* `value`, whatever the host's */
};

struct field {
    uint8_t crm, op2, shift;
    uint8_t rule;
    uint8_t value;
};

#define PFR0  4, 0
#define PFR1  4, 1
#define DFR0  5, 0
#define ISAR0 6, 0
#define ISAR1 6, 1
#define ISAR2 6, 2
#define MMFR0 7, 0
#define MMFR1 7, 1
#define MMFR2 7, 2

/*
 * Left out because the kernel neither switches their state nor lets the guest have them: SVE, SME,
 * MTE, RAS, MPAM, AMU, PMU, trace, LORegions, EL2 and EL3, AArch32; WFxT, LS64, MOPS and XS need
 * controls of EL2. Pointer authentication is switched by the kernel but not offered to guests.
 * Big-endian guests are not emulated.
 */
static const struct field fields[] = {
    {PFR0, 0, FIXED, 1},    /* EL0: AArch64 only */
    {PFR0, 4, FIXED, 1},    /* EL1: likewise */
    {PFR0, 16, SIGNED, 1},  /* FP, up to half precision */
    {PFR0, 20, SIGNED, 1},  /* AdvSIMD, likewise */
    {PFR0, 24, FIXED, 1},   /* GIC: system registers of version 3 */
    {PFR0, 48, AT_MOST, 1}, /* DIT */
    {PFR0, 56, AT_MOST, 1}, /* CSV2, without SCXTNUM */
    {PFR0, 60, AT_MOST, 1}, /* CSV3 */
    {PFR1, 0, AT_MOST, 1},  /* BT */
    {PFR1, 4, AT_MOST, 2},  /* SSBS */

    {DFR0, 0, FIXED, 6},  /* DebugVer: Armv8 */
    {DFR0, 12, FIXED, 1}, /* BRPs: two, the fewest there can be; they never hit */
    {DFR0, 20, FIXED, 1}, /* WRPs: likewise */

    {ISAR0, 4, AT_MOST, 2},  /* AES, PMULL */
    {ISAR0, 8, AT_MOST, 1},  /* SHA1 */
    {ISAR0, 12, AT_MOST, 2}, /* SHA2 */
    {ISAR0, 16, AT_MOST, 1}, /* CRC32 */
    {ISAR0, 20, AT_MOST, 2}, /* Atomic */
    {ISAR0, 28, AT_MOST, 1}, /* RDM */
    {ISAR0, 32, AT_MOST, 1}, /* SHA3 */
    {ISAR0, 36, AT_MOST, 1}, /* SM3 */
    {ISAR0, 40, AT_MOST, 1}, /* SM4 */
    {ISAR0, 44, AT_MOST, 1}, /* DP */
    {ISAR0, 48, AT_MOST, 1}, /* FHM */
    {ISAR0, 52, AT_MOST, 2}, /* TS */
    {ISAR0, 56, AT_MOST, 2}, /* TLB: ranges, outer shareable */
    {ISAR0, 60, AT_MOST, 1}, /* RNDR */
    {ISAR1, 0, AT_MOST, 2},  /* DPB */
    {ISAR1, 12, AT_MOST, 1}, /* JSCVT */
    {ISAR1, 16, AT_MOST, 1}, /* FCMA */
    {ISAR1, 20, AT_MOST, 2}, /* LRCPC */
    {ISAR1, 32, AT_MOST, 1}, /* FRINTTS */
    {ISAR1, 36, AT_MOST, 1}, /* SB */
    {ISAR1, 40, AT_MOST, 1}, /* SPECRES */
    {ISAR1, 44, AT_MOST, 1}, /* BF16 */
    {ISAR1, 48, AT_MOST, 1}, /* DGH */
    {ISAR1, 52, AT_MOST, 1}, /* I8MM */
    {ISAR2, 4, AT_MOST, 1},  /* RPRES */

    {MMFR0, 0, AT_MOST, 2},  /* PARange: 40 bits, of which stage 2 translates 38 */
    {MMFR0, 4, AT_MOST, 2},  /* ASIDBits: 16 */
    {MMFR0, 20, AT_MOST, 1}, /* TGran16 */
    {MMFR0, 24, SIGNED, 0},  /* TGran64 */
    {MMFR0, 28, SIGNED, 0},  /* TGran4 */
    {MMFR1, 0, AT_MOST, 2},  /* HAFDBS */
    {MMFR1, 12, AT_MOST, 1}, /* HPDS */
    {MMFR1, 20, AT_MOST, 3}, /* PAN */
    {MMFR1, 36, AT_MOST, 1}, /* ETS */
    {MMFR2, 4, AT_MOST, 1},  /* UAO */
    {MMFR2, 20, AT_MOST, 1}, /* CCIDX: the form of CCSIDR_EL1, which is not trapped */
    {MMFR2, 28, AT_MOST, 1}, /* ST */
    {MMFR2, 32, AT_MOST, 1}, /* AT */
    {MMFR2, 36, AT_MOST, 1}, /* IDS: what the guest's own traps report */
    {MMFR2, 48, AT_MOST, 1}, /* TTL */
    {MMFR2, 52, AT_MOST, 2}, /* BBM */
    {MMFR2, 60, AT_MOST, 1}, /* E0PD */
};

/* What the host's register says, 0 for those that need not be asked. */
static uint64_t host_register(const struct bh_vcpu_host *host, unsigned crm, unsigned op2)
{
    switch (crm << 3 | op2) {
    case 4 << 3 | 0:
        return host->id_aa64pfr0;
    case 4 << 3 | 1:
        return host->id_aa64pfr1;
    case 6 << 3 | 0:
        return host->id_aa64isar0;
    case 6 << 3 | 1:
        return host->id_aa64isar1;
    case 6 << 3 | 2:
        return host->id_aa64isar2;
    case 7 << 3 | 0:
        return host->id_aa64mmfr0;
    case 7 << 3 | 1:
        return host->id_aa64mmfr1;
    case 7 << 3 | 2:
        return host->id_aa64mmfr2;
    default:
        return 0;
    }
}

static uint64_t field_value(const struct field *field, uint64_t host)
{
    uint64_t value = host >> field->shift & 0xf;
    switch (field->rule) {
    case AT_MOST:
        return value < field->value ? value : field->value;
    case SIGNED:
        return (value & 8) != 0 || value < field->value ? value : field->value;
    default:
        return field->value;
    }
}

void id_registers_set(struct id_registers *id, const struct bh_vcpu_host *host)
{
    memset(id, 0, sizeof(*id));
    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct field *field = &fields[i];
        uint64_t value = field_value(field, host_register(host, field->crm, field->op2));
        id->value[field->crm][field->op2] |= value << field->shift;
    }
}

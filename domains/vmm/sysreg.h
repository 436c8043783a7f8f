/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoding of a trapped MSR, MRS or system instruction (ESR_EL2.EC 0x18; Arm ARM D17.2.37, "ISS
 * encoding for an exception from MSR, MRS, or System instruction execution in AArch64 state"). */
#ifndef DOMAINS_VMM_SYSREG_H
#define DOMAINS_VMM_SYSREG_H

#include <stdbool.h>
#include <stdint.h>

/* The name of a register as it stands in the ISS, transfer register and direction left out. */
#define SYSREG(op0, op1, crn, crm, op2)                                      \
    ((uint32_t)(op0) << 20 | (uint32_t)(op2) << 17 | (uint32_t)(op1) << 14 | \
     (uint32_t)(crn) << 10 | (uint32_t)(crm) << 1)

/* SYSREG of the instruction. */
static inline uint32_t sysreg_name(uint64_t esr)
{
    return (uint32_t)esr & UINT32_C(0x3ffc1e);
}

/* Its general register; 31 is XZR. */
static inline uint32_t sysreg_register(uint64_t esr)
{
    return (uint32_t)esr >> 5 & 0x1f;
}

static inline bool sysreg_is_read(uint64_t esr)
{
    return (esr & 1) != 0;
}

struct sysreg {
    uint32_t name; /* SYSREG */
    uint32_t op0, op1, crn, crm, op2;
    uint32_t reg;
    bool read;
};

static inline struct sysreg sysreg_decode(uint64_t esr)
{
    const uint32_t name = sysreg_name(esr);
    return (struct sysreg){
        .name = name,
        .op0 = name >> 20 & 3,
        .op2 = name >> 17 & 7,
        .op1 = name >> 14 & 7,
        .crn = name >> 10 & 0xf,
        .crm = name >> 1 & 0xf,
        .reg = sysreg_register(esr),
        .read = sysreg_is_read(esr),
    };
}

#endif

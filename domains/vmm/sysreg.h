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

/* EL1 registers have op1 0, those that EL0 may use as well 3 (Arm ARM D17.1.3). */
static inline uint32_t sysreg_op1(uint64_t esr)
{
    return (uint32_t)esr >> 14 & 7;
}

/* A small number for registers with the same op0 and CRn. */
#define SYSREG_GROUP(op0, crn) ((op0) << 4 | (crn))
#define SYSREG_GROUPS          SYSREG_GROUP(4, 0)

static inline uint32_t sysreg_group(uint64_t esr)
{
    return SYSREG_GROUP((uint32_t)esr >> 20 & 3, (uint32_t)esr >> 10 & 0xf);
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
    const uint32_t iss = (uint32_t)esr;
    return (struct sysreg){
        .name = sysreg_name(esr),
        .op0 = iss >> 20 & 3,
        .op2 = iss >> 17 & 7,
        .op1 = iss >> 14 & 7,
        .crn = iss >> 10 & 0xf,
        .crm = iss >> 1 & 0xf,
        .reg = sysreg_register(esr),
        .read = sysreg_is_read(esr),
    };
}

#endif

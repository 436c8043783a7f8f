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

struct sysreg {
    uint32_t name; /* SYSREG */
    uint32_t op0, op1, crn, crm, op2;
    uint32_t reg; /* general register; 31 is XZR */
    bool read;
};

static inline struct sysreg sysreg_decode(uint64_t esr)
{
    const uint32_t iss = (uint32_t)esr & 0x1ffffff;
    return (struct sysreg){
        .name = iss & ~UINT32_C(0x1c003e1),
        .op0 = iss >> 20 & 3,
        .op2 = iss >> 17 & 7,
        .op1 = iss >> 14 & 7,
        .crn = iss >> 10 & 0xf,
        .reg = iss >> 5 & 0x1f,
        .crm = iss >> 1 & 0xf,
        .read = (iss & 1) != 0,
    };
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of Arm ARM D17.2, from bit 0 up. A field that is not named is 0: the feature is absent. */

#include "domains/vmm/id_registers.h"

#define FIELD(shift, value) (UINT64_C(value) << (shift))

/* EL0 and EL1 in AArch64 only, no EL2, no EL3; half precision in FP and Advanced SIMD; GIC system
 * registers; no RAS, SVE, MPAM, AMU; branch predictors and speculation (CSV2, CSV3) are contained.
 */
#define ID_AA64PFR0                                                                          \
    (FIELD(0, 1) | FIELD(4, 1) | FIELD(16, 1) | FIELD(20, 1) | FIELD(24, 1) | FIELD(56, 1) | \
     FIELD(60, 1))

/* SSBS in PSTATE. */
#define ID_AA64PFR1 FIELD(4, 1)

/* Armv8 debug without trace and PMU; two breakpoints and two watchpoints, the fewest there can be
 * (they never hit). */
#define ID_AA64DFR0 (FIELD(0, 6) | FIELD(12, 1) | FIELD(20, 1))

/* AES with PMULL, SHA1, SHA2 (256), CRC32, Atomic, RDM, dot product. */
#define ID_AA64ISAR0                                                                         \
    (FIELD(4, 2) | FIELD(8, 1) | FIELD(12, 1) | FIELD(16, 1) | FIELD(20, 2) | FIELD(28, 1) | \
     FIELD(44, 1))

/* DC CVAP, and the load-acquire of LRCPC. */
#define ID_AA64ISAR1 (FIELD(0, 1) | FIELD(20, 1))

/* 40 bits of physical address, 16-bit ASIDs, granules of 4, 16 and 64 KiB; little-endian only. */
#define ID_AA64MMFR0 (FIELD(0, 2) | FIELD(4, 2) | FIELD(20, 1))

/* Hardware update of access flag and dirty state, hierarchical permission disables, PAN with AT
 * instructions. */
#define ID_AA64MMFR1 (FIELD(0, 2) | FIELD(12, 1) | FIELD(20, 2))

/* UAO. */
#define ID_AA64MMFR2 FIELD(4, 1)

uint64_t id_register(uint32_t crm, uint32_t op2)
{
    switch (crm << 3 | op2) {
    case 4 << 3 | 0:
        return ID_AA64PFR0;
    case 4 << 3 | 1:
        return ID_AA64PFR1;
    case 5 << 3 | 0:
        return ID_AA64DFR0;
    case 6 << 3 | 0:
        return ID_AA64ISAR0;
    case 6 << 3 | 1:
        return ID_AA64ISAR1;
    case 7 << 3 | 0:
        return ID_AA64MMFR0;
    case 7 << 3 | 1:
        return ID_AA64MMFR1;
    case 7 << 3 | 2:
        return ID_AA64MMFR2;
    default:
        return 0;
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest's processor says it is. A fixed set that cortex-a76, neoverse-n1 and QEMU's `max`
 * all have, so that a guest can go from one to the other; what goes beyond is not offered, whether
 * or not the hardware has it.
 */
#ifndef DOMAINS_VMM_ID_REGISTERS_H
#define DOMAINS_VMM_ID_REGISTERS_H

#include <stdint.h>

/* The register with op0 3, op1 0, CRn 0 and these CRm (1 to 7) and op2; zero for all that are not
 * described, which is what the architecture says of them (Arm ARM D17.1.3). */
uint64_t id_register(uint32_t crm, uint32_t op2);

#endif

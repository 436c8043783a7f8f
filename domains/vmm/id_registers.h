/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest's processor says it is: of what the host's has, that which a guest can use without
 * the hypervisor's help and whose state the kernel switches. What is not named in the table of
 * id_registers.c is not offered, so a processor of the future brings no surprises.
 */
#ifndef DOMAINS_VMM_ID_REGISTERS_H
#define DOMAINS_VMM_ID_REGISTERS_H

#include <bh/vcpu.h>

/* The registers with op0 3, op1 0, CRn 0; zero for those that are not described, which is what the
 * architecture says of them (Arm ARM D17.1.3). */
struct id_registers {
    uint64_t value[16][8]; /* CRm, op2 */
};

void id_registers_set(struct id_registers *id, const struct bh_vcpu_host *host);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving a guest's EL1 registers and virtual timer between the hardware and memory. */
#ifndef KERNEL_VCPU_REGISTERS_H
#define KERNEL_VCPU_REGISTERS_H

#include <bh/vcpu.h>

#include "address.h"
#include "cpu.h"

/* sp_el0, tpidr_el0, the list registers and FP are moved elsewhere. */
void vcpu_registers_save(struct bh_vcpu_state *state);
void vcpu_registers_load(const struct bh_vcpu_state *state);

#define SAVE(name, member) state->member = read_sysreg(name);
#define LOAD(name, member) write_sysreg(name, state->member);
#define CLEAR(name, member) write_sysreg(name, 0);
#define GENERIC_KEY(move) move(S3_0_C2_C3_0, apga[0]) move(S3_0_C2_C3_1, apga[1])

/*
 * What native code can use while the rest stays in the hardware: TPIDRRO_EL0, and the generic authentication key (PACGA
 * has no enable bit, and HCR_EL2.API does not trap it from EL0 while TGE is 1).
 */
static inline void vcpu_registers_hide(struct bh_vcpu_state *state)
{
    state->tpidrro_el0 = read_sysreg(tpidrro_el0);
    write_sysreg(tpidrro_el0, 0);
    if (cpu_features.pointer_authentication) {
        GENERIC_KEY(SAVE)
        GENERIC_KEY(CLEAR)
    }
}

static inline void vcpu_registers_show(const struct bh_vcpu_state *state)
{
    write_sysreg(tpidrro_el0, state->tpidrro_el0);
    if (cpu_features.pointer_authentication) {
        GENERIC_KEY(LOAD)
    }
}

/* Removes from a state that a VMM has written what could reach beyond its guest. */
void vcpu_registers_sanitise(struct bh_vcpu_state *state);

/* Describes this core to a VMM. */
void vcpu_registers_describe_host(struct bh_vcpu_host *host);

/* Whether the saved timer will fire. */
bool virtual_timer_armed(const struct bh_vcpu_state *state);

/* Disables the hardware's virtual timer. */
void virtual_timer_stop(void);

/* Deactivates the timer's interrupt. */
void virtual_timer_forget(void);

/* VTTBR_EL2 of this core. */
void vttbr_set(paddr_t root, uint32_t vmid);
void vttbr_set_empty(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel returned to the VMM for. */

#include "domains/vmm/vm.h"

#include "libs/runtime/runtime.h"

/* ESR_EL2 (Arm ARM D17.2.37). */
#define ESR_CLASS(esr)          ((esr) >> 26 & 0x3f)
#define CLASS_INSTRUCTION_ABORT 0x20u
#define CLASS_DATA_ABORT        0x24u
#define ESR_CACHE_MAINTENANCE   (UINT64_C(1) << 8)

#define INSTRUCTION_BYTES 4u

/* Where nothing answers but something could: below RAM and in the PCI windows. Reads as zero,
 * ignores writes. */
static bool device_hole(uint64_t ipa)
{
    return ipa < GUEST_RAM_BASE || ipa - GUEST_PCI_WINDOW64_BASE < GUEST_PCI_WINDOW64_SIZE;
}

static void load(struct vcpu *vcpu, struct bh_vcpu_access access, unsigned bytes, uint64_t value)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    if (access.sign_extend != 0) {
        uint64_t sign = UINT64_C(1) << (8 * bytes - 1);
        value = (value ^ sign) - sign;
        value = access.wide != 0 ? value : (uint32_t)value;
    }
    if (access.reg < 31) {
        frame->x[access.reg] = value;
    }
    frame->pc += INSTRUCTION_BYTES;
}

static void exit_mmio(struct vm *vm, struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    const struct bh_vcpu_access access = frame->access;
    unsigned bytes = 1u << (access.size_bits & 3);
    uint64_t ipa = frame->ipa;
    if (access.write != 0) {
        if (mmio_write(&vm->bus, ipa, bytes, access.value) || device_hole(ipa)) {
            frame->pc += INSTRUCTION_BYTES;
            return;
        }
    } else {
        uint64_t value;
        if (mmio_read(&vm->bus, ipa, bytes, &value) || device_hole(ipa)) {
            load(vcpu, access, bytes, value);
            return;
        }
    }
    vcpu_data_abort(vcpu);
}

static void exit_abort(struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    uint64_t class = ESR_CLASS(frame->esr);
    if (class == CLASS_INSTRUCTION_ABORT) {
        vcpu_instruction_abort(vcpu);
    } else if (class == CLASS_DATA_ABORT && (frame->esr & ESR_CACHE_MAINTENANCE) != 0) {
        frame->pc += INSTRUCTION_BYTES; /* there is nothing cached of what is not memory */
    } else {
        vcpu_data_abort(vcpu);
    }
}

bool vm_exit_alone(struct vm *vm, struct vcpu *vcpu, uint64_t reason)
{
    switch (reason) {
    case BH_EXIT_SYSREG:
        return sysreg_access_alone(vm, vcpu);
    case BH_EXIT_IRQ_COMPLETED:
        return true; /* the caller looks at every exit */
    case BH_EXIT_HVC:
    case BH_EXIT_SMC:
        if ((uint32_t)vcpu->frame->x[0] != PSCI_VERSION) {
            return false;
        }
        psci_call(vm, vcpu);
        return true;
    default:
        return false;
    }
}

void vm_exit(struct vm *vm, struct vcpu *vcpu, uint64_t reason)
{
    if (reason == BH_EXIT_MMIO) {
        exit_mmio(vm, vcpu);
        return;
    }
    if (reason == BH_EXIT_SYSREG) {
        sysreg_access(vm, vcpu);
        return;
    }
    switch (reason) {
    case BH_EXIT_HVC:
    case BH_EXIT_SMC:
        psci_call(vm, vcpu);
        break;
    case BH_EXIT_IRQ_COMPLETED:
        break; /* the caller looks at every exit */
    case BH_EXIT_ABORT:
        exit_abort(vcpu);
        break;
    case BH_EXIT_EXCEPTION:
        /* A trap of something that the ID registers do not offer: SVE, pointer authentication,
         * 64-byte stores, ... */
        vcpu_undefined(vcpu);
        break;
    default:
        bh_log("the guest cannot go on: exit %lu, pc %lx, pstate %lx, esr %lx",
               (unsigned long)reason, (unsigned long)vcpu->frame->pc,
               (unsigned long)vcpu->frame->pstate, (unsigned long)vcpu->frame->esr);
        vm_stop(vm, BH_GUEST_EVENT_CRASHED, reason);
        break;
    }
}

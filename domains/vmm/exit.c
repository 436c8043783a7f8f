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

static unsigned access_bytes(const struct vcpu *vcpu)
{
    return 1u << vcpu->frame->access.size_bits;
}

/* The end of a load of `value`. */
static inline void loaded(struct vcpu *vcpu, uint64_t value)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    if (frame->access.sign_extend != 0) {
        uint64_t sign = UINT64_C(1) << (8 * access_bytes(vcpu) - 1);
        value = (value ^ sign) - sign;
        value = frame->access.wide != 0 ? value : (uint32_t)value;
    }
    vcpu_set_register(frame, frame->access.reg, value);
    frame->pc += INSTRUCTION_BYTES;
}

static void exit_mmio(struct vm *vm, struct vcpu *vcpu);

/* Where nothing was found of late. */
static __attribute__((noinline)) void access_elsewhere(struct vm *vm, struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    if (mmio_search(&vm->bus, frame->ipa) != NULL) {
        exit_mmio(vm, vcpu); /* finds it now */
    } else if (!device_hole(frame->ipa)) {
        vcpu_data_abort(vcpu);
    } else if (frame->access.write == 0) {
        loaded(vcpu, 0);
    } else {
        frame->pc += INSTRUCTION_BYTES;
    }
}

static void exit_mmio(struct vm *vm, struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    const struct mmio_region *region = mmio_find(&vm->bus, frame->ipa);
    if (region == NULL) {
        access_elsewhere(vm, vcpu);
    } else if (frame->access.write == 0) {
        loaded(vcpu, mmio_read(region, frame->ipa, access_bytes(vcpu)));
    } else {
        frame->pc += INSTRUCTION_BYTES;
        mmio_write(region, frame->ipa, access_bytes(vcpu), frame->access.value);
    }
}

static void exit_abort(struct vm *vm, struct vcpu *vcpu)
{
    (void)vm;
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

/* A trap of something that the ID registers do not offer: SVE, pointer authentication, 64-byte
 * stores, ... */
static void exit_exception(struct vm *vm, struct vcpu *vcpu)
{
    (void)vm;
    vcpu_undefined(vcpu);
}

static void exit_completed(struct vm *vm, struct vcpu *vcpu)
{
    gic_complete(&vm->gic, vcpu->index);
}

/* Nothing else ends bh_vm_enter, but for a state that the VMM itself has put into the frame. */
static void exit_unexpected(struct vm *vm, struct vcpu *vcpu)
{
    const struct bh_vcpu_frame *frame = vcpu->frame;
    bh_log("the guest cannot go on: exit %lu, pc %lx, pstate %lx, esr %lx",
           (unsigned long)frame->reason, (unsigned long)frame->pc, (unsigned long)frame->pstate,
           (unsigned long)frame->esr);
    vm_stop(vm, BH_GUEST_EVENT_CRASHED, frame->reason);
}

_Static_assert(BH_EXIT_COUNT == 13, "a handler for each exit");

void (*const vm_exit_handler[BH_EXIT_COUNT])(struct vm *vm, struct vcpu *vcpu) = {
    [BH_EXIT_NOTIFICATION] = exit_unexpected, /* the caller's */
    [BH_EXIT_HVC] = psci_call,
    [BH_EXIT_SMC] = psci_call,
    [BH_EXIT_MMIO] = exit_mmio,
    [BH_EXIT_ABORT] = exit_abort,
    [BH_EXIT_SYSREG] = sysreg_access,
    [BH_EXIT_IRQ_COMPLETED] = exit_completed,
    [BH_EXIT_EXCEPTION] = exit_exception,
    [BH_EXIT_INVALID] = exit_unexpected,
    [BH_EXIT_WFI] = exit_unexpected, /* from here on: counted only */
    [BH_EXIT_IRQ] = exit_unexpected,
    [BH_EXIT_TIMER] = exit_unexpected,
    [BH_EXIT_DOORBELL] = exit_unexpected,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI 1.1 (Arm DEN 0022) and the part of SMCCC 1.1 (DEN 0028) that goes with it, over HVC and SMC. */

#include "domains/vmm/vm.h"

#include "domains/vmm/system.h"

#define SMCCC_64 UINT32_C(0x40000000)

enum {
    SMCCC_VERSION = 0x00000000,
    SMCCC_ARCH_FEATURES = 0x00000001,
};
#define SMCCC_BASE        UINT32_C(0x80000000)
#define SMCCC_VERSION_1_1 UINT64_C(0x10001)

#define PSCI_SUCCESS            INT64_C(0)
#define PSCI_NOT_SUPPORTED      INT64_C(-1)
#define PSCI_INVALID_PARAMETERS INT64_C(-2)
#define PSCI_ALREADY_ON         INT64_C(-4)
#define PSCI_ON_PENDING         INT64_C(-5)
#define PSCI_INVALID_ADDRESS    INT64_C(-9)

#define AFFINITY_ON         INT64_C(0)
#define AFFINITY_OFF        INT64_C(1)
#define AFFINITY_ON_PENDING INT64_C(2)

#define INSTRUCTION_BYTES 4u

#define MIGRATE_NOT_NEEDED INT64_C(2) /* no trusted OS is bound to a processor */

#define SUSPEND_POWER_DOWN (UINT64_C(1) << 16) /* power_state: StateType */

/* The vCPU with this MPIDR affinity, or NULL. */
static struct vcpu *find(struct vm *vm, uint64_t affinity)
{
    return affinity < vm->vcpu_count ? &vm->vcpu[affinity] : NULL;
}

/* DEN 0022 5.6. The new vCPU's thread takes it from here. */
static int64_t cpu_on(struct vm *vm, uint64_t affinity, uint64_t entry, uint64_t context)
{
    struct vcpu *target = find(vm, affinity);
    if (target == NULL) {
        return PSCI_INVALID_PARAMETERS;
    }
    if (target->power != VCPU_OFF) {
        return target->power == VCPU_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
    }
    if (entry % INSTRUCTION_BYTES != 0 || guest_memory(vm, entry, INSTRUCTION_BYTES) == NULL) {
        return PSCI_INVALID_ADDRESS;
    }
    target->start.pc = entry;
    target->start.x0 = context;
    target->power = VCPU_ON_PENDING;
    system_kick(target->index);
    return PSCI_SUCCESS;
}

/* The last vCPU that is on can only take the machine with it (DEN 0022 5.5: CPU_OFF does not
 * return). */
static void cpu_off(struct vm *vm, struct vcpu *vcpu)
{
    vcpu->power = VCPU_OFF;
    __atomic_fetch_or(&vcpu->control, VCPU_NOT_ON, __ATOMIC_RELAXED);
    gic_abandon(&vm->gic, vcpu->index);
    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        if (vm->vcpu[i].power != VCPU_OFF) {
            return;
        }
    }
    vm_stop(vm, BH_GUEST_EVENT_OFF, 0);
}

static int64_t affinity_info(struct vm *vm, uint64_t affinity, uint64_t level)
{
    const struct vcpu *target = find(vm, affinity);
    if (target == NULL || level != 0) {
        return PSCI_INVALID_PARAMETERS;
    }
    switch (target->power) {
    case VCPU_ON:
        return AFFINITY_ON;
    case VCPU_ON_PENDING:
        return AFFINITY_ON_PENDING;
    default:
        return AFFINITY_OFF;
    }
}

/* Argument `n` of the call, from 0 on. */
static uint64_t argument(const struct vcpu *vcpu, unsigned n)
{
    const uint64_t *x = vcpu->frame->x;
    return (x[0] & SMCCC_64) != 0 ? x[1 + n] : (uint32_t)x[1 + n];
}

/* A 32-bit function's result is W0; sign extension makes no difference to it, and is what -1 is
 * compared with. */
static void answer(const struct vcpu *vcpu, int64_t result)
{
    vcpu->frame->x[0] = (uint64_t)result;
}

static void call_version(struct vm *vm, struct vcpu *vcpu)
{
    (void)vm;
    answer(vcpu, (int64_t)PSCI_VERSION_1_1);
}

/* Standby may end at any time, and does at once; a power-down state is not offered. */
static void call_suspend(struct vm *vm, struct vcpu *vcpu)
{
    (void)vm;
    bool down = (argument(vcpu, 0) & SUSPEND_POWER_DOWN) != 0;
    answer(vcpu, down ? PSCI_INVALID_PARAMETERS : PSCI_SUCCESS);
}

static void call_off(struct vm *vm, struct vcpu *vcpu)
{
    cpu_off(vm, vcpu);
    answer(vcpu, PSCI_SUCCESS);
}

static void call_on(struct vm *vm, struct vcpu *vcpu)
{
    answer(vcpu, cpu_on(vm, argument(vcpu, 0), argument(vcpu, 1), argument(vcpu, 2)));
}

static void call_affinity_info(struct vm *vm, struct vcpu *vcpu)
{
    answer(vcpu, affinity_info(vm, argument(vcpu, 0), argument(vcpu, 1)));
}

static void call_migrate_info_type(struct vm *vm, struct vcpu *vcpu)
{
    (void)vm;
    answer(vcpu, MIGRATE_NOT_NEEDED);
}

static void call_system_off(struct vm *vm, struct vcpu *vcpu)
{
    vm_stop(vm, BH_GUEST_EVENT_OFF, 0);
    answer(vcpu, PSCI_SUCCESS);
}

static void call_system_reset(struct vm *vm, struct vcpu *vcpu)
{
    vm_stop(vm, BH_GUEST_EVENT_RESET, 0);
    answer(vcpu, PSCI_SUCCESS);
}

static void call_features(struct vm *vm, struct vcpu *vcpu);

/* By function number. */
static const struct function {
    void (*call)(struct vm *vm, struct vcpu *vcpu);
    uint32_t forms; /* SMCCC_64: it exists with 64-bit arguments too */
} functions[] = {
    [0x00] = {call_version, 0},
    [0x01] = {call_suspend, SMCCC_64},
    [0x02] = {call_off, 0},
    [0x03] = {call_on, SMCCC_64},
    [0x04] = {call_affinity_info, SMCCC_64},
    [0x06] = {call_migrate_info_type, 0},
    [0x08] = {call_system_off, 0},
    [0x09] = {call_system_reset, 0},
    [0x0a] = {call_features, 0},
};

/* The function that `id` (DEN 0022 5.2) names, or NULL. */
static const struct function *find_function(uint32_t id)
{
    uint32_t form = id & SMCCC_64;
    uint32_t number = (id & ~SMCCC_64) - PSCI_VERSION;
    if (number >= sizeof(functions) / sizeof(functions[0]) ||
        (form & ~functions[number].forms) != 0) {
        return NULL;
    }
    return functions[number].call != NULL ? &functions[number] : NULL;
}

static void call_features(struct vm *vm, struct vcpu *vcpu)
{
    (void)vm;
    uint32_t id = (uint32_t)argument(vcpu, 0);
    bool known = id == SMCCC_BASE + SMCCC_VERSION || find_function(id) != NULL;
    answer(vcpu, known ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED);
}

/* The calls of SMCCC itself (DEN 0028 7), and those that nobody has. */
static int64_t smccc(const struct vcpu *vcpu, uint32_t id)
{
    uint64_t asked = argument(vcpu, 0);
    switch (id - SMCCC_BASE) {
    case SMCCC_VERSION:
        return (int64_t)SMCCC_VERSION_1_1;
    case SMCCC_ARCH_FEATURES:
        return asked - SMCCC_BASE <= SMCCC_ARCH_FEATURES ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

void psci_call(struct vm *vm, struct vcpu *vcpu)
{
    uint32_t id = (uint32_t)vcpu->frame->x[0];
    const struct function *function = find_function(id);
    if (function != NULL) {
        function->call(vm, vcpu);
    } else {
        answer(vcpu, smccc(vcpu, id));
    }
}

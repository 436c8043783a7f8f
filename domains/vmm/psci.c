/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI 1.1 (Arm DEN 0022) and the part of SMCCC 1.1 (DEN 0028) that goes with it, over HVC and SMC.
 */

#include "domains/vmm/vm.h"

#include "domains/vmm/system.h"

#define SMCCC_64 UINT32_C(0x40000000)

enum {
    SMCCC_VERSION = 0x00000000,
    SMCCC_ARCH_FEATURES = 0x00000001,
};
#define SMCCC_BASE        UINT32_C(0x80000000)
#define SMCCC_VERSION_1_1 UINT64_C(0x10001)

/* Function numbers within PSCI_VERSION's range; those marked exist with 64-bit arguments too. */
enum psci_function {
    FUNCTION_VERSION = 0x00,
    FUNCTION_CPU_SUSPEND = 0x01, /* 64 */
    FUNCTION_CPU_OFF = 0x02,
    FUNCTION_CPU_ON = 0x03,        /* 64 */
    FUNCTION_AFFINITY_INFO = 0x04, /* 64 */
    FUNCTION_MIGRATE_INFO_TYPE = 0x06,
    FUNCTION_SYSTEM_OFF = 0x08,
    FUNCTION_SYSTEM_RESET = 0x09,
    FUNCTION_FEATURES = 0x0a,
};

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

static bool has_64_bit_form(uint32_t number)
{
    return number == FUNCTION_CPU_SUSPEND || number == FUNCTION_CPU_ON ||
           number == FUNCTION_AFFINITY_INFO;
}

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

static bool implemented(uint32_t function)
{
    if (function == SMCCC_BASE + SMCCC_VERSION) {
        return true;
    }
    uint32_t number = function - PSCI_VERSION;
    if ((function & SMCCC_64) != 0) {
        number -= SMCCC_64;
        return has_64_bit_form(number);
    }
    switch (number) {
    case FUNCTION_VERSION:
    case FUNCTION_CPU_SUSPEND:
    case FUNCTION_CPU_OFF:
    case FUNCTION_CPU_ON:
    case FUNCTION_AFFINITY_INFO:
    case FUNCTION_MIGRATE_INFO_TYPE:
    case FUNCTION_SYSTEM_OFF:
    case FUNCTION_SYSTEM_RESET:
    case FUNCTION_FEATURES:
        return true;
    default:
        return false;
    }
}

static int64_t psci(struct vm *vm, struct vcpu *vcpu, uint32_t number, const uint64_t argument[3])
{
    switch (number) {
    case FUNCTION_VERSION:
        return (int64_t)PSCI_VERSION_1_1;
    case FUNCTION_CPU_SUSPEND:
        /* Standby may end at any time, and does at once; a power-down state is not offered. */
        return (argument[0] & SUSPEND_POWER_DOWN) != 0 ? PSCI_INVALID_PARAMETERS : PSCI_SUCCESS;
    case FUNCTION_CPU_OFF:
        cpu_off(vm, vcpu);
        return PSCI_SUCCESS;
    case FUNCTION_CPU_ON:
        return cpu_on(vm, argument[0], argument[1], argument[2]);
    case FUNCTION_AFFINITY_INFO:
        return affinity_info(vm, argument[0], argument[1]);
    case FUNCTION_MIGRATE_INFO_TYPE:
        return MIGRATE_NOT_NEEDED;
    case FUNCTION_SYSTEM_OFF:
        vm_stop(vm, BH_GUEST_EVENT_OFF, 0);
        return PSCI_SUCCESS;
    case FUNCTION_SYSTEM_RESET:
        vm_stop(vm, BH_GUEST_EVENT_RESET, 0);
        return PSCI_SUCCESS;
    case FUNCTION_FEATURES:
        return implemented((uint32_t)argument[0]) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

void psci_call(struct vm *vm, struct vcpu *vcpu)
{
    uint64_t *x = vcpu->frame->x;
    uint32_t function = (uint32_t)x[0];
    if (function == PSCI_VERSION) {
        x[0] = PSCI_VERSION_1_1;
        return;
    }
    uint64_t argument[3] = {x[1], x[2], x[3]};
    if ((function & SMCCC_64) == 0) {
        for (unsigned i = 0; i < 3; i++) {
            argument[i] &= UINT32_MAX;
        }
    }
    int64_t result = PSCI_NOT_SUPPORTED;
    if (function == SMCCC_BASE + SMCCC_VERSION) {
        result = (int64_t)SMCCC_VERSION_1_1;
    } else if (function == SMCCC_BASE + SMCCC_ARCH_FEATURES) {
        bool known = argument[0] == SMCCC_BASE + SMCCC_VERSION ||
                     argument[0] == SMCCC_BASE + SMCCC_ARCH_FEATURES;
        result = known ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
    } else if (implemented(function)) {
        result = psci(vm, vcpu, function & 0x1f, argument);
    }
    /* A 32-bit function's result is W0; sign extension makes no difference to it, and is what -1 is
     * compared with. */
    x[0] = (uint64_t)result;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* All groups of the kernel's tests, in the order in which they run: what later ones rest on comes first. */
#include "harness.h"

extern const struct test_group boot_group, untyped_group, cnode_group, revoke_group, abi_group, ipc_group,
    ipc_cancel_group, ipc_loan_group, ipc_fast_group, ipc_cap_group, notification_group, schedule_group, budget_group,
    timeout_group, partition_group, thread_group, fault_group, fault_fast_group, fp_group, frame_group,
    page_table_group, vspace_group, guest_space_group, vcpu_group, guest_group, guest_irq_group, guest_switch_group,
    guest_leak_group, guest_registers_group, irq_group, io_space_group, msi_group, machine_group, trace_group;

const struct test_group *const test_groups[] = {
    &boot_group, &untyped_group, &cnode_group, &revoke_group, &abi_group, &ipc_group, &ipc_cancel_group,
    &ipc_loan_group, &ipc_fast_group, &ipc_cap_group, &notification_group, &schedule_group, &budget_group,
    &timeout_group, &partition_group, &thread_group, &fault_group, &fault_fast_group, &fp_group, &frame_group,
    &page_table_group, &vspace_group, &guest_space_group, &vcpu_group, &guest_group, &guest_irq_group,
    &guest_switch_group, &guest_leak_group, &guest_registers_group, &irq_group, &io_space_group, &msi_group,
    &machine_group, &trace_group,
};

const size_t test_group_count = sizeof(test_groups) / sizeof(test_groups[0]);

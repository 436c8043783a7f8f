/* SPDX-License-Identifier: BSD-2-Clause */
/* The Machine capability. Turning off ends the suite; a reset has a program of its own (reset.c). */
#include "harness.h"

static void only_the_machine_capability_turns_it_off(void)
{
    bh_cptr others[] = {new_object(BH_TYPE_ENDPOINT), BH_ROOT_SLOT_TCB, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_IRQ_CONTROL,
                        BH_ROOT_SLOT_SCHED_CONTROL};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK_ERROR(bh_machine_off(others[i]), BH_ERROR_ILLEGAL_OPERATION, 0);
        CHECK_ERROR(bh_machine_reset(others[i]), BH_ERROR_ILLEGAL_OPERATION, 0);
    }
    CHECK_ERROR(bh_machine_off(0), BH_ERROR_INVALID_CAPABILITY, 0);
    CHECK_ERROR(bh_machine_off(new_slot()), BH_ERROR_INVALID_CAPABILITY, 0);
}

/* A domain has the controls that are in its own CNode. */
static volatile uint64_t error;

static void without_authority(uint64_t argument)
{
    (void)argument;
    error = bh_machine_off(BH_ROOT_SLOT_MACHINE).error;
    (void)bh_tcb_suspend(1);
}

static void a_thread_has_what_is_in_its_own_cnode(void)
{
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 4);
    struct thread thread = thread_prepare(without_authority, 0, PRIORITY_HIGH);
    CHECK_OK(bh_cnode_copy(cnode, 1, BH_ROOT_SLOT_CNODE, thread.tcb, BH_RIGHTS_ALL));
    CHECK_OK(bh_tcb_configure(thread.tcb, cnode, BH_ROOT_SLOT_VSPACE, test_faults, thread.ipc_frame));
    error = UINT64_MAX;
    thread_resume(&thread);
    CHECK_EQUAL(error, BH_ERROR_INVALID_CAPABILITY);
}

TEST_GROUP(machine, false, TEST_CASE(only_the_machine_capability_turns_it_off),
           TEST_CASE(a_thread_has_what_is_in_its_own_cnode));

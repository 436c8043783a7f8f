# SPDX-License-Identifier: BSD-2-Clause
"""Ways to break the kernel and the ring: what mutate.py does to a copy of the sources.

`old` is text that stands once in the file. `suites` are those that are to kill the mutation, in this order: names of
suites.py, or (name, argument...). A mutation that nothing kills shows a gap in the tests, or code that is not needed.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutation:
    name: str
    file: str
    old: str
    new: str
    breaks: str
    suites: tuple


def in_file(file, *rows):
    return [Mutation(name, file, old, new, breaks, suites if isinstance(suites, tuple) else (suites,))
            for name, old, new, breaks, suites in rows]


MUTATIONS = [
    # ---- capabilities ----
    *in_file(
        "kernel/cap.c",
        ("copy_is_an_ancestor", "derived->original = badge != 0; /*", "derived->original = 1; /*",
         "a copy of an endpoint becomes the ancestor of its siblings", "memory"),
        ("badge_is_no_border", "return child.badge == parent.badge && !child.original;", "return !child.original;",
         "a badged capability is the ancestor of copies with other badges", "model"),
        ("same_badge_is_kin", "return child.badge == parent.badge && !child.original;",
         "return child.badge == parent.badge;",
         "minting the same badge twice makes one the ancestor of the other", "memory"),
        ("untyped_covers_what_is_below", "size != 0 && b.object >= a.object && ", "size != 0 && ",
         "revoking an Untyped takes neighbours at lower addresses along", "memory"),
        ("unlink_one_way", "slot->next->previous = slot->previous;", "(void)slot->next;",
         "the slot behind a deleted one still points to it", "model"),
        ("move_leaves_the_list", "destination->previous->next = destination;", "(void)destination->previous;",
         "a moved capability is not found by its ancestors", "model"),
        ("move_leaves_those_behind", "destination->next->previous = destination;", "(void)destination->next;",
         "the slot behind a moved one still points to where it was", (("proof", "caps/move"),)),
        ("copy_keeps_all_rights", "derived->rights &= rights & BH_RIGHTS_ALL;", "(void)rights;",
         "copying with fewer rights keeps them all", "memory"),
        ("last_is_seen_from_one_side", "(next == NULL || !cap_same_object(next->cap, slot->cap))", "(next == NULL || next != NULL)",
         "deleting a capability destroys an object that has another one", "fuzz"),
        ("cut_revocation_is_done", "|| preemption_wanted()) {\n            return false;",
         "|| preemption_wanted()) {\n            return true;",
         "a revocation that an interrupt has cut short counts as done", "model"),
        ("untyped_is_copied", "(can_be_copied >> source.type & 1) == 0",
         "((can_be_copied | 1u << BH_TYPE_UNTYPED) >> source.type & 1) == 0",
         "two Untypeds can hand out the same memory", "memory"),
    ),
    *in_file(
        "kernel/cnode.c",
        ("cnode_without_end", "index >> cap.size_bits == 0 ?", "index >> cap.size_bits <= 1 ?",
         "a CNode's operations reach the memory behind it", "memory"),
        ("minting_over_a_slot", "BH_ERROR_NOT_EMPTY, !fills || slot_empty(slot))",
         "BH_ERROR_NOT_EMPTY, !fills || slot != NULL)",
         "a copy overwrites what is in the slot", "fuzz"),
    ),
    *in_file(
        "kernel/object.c",
        ("thread_is_freed_in_its_queue", "tcb_destroy(all, cap_object(cap));", ";",
         "a deleted thread stays in the queue that it waits in", "fuzz"),
        ("interrupt_outlives_its_handler", "irq_handler_destroy(all, (uint32_t)cap.object);", ";",
         "an interrupt stays taken when its handler is gone", "hostile"),
    ),

    # ---- memory ----
    *in_file(
        "kernel/untyped.c",
        ("watermark_stays", "slot->cap.untyped.used = (uint32_t)(end >> BH_UNTYPED_MIN_BITS);",
         "slot->cap.untyped.used = (uint32_t)(start >> BH_UNTYPED_MIN_BITS);",
         "memory is given out again while an object lies in it", "memory"),
        ("memory_is_not_cleared", "clear_memory(paddr_pointer(paddr(cap->object + cleared)), chunk);", "",
         "new objects show what was in their memory before", "memory"),
        ("one_object_too_many", "count <= (size - start) >> object_bits",
         "count <= ((size - start) >> object_bits) + 1",
         "an object lies beyond the end of its Untyped", "memory"),
        ("offset_within_an_object", "BH_ERROR_RANGE, start >= used)", "BH_ERROR_RANGE, start + used >= used)",
         "an object is made over another one", "model"),
        ("untyped_starts_over_too_early", "slot->cap.untyped.used != 0 && !slot_has_children(slot)",
         "slot->cap.untyped.used != 0", "an Untyped starts over with objects in it", "hostile"),
        ("skipped_memory_counts_as_clear", "cap->untyped.used = (uint32_t)(start >> BH_UNTYPED_MIN_BITS);", "",
         "memory before the offset of a retype that was cut short is given out uncleared", (("proof", "retype"),)),
        ("kernel_objects_in_device_memory", "device ? type == BH_TYPE_FRAME || type == BH_TYPE_DEVICE_UNTYPED :",
         "device ? type != BH_TYPE_NULL :",
         "kernel objects are made of device registers", "memory"),
    ),

    # ---- rights ----
    *in_file(
        "kernel/syscall.c",
        ("send_needs_one_of_two_rights", "call ? BH_RIGHT_WRITE | BH_RIGHT_CALL : BH_RIGHT_WRITE);", "BH_RIGHT_WRITE);",
         "who may send may also call", "ipc"),
        ("receive_needs_no_right", "cap_check(cap, BH_TYPE_ENDPOINT, BH_RIGHT_READ);",
         "cap_check(cap, BH_TYPE_ENDPOINT, 0);", "who may send takes others' messages", "ipc"),
    ),
    *in_file(
        "kernel/shortpath.c",
        ("short_signal_needs_no_right", "BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &cap)", "BH_TYPE_NOTIFICATION, 0, &cap)",
         "who may wait may also signal", "ipc"),
        ("short_poll_needs_no_right", "BH_TYPE_NOTIFICATION, BH_RIGHT_READ, &cap)", "BH_TYPE_NOTIFICATION, 0, &cap)",
         "who may signal takes others' bits", "ipc"),
        ("short_signal_loses_bits", "notification->bits |= bits;", "notification->bits = bits;",
         "a signal replaces those that nobody has taken yet", "ipc"),
    ),
    *in_file(
        "kernel/notification.c",
        ("deadline_needs_one_of_two_rights", "if ((invocation->cap.rights & needed) != needed) {",
         "if ((invocation->cap.rights & needed) == 0) {", "who may signal stops the receiver's clock", "model"),
        ("deadline_of_no_bits", "BH_ERROR_INVALID_ARGUMENT, invocation->word[1] != 0)", "BH_ERROR_INVALID_ARGUMENT, true)",
         "mail without bits is put into a mailbox twice, and a core reads it for ever", ("ipc", "model")),
        ("bound_thread_sleeps_on", "bound->state == TCB_BLOCKED_RECV) {", "bound->state == TCB_BLOCKED_SEND) {",
         "a signal does not end the wait for a message", "ipc"),
        ("waiting_guest_sleeps_on", "bound->state == TCB_BLOCKED_WFI) {", "bound->state == TCB_BLOCKED_SEND) {",
         "a signal does not end a guest's WFI", "guests"),
    ),
    *in_file(
        "kernel/notification.h",
        ("wake_drops_earlier_bits", "BH_INFO_NOTIFICATION, bits | notification->bits);", "BH_INFO_NOTIFICATION, bits);",
         "bits from before a thread waits for messages are lost", "ipc"),
    ),
    *in_file(
        "kernel/space.c",
        ("map_beyond_the_capability", "(rights & ~(uint64_t)slot->cap.rights) == 0", "rights != 0",
         "read-only memory can be mapped writable", "memory"),
        ("writable_code", "(rights & writable_code) != writable_code", "writable_code != rights",
         "a page of a domain is writable and executable", "memory"),
        ("generation_is_ignored", "index >= SPACE_MAX || spaces[index].generation != generation)",
         "index >= SPACE_MAX || generation > UINT32_MAX)",
         "a capability of a space that is gone unmaps pages of its successor", "memory"),
        ("unmapping_what_others_mapped", "descriptor_address(*entry).value != cap.object ||", "",
         "a stale capability unmaps another one's page", "memory"),
        ("pages_stay_in_the_tlb", "tlb_invalidate_address(space->index, address);", "(void)address;",
         "an unmapped page can still be used", "memory"),
        ("tables_keep_old_entries", "clear_memory(paddr_pointer(paddr(slot->cap.object)), BH_PAGE_SIZE);", "",
         "a table shows its earlier pages where it is mapped next", "memory"),
        ("doorbell_for_everybody", "!doorbell || space->type == BH_TYPE_IO_SPACE",
         "!doorbell || space->type != BH_TYPE_NULL",
         "a domain writes messages of devices", "msi"),
        ("dma_to_unmapped_memory", "smmu_invalidate_address(space->index, address);", "(void)address;",
         "a device still reaches memory that was unmapped", "dma"),
    ),
    *in_file(
        "kernel/aarch64/descriptor.h",
        ("guest_writes_read_only_memory", "d |= (rights & BH_RIGHT_WRITE) != 0 ? STAGE2_WRITE : 0;",
         "d |= STAGE2_WRITE;", "a guest writes memory that is for reading", "guests"),
        ("kernel_executes_memory_of_domains", "STAGE1_NOT_GLOBAL |\n         STAGE1_PXN;", "STAGE1_NOT_GLOBAL;",
         "the kernel can be made to run a domain's code", (("proof", "space/map"),)),
        ("data_is_executable", "d |= (rights & BH_RIGHT_GRANT) != 0 ? 0 : STAGE1_UXN;", "",
         "data can be executed", "threads"),
        ("guest_data_is_executable", "d |= (rights & BH_RIGHT_GRANT) != 0 ? 0 : STAGE2_XN;", "",
         "a guest executes memory that is for data", "guests"),
    ),

    # ---- messages ----
    *in_file(
        "kernel/endpoint.c",
        ("forgotten_caller_sleeps_on", "tcb_fail(core, forgotten, BH_ERROR_CANCELLED);", "(void)forgotten;",
         "a caller whose reply object is used again waits for ever", "model"),
        ("capabilities_need_no_grant", "!(grant && all != NULL && transfer_cap(all, from, to))",
         "!((grant || from != to) && all != NULL && transfer_cap(all, from, to))",
         "capabilities go through endpoints that do not allow it", "ipc"),
        ("fault_label_is_ignored", "bh_info_label(tcb->context.x[1]) == 0 ? TCB_RUNNABLE : TCB_FAULTED;",
         "TCB_RUNNABLE;", "a thread goes on that its fault handler has stopped", "threads"),
        ("cancelling_other_badges", "tcb->sending_badge == badge &&", "tcb->sending_badge >= badge &&",
         "cancelling one client's messages cancels others'", "model"),
        ("sender_poses_as_the_kernel", "from->context.x[1] & BH_INFO_USER_MASK;", "from->context.x[1];",
         "a message looks like a fault or a signal", "ipc"),
        ("queue_ignores_priority", "before->priority < tcb->priority", "before->priority > tcb->priority",
         "low senders are served before high ones", "ipc"),
    ),
    *in_file(
        "kernel/fastpath.h",
        ("fast_path_skips_the_ready", "(int)next->priority >= core->highest", "core->highest <= 255",
         "a higher thread that is ready waits for a server", "ipc"),
        ("fast_path_ignores_fp", "!core->fp_open && ", "",
         "a server sees its caller's FP registers", "ipc"),
    ),
    *in_file(
        "kernel/fastpath.c",
        ("fast_call_needs_no_call_right", "BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL, &cap)",
         "BH_TYPE_ENDPOINT, BH_RIGHT_WRITE, &cap)", "who may send may also call", "ipc"),
        ("fast_call_of_an_active_server", " || server->sched_context != NULL) {", ") {",
         "a server with time of its own loses it to its caller's", ("ipc", "model")),
        ("fast_call_breaks_the_queue", "server->next->previous = NULL;", "(void)server->next->previous;",
         "the next server in the queue still points to the one that has left", "ipc"),
        ("fast_reply_passes_signals", "(bound != NULL && bound->bits != 0) ||", "(bound != NULL && bound->core != core) ||",
         "a server waits for calls although a signal is there", "ipc"),
        ("fast_fault_is_no_fault", "    tcb->sending_fault = true;\n", "",
         "a handler's answer is taken for one to a call", "threads"),
        ("fast_reply_to_the_faulted", "if (__builtin_expect(caller->sending_fault, 0)) {", "if (caller == NULL) {",
         "the answer to a fault overwrites the thread's registers", "threads"),
        ("fast_reply_ignores_the_label", "(caller->sending_fault && bh_info_label(info) != 0) ||", "caller == NULL ||",
         "a thread goes on that its fault's handler wants stopped", "threads"),
        ("fast_message_keeps_kernel_bits", "to->context.x[1] = info & BH_INFO_USER_MASK;", "to->context.x[1] = info;",
         "a message on the fast path looks like a fault or a signal", "ipc"),
        ("signal_preempts_an_equal", "waiter->priority <= tcb->priority ||", "waiter->priority < tcb->priority ||",
         "a signal gives the processor to a thread of equal priority", "time"),
        ("signal_ignores_windows", " || sc->partition != core->partition", "",
         "a signal runs a thread outside its partition's window", "time"),
    ),

    # ---- time ----
    *in_file(
        "kernel/sched_context.c",
        ("refill_counts_from_the_past", "sc->refill[0].time = now; /*", "(void)now; /*",
         "two budgets can be used in one piece", "time"),
        ("cheapest_merge_by_gap", "(unsigned __int128)gap * refill[0].amount", "(unsigned __int128)gap",
         "many small uses lose time", "time"),
        ("new_budget_grants_twice", "goes_on && left < budget", "goes_on && budget == 0",
         "a thread gets what it has used again with a new budget", "time"),
        ("blocked_context_is_not_filled", "bool goes_on = runnable &&", "bool goes_on = (runnable || sc != NULL) &&",
         "a blocked thread's context is not filled anew", "time"),
        ("overrun_is_forgotten", "used -= part;", "used = 0;", "an overrun is not paid back", "time"),
    ),
    *in_file(
        "kernel/reply.c",
        ("loan_is_kept_by_those_behind", "while (returns && sc->lent != reply) {",
         "while (!returns && sc->lent != reply) {", "what a client took back is given on", "ipc"),
        ("spent_context_is_lent", "caller->fault.label == BH_FAULT_TIMEOUT; /*", "caller->fault.label > BH_FAULT_TIMEOUT; /*",
         "a timeout's handler is lent the context that is spent", "time"),
    ),
    *in_file(
        "kernel/partition.c",
        ("schedule_is_never_new", "    next.count = 0;\n", "",
         "windows of the old schedule are part of the new one", "time"),
        ("frame_drifts", "(schedule->current + 1) % running.count, schedule->end);",
         "(schedule->current + 1) % running.count, ticks_now());", "the frame begins later each time", "time"),
    ),
    *in_file(
        "kernel/scheduler.c",
        ("woken_outside_its_window", "core->candidate == NULL && in_window(core, tcb)", "core->candidate == NULL",
         "a woken thread runs outside its partition's window", "time"),
        ("lowest_group_first", "63 - __builtin_clzll(ready->summary)", "__builtin_ctzll(ready->summary)",
         "a low thread runs before a high one", "time"),
        ("yield_keeps_the_turn", "leave_current(core);\n        enqueue(core, tcb, false);",
         "leave_current(core);\n        enqueue(core, tcb, true);", "yield lets nobody run", "time"),
        ("guests_registers_are_not_hidden", "    vcpu_conceal(core, tcb);\n", "",
         "native threads see registers of the guest that was left", "registers"),
    ),
    *in_file(
        "kernel/deadline.c",
        ("deadlines_in_disorder", "(*link)->when <= when", "(*link)->when > when",
         "a later deadline hides an earlier one", "ipc"),
    ),
    *in_file(
        "kernel/tcb.c",
        ("timeouts_go_to_the_fault_handler", "label == BH_FAULT_TIMEOUT ? TCB_SLOT_TIMEOUT_ENDPOINT :",
         "label > BH_FAULT_TIMEOUT ? TCB_SLOT_TIMEOUT_ENDPOINT :",
         "a spent budget is told the fault's handler", "time"),
        ("timeouts_go_the_short_way", "label == BH_FAULT_TIMEOUT || !fastpath_fault", "!fastpath_fault",
         "the handler of a timeout works in the time that is used up", "time"),
        ("priority_without_limit", "invocation->word[0] <= limit", "invocation->word[0] <= limit + 255",
         "a thread raises others above its own limit", "threads"),
    ),
    *in_file(
        "kernel/irq.c",
        ("long_work_is_not_cut", "return gic_interrupt_pending() || all_cores_wanted();", "return false;",
         "an interrupt waits for the end of a long operation", "time"),
        ("acknowledging_changes_nothing", "if (__atomic_exchange_n(&irq_of(intid)->active, false, __ATOMIC_SEQ_CST)) {",
         "if (irq_of(intid)->active && intid == 0) {", "an interrupt comes once and never again", "threads"),
        ("handler_is_taken_twice", "!irqs[number].taken)", "!irqs[number].active)",
         "two drivers get the same interrupt", "threads"),
    ),

    # ---- guests ----
    *in_file(
        "kernel/aarch64/virtual_gic.c",
        ("list_register_names_any_interrupt", "if ((lr & LR_HW) != 0) {", "if (lr == LR_HW) {",
         "a monitor lets its guest deactivate any physical interrupt", "guests"),
        ("timer_stays_active", "    if (timer_in_hardware) {\n", "    if (timer_in_hardware && vcpu == NULL) {\n",
         "one guest's timer silences the others'", "guests"),
    ),
    *in_file(
        "kernel/vcpu.c",
        ("timer_outlives_its_guest", "    virtual_timer_stop();\n", "",
         "the timer of a guest that is gone goes on", "guests"),
        ("timer_without_its_offset", "vcpu->state.cntv_cval + vcpu->state.cntvoff);", "vcpu->state.cntv_cval);",
         "a guest that waits outside the hardware wakes at the wrong time", "guests"),
        ("loaded_state_is_not_sanitised", "        vcpu_registers_sanitise(&vcpu->state);\n", "",
         "a monitor loads bits that are not its guest's", ("guests", "fuzz")),
        ("fp_registers_are_not_switched", "if (core->fp != &vcpu->state.fp) {", "if (core->fp == NULL) {",
         "a guest finds a thread's FP registers", "guests"),
    ),
    *in_file(
        "kernel/vcpu.h",
        ("guest_in_aarch32", "UINT64_C(1) << 4 | UINT64_C(1) << 5) >> (pstate & 0x1f)",
         "UINT64_C(1) << 4 | UINT64_C(1) << 5 | UINT64_C(1) << 16) >> (pstate & 0x1f)",
         "a guest is entered in AArch32", (("proof", "guest_exit/pstate"),)),
        ("guest_at_el2", "UINT64_C(1) << 5) >> (pstate & 0x1f) & 1) != 0;",
         "UINT64_C(1) << 5 | UINT64_C(1) << 9) >> (pstate & 0x1f) & 1) != 0;", "a guest is entered at EL2", "guests"),
    ),
    *in_file(
        "kernel/aarch64/vcpu_registers.c",
        ("register_is_not_switched", " move(contextidr_el12, contextidr_el1)", "",
         "one guest sees another's CONTEXTIDR_EL1", "registers"),
        ("deferred_error_is_not_cleared", "write_sysreg(VDISR_EL2, 0);", "",
         "a guest sees what another left in DISR_EL1", "registers"),
    ),
    *in_file(
        "kernel/aarch64/vcpu_registers.h",
        ("generic_key_is_not_hidden", "        GENERIC_KEY(CLEAR)\n", "",
         "native threads sign with a guest's key", "registers"),
        ("thread_register_is_not_hidden", "    write_sysreg(tpidrro_el0, 0);\n", "",
         "native threads read a guest's TPIDRRO_EL0", "registers"),
    ),
    *in_file(
        "kernel/aarch64/hcr.h",
        ("error_records_are_open", " | HCR_TERR", "", "guests reach the processor's error records", "registers"),
    ),
    *in_file(
        "kernel/aarch64/start.S",
        ("performance_counters_are_open", "=0x84e60 ", "=0x84e20 ", "guests reach the performance counters",
         "registers"),
        ("physical_timer_is_open", "mov     x0, #0x403 ", "mov     x0, #0xc03 ",
         "the kernel's timer is open to others", "registers"),
    ),

    # ---- entry and exit ----
    *in_file(
        "kernel/aarch64/vectors.S",
        ("register_is_not_restored", "    ldp     x16, x17, [\\base, #128]\n", "",
         "a preempted thread finds other values in x16 and x17", "ipc"),
        ("kernels_registers_are_left", "    load_middle sp\n    load_low sp\n    eret\n\nenter_guest:",
         "    load_low sp\n    eret\n\nenter_guest:",
         "a system call shows what the kernel had in x11 to x17", "ipc"),
        ("short_call_clears_less", ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9", ".irp n, 1, 3, 4, 5, 6, 7, 8, 9",
         "a signal shows what the kernel had in x2", "ipc"),
        ("fp_pair_is_forgotten", "    \\operation q30, q31, [x0, #496]\n", "",
         "threads share q30 and q31", "registers"),
        ("pstate_is_read_twice", "ldr     x3, [x1, #VCPU_PSTATE]", "ldr     x3, [x0, #CONTEXT_PSTATE]",
         "the mode of a guest changes after it was checked", "cores"),
        ("guests_open_domains_memory", "    msr     pan, #1 ", "    nop ",
         "after a guest's exit the kernel can reach domains' memory", (("protection", "access"),)),
    ),
    *in_file(
        "kernel/aarch64/early.c",
        ("kernel_data_is_executable", "(KERNEL_PAGE | STAGE1_PXN | STAGE1_ATTRIBUTE(MEMORY_NORMAL))",
         "(KERNEL_PAGE | STAGE1_ATTRIBUTE(MEMORY_NORMAL))", "the kernel's data can be executed",
         (("protection", "tables"),)),
    ),

    # ---- devices ----
    *in_file(
        "kernel/aarch64/smmu.c",
        ("stream_outlives_its_space",
         "    uint64_t stream = space->stream;\n    write_stream_word(stream, 0, SMMU_STE_VALID | SMMU_STE_ABORT);",
         "    uint64_t stream = space->stream;", "a device goes on with the tables of a space that is gone", "dma"),
        ("faults_are_not_counted", "    space->fault.count++;\n", "", "nobody learns of a device's stray accesses", "dma"),
        ("faults_are_recorded_without_end", "if (space->fault.count == SMMU_FAULTS_RECORDED) {",
         "if (space->fault.count == 0) {", "a device that faults without end keeps the kernel busy", "dma"),
    ),
    *in_file(
        "kernel/aarch64/its.c",
        ("devices_share_their_events", "VALID | image_paddr(translation_table[device]).value",
         "VALID | image_paddr(translation_table[device & 0]).value",
         "a device raises another one's messages", "msi"),
        ("early_message_is_lost", "    event_command(COMMAND_INT, &its.lpi[lpi - LPI_FIRST], 0, 0);\n", "",
         "a message before the acknowledgement is lost", "msi"),
        ("message_outlives_its_handler", "    event_command(COMMAND_DISCARD, mapped, 0, 0);\n", "",
         "a device still raises the message of a deleted handler", "msi"),
    ),

    # ---- several cores ----
    *in_file(
        "kernel/core.c",
        ("other_cores_are_not_stopped", "if (other == all->core) {", "if (other == all->core || other->started) {",
         "a thread that runs elsewhere is destroyed while it runs", "cores"),
        ("mail_without_a_kick", "__ATOMIC_RELEASE, __ATOMIC_RELAXED));\n    core_kick(core);",
         "__ATOMIC_RELEASE, __ATOMIC_RELAXED));", "a signal to another core waits for its next interrupt", "cores"),
        ("mail_keeps_its_bits", "__atomic_exchange_n(&(*mail)->bits, 0, __ATOMIC_ACQ_REL);",
         "__atomic_load_n(&(*mail)->bits, __ATOMIC_ACQUIRE);",
         "only the first signal to another core arrives", "cores"),
    ),

    *in_file(
        "kernel/lock.h",
        ("two_cores_have_a_lock", "return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == ticket.next;",
         "return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) >= ticket.next - 1;",
         "who is next in line for a lock does not wait for it", "stress"),
    ),

    # ---- start ----
    *in_file(
        "kernel/device_tree.c",
        ("property_beyond_the_tree", "start_requires(value.size <= structure.size - *at,",
         "start_requires(value.size != 1,",
         "a property reaches beyond the device tree", "unit"),
    ),
    *in_file(
        "kernel/boot_image.c",
        ("headers_beyond_the_image", "headers <= (image.size - table) / PH_SIZE,", "headers != 1u << 31,",
         "program headers reach beyond root's image", "unit"),
        ("bundle_ends_too_early", "file_size <= size - data,", "file_size != 0,",
         "root's image reaches beyond the bundle", (("refuse", "truncated"),)),
    ),
    *in_file(
        "kernel/machine.c",
        ("reset_does_nothing", "        stop(PSCI_SYSTEM_RESET);\n", "        return BH_OK;\n",
         "the machine cannot be reset", "reset"),
    ),

    # ---- trace ----
    *in_file(
        "kernel/trace.c",
        ("trace_keeps_the_oldest", "__atomic_store_n(&ring->next, next + 1, __ATOMIC_RELEASE);",
         "__atomic_store_n(&ring->next, next + 1 < BH_TRACE_ENTRIES ? next + 1 : next, __ATOMIC_RELEASE);",
         "a full trace takes no more entries", "trace"),
    ),

    # ---- rings ----
    *in_file(
        "ipc/ring.h",
        ("ring_believes_its_producer", "if (available > ring->size) {", "if (available > ring->size * 2) {",
         "a consumer reads entries that cannot be there", "ring"),
        ("ring_sleeps_on_entries", "__atomic_load_n(&ring->shared->produced, __ATOMIC_ACQUIRE) == ring->index) {",
         "__atomic_load_n(&ring->shared->produced, __ATOMIC_ACQUIRE) >= ring->index) {",
         "a consumer sleeps although entries have come", "ring"),
        ("ring_writes_beyond_its_entries", "(size_t)(ring->index & (ring->size - 1)) * ring->entry_size, entry,",
         "(size_t)(ring->index & ring->size) * ring->entry_size, entry,",
         "a producer writes behind the ring", (("proof", "ring/produce"),)),
        ("ring_takes_one_too_many", "if (used == ring->size) {", "if (used == ring->size + 1) {",
         "a producer overwrites an entry that was not read", "ring"),
    ),

    # ---- what only takes longer ----
    *in_file(
        "kernel/fastpath.c",
        ("fast_reply_is_never_taken", "if (endpoint->core != core || reply->core != core) {",
         "if (endpoint->core != core || reply->core != core || reply->caller != NULL) {",
         "every answer goes the slow way", "bench"),
    ),
]

/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#define ALL BH_RIGHTS_ALL
#define RW (BH_RIGHT_READ | BH_RIGHT_WRITE)
#define RWX (RW | BH_RIGHT_GRANT)

#define CPACR_EL1_FPEN (UINT64_C(3) << 20)

void guest_reset_state(struct bh_vcpu_state *state)
{
    memset(state, 0, sizeof(*state));
    state->sctlr_el1 = SCTLR_EL1_RES1;
    state->cpacr_el1 = CPACR_EL1_FPEN;
    state->vbar_el1 = GUEST_RAM;
    state->vmpidr = UINT64_C(0x80000000);
    state->vpidr = UINT64_C(0x410fd0f0);
}

bh_cptr guest_space_new(struct guest *guest)
{
    guest->space = new_object(BH_TYPE_GUEST_SPACE);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), guest->space, GUEST_RAM));
    }
    for (uint64_t i = 0; i < GUEST_PAGES; i++) {
        guest->ram[i] = new_frame();
        uint8_t *page = map_frame(new_copy(guest->ram[i], ALL), RW);
        for (uint64_t byte = 0; byte < BH_PAGE_SIZE && i * BH_PAGE_SIZE + byte < guest_image_size; byte++) {
            page[byte] = guest_image[i * BH_PAGE_SIZE + byte];
        }
        guest->data = (volatile uint64_t *)page;
        CHECK_OK(bh_frame_map(guest->ram[i], guest->space, GUEST_RAM + i * BH_PAGE_SIZE, RWX, 0));
    }
    return guest->space;
}

struct guest guest_new(bh_cptr tcb)
{
    struct guest guest = {.tcb = tcb};
    (void)guest_space_new(&guest);
    guest.frame_cap = new_frame();
    guest.frame = map_frame(guest.frame_cap, RW);
    guest.vcpu = new_object(BH_TYPE_VCPU);
    CHECK_OK(bh_vcpu_configure(guest.vcpu, tcb, guest.space, guest.frame_cap));
    guest_reset_state(&guest.frame->state);
    CHECK_OK(bh_vcpu_load(guest.vcpu));
    for (int i = 0; i < BH_VCPU_INTERRUPTS; i++) {
        guest.frame->priority[i] = 0xa0;
    }
    guest.frame->timer_enabled = 1;
    return guest;
}

void guest_aim(const struct guest *guest, uint64_t entry)
{
    guest->frame->pc = GUEST_RAM + entry;
    guest->frame->pstate = GUEST_EL1H_MASKED;
}

uint64_t guest_run(const char *file, uint32_t line, const struct guest *guest, enum bh_exit reason)
{
    uint64_t bits;
    uint64_t actual = bh_vm_enter(&bits);
    if (actual != (uint64_t)reason) {
        test_fail(file, line, "the guest exited with %u at pc %x, esr %x, far %x, x27 %x; expected %u", actual,
                  guest->frame->pc, guest->frame->esr, guest->frame->far, guest->frame->x[27], (uint64_t)reason);
    }
    if (guest->frame->reason != actual) {
        test_fail(file, line, "the frame's reason is %u, not %u", guest->frame->reason, actual);
    }
    return bits;
}

static void enter(uint64_t argument)
{
    struct guest_thread *runner = (struct guest_thread *)argument;
    uint64_t reason;
    do {
        uint64_t bits;
        reason = bh_vm_enter(&bits);
        runner->exit_count++;
        runner->bits = bits;
    } while (runner->repeat && reason != BH_EXIT_HVC);
    runner->reason = reason;
}

void guest_thread_prepare(struct guest_thread *runner, struct guest *guest, uint64_t priority)
{
    runner->reason = UINT64_MAX;
    runner->bits = 0;
    runner->exit_count = 0;
    runner->repeat = false;
    runner->thread = thread_prepare(enter, (uint64_t)runner, priority);
    *guest = guest_new(runner->thread.tcb);
}

void guest_thread_again(struct guest_thread *runner)
{
    runner->reason = UINT64_MAX;
    CHECK_OK(bh_tcb_suspend(runner->thread.tcb));
    thread_aim(&runner->thread, enter, (uint64_t)runner);
    thread_resume(&runner->thread);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "register_walk.h"

#define ALL BH_RIGHTS_ALL
#define RW (BH_RIGHT_READ | BH_RIGHT_WRITE)
#define RX (BH_RIGHT_READ | BH_RIGHT_GRANT)
#define RWX (RW | BH_RIGHT_GRANT)

#define WALK_CODE (GUEST_RAM + 0x10000)
#define WALK_SLOT (WALK_CODE + BH_PAGE_SIZE)
#define WALK_TABLE (WALK_SLOT + BH_PAGE_SIZE)
#define TABLE_PAGES (WALK_STEPS * sizeof(struct step) / BH_PAGE_SIZE)

/* ZEN, FPEN, SMEN: what the guest cannot reach is kept from it by the kernel, not by itself. */
#define CPACR_EL1_OPEN ((UINT64_C(3) << 16) | (UINT64_C(3) << 20) | (UINT64_C(3) << 24))

#define RET UINT32_C(0xd65f03c0)

static void run_vmm(uint64_t argument)
{
    struct walker *walker = (struct walker *)argument;
    struct bh_vcpu_frame *frame = walker->guest.frame;
    uint64_t bits, reason;
    while ((reason = bh_vm_enter(&bits)) == BH_EXIT_SYSREG || reason == BH_EXIT_EXCEPTION) {
        frame->x[13] = STEP_TRAPPED;
        frame->pc += 4;
    }
    walker->done = reason == BH_EXIT_HVC;
}

static uint8_t *map_into_guest(const struct guest *guest, uint64_t address)
{
    bh_cptr frame = new_frame();
    CHECK_OK(bh_frame_map(new_copy(frame, ALL), guest->space, address, RWX, 0));
    return map_frame(frame, RW);
}

void walker_prepare(struct walker *walker)
{
    walker->vmm = thread_prepare(run_vmm, (uint64_t)walker, PRIORITY_HIGH);
    walker->guest = guest_new(walker->vmm.tcb);
    memcpy(map_into_guest(&walker->guest, WALK_CODE), register_walk_image, register_walk_size);
    ((uint32_t *)map_into_guest(&walker->guest, WALK_SLOT))[1] = RET;
    for (uint64_t i = 0; i < TABLE_PAGES; i++) { /* pages of the window follow each other */
        uint8_t *page = map_into_guest(&walker->guest, WALK_TABLE + i * BH_PAGE_SIZE);
        if (i == 0) {
            walker->table = (struct step *)page;
        }
        CHECK_EQUAL(page, (uint64_t)walker->table + i * BH_PAGE_SIZE);
    }
    walker->guest.frame->state.vbar_el1 = WALK_CODE;
    walker->guest.frame->state.cpacr_el1 = CPACR_EL1_OPEN;
    CHECK_OK(bh_vcpu_load(walker->guest.vcpu));
    walker->guest.frame->pstate = GUEST_EL1H_MASKED;
}

void walker_run(struct walker *walker, uint32_t count)
{
    struct bh_vcpu_frame *frame = walker->guest.frame;
    frame->pc = WALK_CODE + register_walk_entry;
    frame->x[10] = WALK_TABLE;
    frame->x[11] = count;
    frame->x[12] = WALK_SLOT;
    walker->done = false;
    CHECK_OK(bh_tcb_suspend(walker->vmm.tcb));
    thread_aim(&walker->vmm, run_vmm, (uint64_t)walker);
    thread_resume(&walker->vmm);
    if (!walker->done) {
        test_fail(__FILE__, __LINE__, "the walk ended with exit %u at pc %x, esr %x", frame->reason, frame->pc,
                  frame->esr);
    }
}

/* --- EL0 --- */

static struct step *native_table;
static uint32_t native_count;
static volatile uint32_t *native_code; /* where it is written */
static uint64_t native_slot;           /* where it is executed */
static volatile uint32_t native_outcome;
static bh_cptr native_endpoint;

static void native_write(uint32_t instruction)
{
    native_code[0] = instruction;
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %1\n dsb ish\n isb"
                     :
                     : "r"(native_code), "r"(native_slot)
                     : "memory");
}

static void run_native(uint64_t argument)
{
    (void)argument;
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    for (uint32_t i = 0; i < native_count; i++) {
        native_write(native_table[i].instruction);
        native_outcome = STEP_WORKED;
        register uint64_t x0 __asm__("x0") = native_table[i].value;
        __asm__ volatile("blr %1" : "+r"(x0) : "r"(native_slot) : "x30", "memory", "cc");
        native_table[i].value = x0;
        native_table[i].outcome = native_outcome;
    }
    (void)bh_send(native_endpoint, bh_info(0, 0), none);
}

void native_walk(struct step *table, uint32_t count, uint64_t flags, void (*meanwhile)(void))
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    bh_cptr frame = new_frame();
    native_code = map_frame(frame, RW);
    native_code[1] = RET;
    native_slot = (uint64_t)map_frame(new_copy(frame, ALL), RX);
    native_endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr reply = new_object(BH_TYPE_REPLY);
    native_table = table;
    native_count = count;
    struct thread thread = thread_start_faulting(run_native, 0, PRIORITY_LOW, native_endpoint);
    CHECK_OK(bh_tcb_set_flags(thread.tcb, flags));
    struct bh_message message = bh_recv(native_endpoint, reply);
    while ((message.info & BH_INFO_FAULT) != 0) {
        CHECK_EQUAL(message.word[0], native_slot);
        native_outcome = STEP_TRAPPED;
        if (native_code[0] == STEP_PAUSE) {
            meanwhile();
        }
        native_write(STEP_NOP); /* is executed in place of what has faulted */
        CHECK_EQUAL(bh_send(reply, bh_info(0, 0), none), BH_OK);
        message = bh_recv(native_endpoint, reply);
    }
    CHECK_EQUAL(message.status, BH_OK);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel makes of a guest's exceptions, and of a vCPU frame that a VMM has filled with anything. */
#define BOUND_DOORBELLS 16 /* of the GuestSpace: all that the interface allows */
#define UNWIND          17

#include "test/proof/kernel.h"

#include "kernel/vcpu.h"

/* The frame is shared: a word of it is another one at the next look. Of the rest nothing is read this way. */
#undef __atomic_load_n
#define __atomic_load_n(place, order) ((void)*(place), ANY(__typeof__(*(place))))

#include "kernel/guest_exit.c"
#include "kernel/guest_space.c"
#include "kernel/vcpu.c"

static struct bh_vcpu_frame frame;
static struct space guest_memory;
static struct notification rung;
static struct core core;
static struct tcb tcb;
static struct vcpu vcpu;

#define FRAME_ADDRESS        0x1000u /* where nothing looks */
#define SPACE_ADDRESS        0x2000u
#define NOTIFICATION_ADDRESS 0x3000u

void *paddr_pointer(paddr_t address)
{
    switch (address.value) {
    case SPACE_ADDRESS:
        return &guest_memory;
    default:
        PROVE(address.value == NOTIFICATION_ADDRESS);
        return &rung;
    }
}

paddr_t pointer_paddr(const void *pointer)
{
    PROVE(pointer == &guest_memory);
    return paddr(SPACE_ADDRESS);
}

struct core *this_core(void)
{
    return &core;
}

/* The rest of the kernel: what it does has no part in these claims. */
void notification_signal(struct core *on, struct notification *notification, uint64_t badge)
{
    PROVE(on == &core && notification == &rung);
    (void)badge;
}

bool virtual_gic_pending(void)
{
    return any_bool();
}
void virtual_gic_save(struct vcpu *out)
{
    (void)out;
}
void virtual_gic_load(struct vcpu *in)
{
    (void)in;
}
void virtual_gic_inject(struct vcpu *in, struct bh_vcpu_frame *from)
{
    PROVE(in == &vcpu && from == &frame);
}
void vcpu_registers_save(struct bh_vcpu_state *state)
{
    (void)state;
}
void vcpu_registers_load(const struct bh_vcpu_state *state)
{
    (void)state;
}
bool virtual_timer_armed(const struct bh_vcpu_state *state)
{
    (void)state;
    return any_bool();
}
void virtual_timer_stop(void)
{
}
bool core_wait(struct core *on, const union lock *lock, union lock ticket, enum entry entry)
{
    PROVE(lock == &on->lock);
    (void)ticket, (void)entry;
    return any_bool();
}
void vttbr_set(paddr_t root, uint32_t vmid)
{
    (void)root, (void)vmid;
}
void vttbr_set_empty(void)
{
}
void deadline_set(struct core *on, struct deadline *deadline, enum deadline_kind kind, uint64_t when)
{
    (void)on, (void)deadline, (void)kind, (void)when;
}
void deadline_clear(struct core *on, struct deadline *deadline)
{
    (void)on, (void)deadline;
}
void fp_switch(struct core *on, struct bh_fp_state *state)
{
    on->fp = state;
}
void fp_access(bool open)
{
    (void)open;
}

static void any_state(void)
{
    __CPROVER_havoc_object(&frame);
    __CPROVER_havoc_object(&guest_memory);
    __CPROVER_havoc_object(&tcb);
    __CPROVER_havoc_object(&vcpu);
    guest_memory.type = BH_TYPE_GUEST_SPACE;
    core.current = &tcb;
    core.vcpu = any_bool() ? &vcpu : NULL;
    core.whole_vcpu = any_bool() ? core.vcpu : NULL;
    core.lock.word = ANY(uint32_t);
    vcpu.frame = &frame;
    tcb.vcpu = &vcpu;
    tcb.bound_notification = any_bool() ? &rung : NULL;
    vcpu.tcb = &tcb;
    vcpu.slots[VCPU_SLOT_FRAME].cap = (struct cap){.type = BH_TYPE_FRAME, .size_bits = BH_PAGE_BITS, .object = FRAME_ADDRESS};
    vcpu.slots[VCPU_SLOT_GUEST_SPACE].cap = (struct cap){.type = BH_TYPE_GUEST_SPACE, .object = SPACE_ADDRESS};
    for (unsigned i = 0; i < BH_DOORBELLS; i++) {
        guest_memory.doorbell_slots[i].cap =
            any_bool() ? (struct cap){.type = BH_TYPE_NOTIFICATION, .object = NOTIFICATION_ADDRESS} : (struct cap){0};
    }
}

/* An exception of a guest, whatever its syndrome and registers, is handled within the frame; a decoded access names a
 * register and size that exist, and a stored value no wider than the access. */
void prove_exception(void)
{
    any_state();
    tcb.in_guest = true;
    tcb.state = TCB_RUNNABLE;
    struct tcb *next = guest_exception(&core);
    PROVE(next == NULL || next == &tcb);
    if (!tcb.in_guest && frame.reason == BH_EXIT_MMIO) {
        REACHED("a decoded access");
        PROVE(frame.access.size_bits <= 3 && frame.access.reg <= 31 && frame.access.write <= 1);
        PROVE(frame.access.size_bits == 3 || frame.access.value >> (8u << frame.access.size_bits) == 0);
        PROVE(frame.access.reg != 31 || frame.access.value == 0); /* XZR: there is no x[31] to read */
        PROVE(frame.access.write != 0 || frame.access.value == 0);
        PROVE((frame.ipa & 0xfff) == (frame.far & 0xfff));
    }
    if (tcb.state == TCB_BLOCKED_WFI) {
        REACHED("WFI");
    }
}

/* A guest is entered only with a pstate that names EL0t, EL1t or EL1h in AArch64 and does not single-step, whatever who
 * shares the frame writes to it meanwhile. */
void prove_pstate(void)
{
    any_state();
    if (!vcpu_prepare(&core, &tcb)) {
        REACHED("bh_vm_enter returns");
        return;
    }
    uint64_t mode = vcpu.pstate & 0xf; /* Arm ARM C5.2.19: M[3:0] */
    PROVE(mode == 0 || mode == 4 || mode == 5);
    PROVE((vcpu.pstate & (1u << 4)) == 0);  /* M[4]: AArch32 */
    PROVE((vcpu.pstate & (1u << 21)) == 0); /* SS */
    if (mode == 5) {
        REACHED("EL1h");
    }
    if (mode == 0) {
        REACHED("EL0t");
    }
}

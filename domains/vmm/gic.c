/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/gic.h"

#include <string.h>

#include "domains/vmm/system.h"
#include "libs/runtime/runtime.h"

#define TIMER_BIT (UINT32_C(1) << BH_VCPU_TIMER_INTID)

/* ICH_LR<n>_EL2 (GICv3 12.4.9). */
#define LR_PENDING (UINT64_C(1) << 62)
#define LR_ACTIVE  (UINT64_C(1) << 63)
#define LR_STATE   (LR_PENDING | LR_ACTIVE)

#define TIMER_CONTROL_ENABLE UINT64_C(1)
#define TIMER_CONTROL_MASK   UINT64_C(2)

struct gic_word *gic_word(struct gic *gic, struct gic_cpu *cpu, unsigned index)
{
    return index == 0 ? &cpu->word : &gic->word[index];
}

/* The vCPUs that may hold interrupts of a word: the one that owns word 0, all of them for the
 * others. */
static struct gic_cpu *gic_first_holder(struct gic *gic, struct gic_cpu *cpu, unsigned index)
{
    return index == 0 ? cpu : &gic->cpu[0];
}

static struct gic_cpu *gic_end_holder(struct gic *gic, struct gic_cpu *cpu, unsigned index)
{
    return index == 0 ? cpu + 1 : &gic->cpu[gic->cpu_count];
}

void gic_reset(struct gic *gic, struct bh_vcpu_frame *const frame[], unsigned cpu_count)
{
    memset(gic, 0, sizeof(*gic));
    gic->cpu_count = cpu_count;
    for (unsigned i = 0; i < cpu_count; i++) {
        struct gic_cpu *cpu = &gic->cpu[i];
        *cpu = (struct gic_cpu){.gic = gic, .frame = frame[i], .index = i, .asleep = true};
        cpu->word.edge = 0xffff; /* SGIs are always edge-triggered */
        cpu->word.routed = UINT32_MAX;
        cpu->frame->timer_enabled = 0;
        memset(cpu->frame->pending, 0, sizeof(cpu->frame->pending));
        memset(cpu->frame->completed, 0, sizeof(cpu->frame->completed));
        memset(cpu->frame->level, 0xff, sizeof(cpu->frame->level));
        memset(cpu->frame->priority, 0, sizeof(cpu->frame->priority));
        cpu->frame->level[0] = ~(cpu->word.edge | TIMER_BIT);
        cpu->frame->pending_summary = 0;
        cpu->frame->completed_summary = 0;
    }
    for (unsigned i = 1; i < GIC_WORDS; i++) {
        gic->word[i].routed = UINT32_MAX; /* IROUTER resets to 0.0.0: the first vCPU */
    }
}

void gic_update(struct gic *gic, struct gic_cpu *cpu, unsigned index)
{
    struct gic_word *word = gic_word(gic, cpu, index);
    uint32_t open = word->enabled & word->group & word->routed & ~word->active;
    if ((gic->control & GIC_CONTROL_GROUP1) == 0) {
        open = 0;
    }
    if (index == 0) {
        cpu->frame->timer_enabled = (open & TIMER_BIT) != 0;
        open &= ~TIMER_BIT;
    }
    uint32_t post = open & (word->latch | (word->line & ~word->edge & ~word->posted));
    word->latch &= ~post;
    word->posted |= post;
    while (post != 0) {
        uint32_t intid = 32 * index + (uint32_t)__builtin_ctz(post);
        post &= post - 1;
        struct gic_cpu *target = index == 0 ? cpu : &gic->cpu[gic->target[intid]];
        bh_vcpu_frame_post(target->frame, intid);
    }
}

/* Takes an interrupt back that the kernel has not taken yet. One in a list register has mostly been
 * acknowledged; if not, it comes out spurious, which costs less than to look. */
static void gic_call_off(struct gic *gic, struct gic_cpu *own, unsigned index, uint32_t bit)
{
    struct gic_word *word = gic_word(gic, own, index);
    for (struct gic_cpu *holder = gic_first_holder(gic, own, index);
         holder < gic_end_holder(gic, own, index); holder++) {
        uint32_t *pending = &holder->frame->pending[index];
        if ((__atomic_fetch_and(pending, ~bit, __ATOMIC_ACQ_REL) & bit) != 0) {
            word->posted &= ~bit;
        }
    }
}

void gic_set_level(struct gic *gic, unsigned cpu, uint32_t intid, bool level)
{
    if (intid >= GUEST_INTID_COUNT || cpu >= gic->cpu_count) {
        return;
    }
    unsigned index = intid / 32;
    uint32_t bit = UINT32_C(1) << (intid % 32);
    struct gic_cpu *own = &gic->cpu[cpu];
    struct gic_word *word = gic_word(gic, own, index);
    if (((word->line & bit) != 0) == level) {
        return;
    }
    word->line ^= bit;
    if (level) {
        word->latch |= word->edge & bit;
        gic_update(gic, own, index);
    } else if ((word->again & word->posted & ~word->edge & bit) != 0) {
        /* The guest completes an interrupt before it deals with the device: it must not come
         * twice. */
        gic_withdraw(gic, own, index, bit);
    } else if ((word->posted & ~word->edge & bit) != 0) {
        gic_call_off(gic, own, index, bit);
    }
}

void gic_pulse(struct gic *gic, unsigned cpu, uint32_t intid)
{
    if (intid >= GUEST_INTID_COUNT || cpu >= gic->cpu_count) {
        return;
    }
    struct gic_cpu *own = &gic->cpu[cpu];
    gic_word(gic, own, intid / 32)->latch |= UINT32_C(1) << (intid % 32);
    gic_update(gic, own, intid / 32);
}

void gic_complete(struct gic *gic, unsigned cpu)
{
    struct gic_cpu *own = &gic->cpu[cpu];
    uint32_t summary = __atomic_exchange_n(&own->frame->completed_summary, 0, __ATOMIC_ACQ_REL);
    summary &= (UINT32_C(1) << GIC_WORDS) - 1;
    while (summary != 0) {
        unsigned index = (unsigned)__builtin_ctz(summary);
        summary &= summary - 1;
        uint32_t done = __atomic_exchange_n(&own->frame->completed[index], 0, __ATOMIC_ACQ_REL);
        struct gic_word *word = gic_word(gic, own, index);
        word->posted &= ~(done & ~word->edge);
        gic_update(gic, own, index);
        word->again = (word->again & ~done) | (done & word->posted & ~word->edge);
    }
}

/* What of a word's interrupts the list registers of a vCPU hold, after system_vcpu_save; `clear`
 * (LR_PENDING, LR_ACTIVE or 0) is taken from those of `mask`. True: the state has changed and is to
 * be loaded. */
static bool gic_scan(struct gic_cpu *cpu, unsigned index, uint32_t mask, uint64_t clear,
                     struct gic_observation *seen)
{
    bool changed = false;
    for (unsigned i = 0; i < BH_VCPU_LIST_REGISTERS; i++) {
        uint64_t *lr = &cpu->frame->state.list_register[i];
        uint32_t intid = (uint32_t)*lr;
        if ((*lr & LR_STATE) == 0 || intid / 32 != index) {
            continue;
        }
        uint32_t bit = UINT32_C(1) << (intid % 32);
        seen->pending |= (*lr & LR_PENDING) != 0 ? bit : 0;
        seen->active |= (*lr & LR_ACTIVE) != 0 ? bit : 0;
        if ((mask & bit) != 0 && (*lr & clear) != 0) {
            *lr &= ~clear;
            if ((*lr & LR_STATE) == 0) {
                *lr = 0;
            }
            changed = true;
        }
    }
    return changed;
}

uint32_t gic_withdraw(struct gic *gic, struct gic_cpu *cpu, unsigned index, uint32_t mask)
{
    struct gic_word *word = gic_word(gic, cpu, index);
    mask &= word->posted;
    if (mask == 0) {
        return 0;
    }
    uint32_t taken = 0;
    uint32_t active = 0;
    for (struct gic_cpu *holder = gic_first_holder(gic, cpu, index);
         holder < gic_end_holder(gic, cpu, index); holder++) {
        taken |= __atomic_fetch_and(&holder->frame->pending[index], ~mask, __ATOMIC_ACQ_REL) & mask;
        struct gic_observation seen = {0};
        system_vcpu_save(holder->index);
        if (gic_scan(holder, index, mask, LR_PENDING, &seen)) {
            system_vcpu_load(holder->index);
        }
        taken |= seen.pending & mask;
        active |= seen.active & mask;
    }
    word->posted = (word->posted & ~mask) | active;
    word->again &= ~mask;
    return taken;
}

void gic_hold_back(struct gic *gic, struct gic_cpu *cpu, unsigned index, uint32_t mask)
{
    uint32_t taken = gic_withdraw(gic, cpu, index, mask);
    struct gic_word *word = gic_word(gic, cpu, index);
    word->latch |= taken & (word->edge | ~word->line);
}

/* Whether the output of the virtual timer is high (Arm ARM D11.2.4), after system_vcpu_save. */
static bool timer_fires(const struct bh_vcpu_state *state)
{
    uint64_t control = state->cntv_ctl & (TIMER_CONTROL_ENABLE | TIMER_CONTROL_MASK);
    return control == TIMER_CONTROL_ENABLE && bh_ticks() - state->cntvoff >= state->cntv_cval;
}

struct gic_observation gic_observe(struct gic *gic, struct gic_cpu *cpu, unsigned index)
{
    struct gic_word *word = gic_word(gic, cpu, index);
    struct gic_observation seen = {.pending = word->latch | (word->line & ~word->edge),
                                   .active = word->active};
    if (word->posted == 0 && index != 0) {
        return seen;
    }
    struct gic_observation held = {0};
    for (struct gic_cpu *holder = gic_first_holder(gic, cpu, index);
         holder < gic_end_holder(gic, cpu, index); holder++) {
        held.pending |= __atomic_load_n(&holder->frame->pending[index], __ATOMIC_ACQUIRE);
        system_vcpu_save(holder->index);
        gic_scan(holder, index, 0, 0, &held);
        if (index == 0 && timer_fires(&holder->frame->state)) {
            seen.pending |= TIMER_BIT;
        }
    }
    /* The completion of a level-sensitive one is yet to be reported. */
    word->posted &= held.pending | held.active | ~word->edge;
    seen.pending |= held.pending;
    seen.active |= held.active;
    return seen;
}

void gic_deactivate(struct gic *gic, struct gic_cpu *cpu, unsigned index, uint32_t mask)
{
    struct gic_word *word = gic_word(gic, cpu, index);
    if ((mask & word->posted) == 0) {
        return;
    }
    for (struct gic_cpu *holder = gic_first_holder(gic, cpu, index);
         holder < gic_end_holder(gic, cpu, index); holder++) {
        struct gic_observation seen = {0};
        system_vcpu_save(holder->index);
        if (gic_scan(holder, index, mask, LR_ACTIVE, &seen)) {
            system_vcpu_load(holder->index);
        }
        word->posted &= ~(seen.active & ~seen.pending & mask);
    }
}

/* Makes an SGI pending on a vCPU. */
static void gic_receive_sgi(struct gic *gic, struct gic_cpu *cpu, uint32_t intid)
{
    cpu->word.latch |= UINT32_C(1) << intid;
    gic_update(gic, cpu, 0);
}

void gic_send_sgi(struct gic *gic, unsigned from, uint64_t value)
{
    uint32_t intid = (uint32_t)(value >> 24) & 0xf;
    if ((value >> 40 & 1) != 0) { /* IRM: all but the sender */
        for (unsigned i = 0; i < gic->cpu_count; i++) {
            if (i != from) {
                gic_receive_sgi(gic, &gic->cpu[i], intid);
            }
        }
        return;
    }
    uint64_t cluster = (value >> 16 & 0xff) | (value >> 32 & 0xff) | (value >> 48 & 0xff);
    uint64_t range = value >> 44 & 0xf;
    if (cluster != 0 || range != 0) {
        return; /* all vCPUs have Aff3, Aff2, Aff1 of 0 and Aff0 below 16 */
    }
    for (unsigned i = 0; i < gic->cpu_count; i++) {
        if ((value >> i & 1) != 0) {
            gic_receive_sgi(gic, &gic->cpu[i], intid);
        }
    }
}

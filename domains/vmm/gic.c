/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/gic.h"

#include <string.h>

#include "domains/vmm/system.h"
#include "domains/vmm/vm.h"
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

/* The vCPUs that may hold interrupts `mask` of a word, a bit each. */
static uint32_t gic_holders(const struct gic *gic, const struct gic_cpu *own, unsigned index,
                            uint32_t mask)
{
    if (index == 0) {
        return UINT32_C(1) << own->index;
    }
    if (gic->cpu_count == 1) {
        return 1;
    }
    uint32_t holders = 0;
    for (; mask != 0; mask &= mask - 1) {
        holders |= UINT32_C(1) << gic->holder[32 * index + (unsigned)__builtin_ctz(mask)];
    }
    return holders;
}

/* Takes the next vCPU out of such a set. */
static struct gic_cpu *gic_next_holder(struct gic *gic, uint32_t *holders)
{
    struct gic_cpu *cpu = &gic->cpu[__builtin_ctz(*holders)];
    *holders &= *holders - 1;
    return cpu;
}

/* Those of a word that a frame or a list register may have. */
static uint32_t gic_posted(const struct gic_word *word, unsigned index)
{
    return index == 0 ? word->posted | GIC_SGI_MASK : word->posted;
}

/* The vCPU whose thread has the lock. */
static unsigned cpu_of_thread(const struct gic *gic)
{
    return gic->cpu[0].vcpu->vm->current;
}

void gic_reset(struct gic *gic, struct vcpu *vcpu, unsigned cpu_count)
{
    memset(gic, 0, sizeof(*gic));
    gic->cpu_count = cpu_count;
    for (unsigned i = 0; i < cpu_count; i++) {
        struct gic_cpu *cpu = &gic->cpu[i];
        *cpu = (struct gic_cpu){.gic = gic,
                                .vcpu = &vcpu[i],
                                .frame = vcpu[i].frame,
                                .index = i,
                                .asleep = true};
        cpu->word.edge = GIC_SGI_MASK; /* SGIs are always edge-triggered */
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

/* Where an SPI is delivered: to its target, but to the vCPU that holds it as long as that one has it
 * active. */
static struct gic_cpu *gic_destination(struct gic *gic, unsigned index, uint32_t intid)
{
    const struct gic_word *word = &gic->word[index];
    uint32_t bit = UINT32_C(1) << (intid % 32);
    if (gic->holder[intid] != gic->target[intid] && (word->posted & bit) != 0) {
        (void)gic_observe(gic, NULL, index);
        if ((word->posted & bit) != 0) {
            return &gic->cpu[gic->holder[intid]];
        }
    }
    gic->holder[intid] = gic->target[intid];
    return &gic->cpu[gic->target[intid]];
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
        __atomic_store_n(&cpu->sgi_open, open & GIC_SGI_MASK, __ATOMIC_RELAXED);
        open &= ~TIMER_BIT;
    }
    uint32_t post = open & (word->latch | (word->line & ~word->edge & ~word->posted));
    word->latch &= ~post;
    while (post != 0) {
        uint32_t intid = 32 * index + (uint32_t)__builtin_ctz(post);
        struct gic_cpu *target = index == 0 ? cpu : gic_destination(gic, index, intid);
        word->posted |= post & -post;
        post &= post - 1;
        vcpu_post(target->vcpu, cpu_of_thread(gic), intid);
    }
}

/* Takes an interrupt back that the kernel has not taken yet. One in a list register has mostly been
 * acknowledged; if not, it comes out spurious, which costs less than to look. */
static void gic_call_off(struct gic *gic, struct gic_cpu *own, unsigned index, uint32_t bit)
{
    struct gic_word *word = gic_word(gic, own, index);
    uint32_t holders = gic_holders(gic, own, index, bit);
    while (holders != 0) {
        struct gic_cpu *holder = gic_next_holder(gic, &holders);
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
    mask &= gic_posted(word, index);
    if (mask == 0) {
        return 0;
    }
    uint32_t taken = 0;
    uint32_t active = 0;
    uint32_t holders = gic_holders(gic, cpu, index, mask);
    while (holders != 0) {
        struct gic_cpu *holder = gic_next_holder(gic, &holders);
        struct gic_observation seen = {0};
        vcpu_hold(holder->vcpu);
        taken |= __atomic_fetch_and(&holder->frame->pending[index], ~mask, __ATOMIC_ACQ_REL) & mask;
        system_vcpu_save(holder->index);
        if (gic_scan(holder, index, mask, LR_PENDING, &seen)) {
            system_vcpu_load(holder->index);
        }
        vcpu_let_go(holder->vcpu);
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
    uint32_t holders = gic_holders(gic, cpu, index, word->posted);
    while (holders != 0) {
        struct gic_cpu *holder = gic_next_holder(gic, &holders);
        vcpu_hold(holder->vcpu);
        held.pending |= __atomic_load_n(&holder->frame->pending[index], __ATOMIC_ACQUIRE);
        system_vcpu_save(holder->index);
        gic_scan(holder, index, 0, 0, &held);
        if (index == 0 && timer_fires(&holder->frame->state)) {
            seen.pending |= TIMER_BIT;
        }
        vcpu_let_go(holder->vcpu);
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
    mask &= gic_posted(word, index);
    if (mask == 0) {
        return;
    }
    uint32_t holders = gic_holders(gic, cpu, index, mask);
    while (holders != 0) {
        struct gic_cpu *holder = gic_next_holder(gic, &holders);
        struct gic_observation seen = {0};
        vcpu_hold(holder->vcpu);
        system_vcpu_save(holder->index);
        if (gic_scan(holder, index, mask, LR_ACTIVE, &seen)) {
            system_vcpu_load(holder->index);
        }
        vcpu_let_go(holder->vcpu);
        word->posted &= ~(seen.active & ~seen.pending & mask);
    }
}

void gic_abandon(struct gic *gic, unsigned cpu)
{
    struct gic_cpu *own = &gic->cpu[cpu];
    for (unsigned index = 0; index < GIC_WORDS; index++) {
        struct gic_word *word = gic_word(gic, own, index);
        uint32_t mask = gic_posted(word, index);
        for (uint32_t bits = index == 0 ? 0 : mask; bits != 0; bits &= bits - 1) {
            unsigned bit = (unsigned)__builtin_ctz(bits);
            if (gic->holder[32 * index + bit] != cpu) {
                mask &= ~(UINT32_C(1) << bit);
            }
        }
        if (mask != 0) {
            gic_hold_back(gic, own, index, mask);
            word->posted &= ~mask; /* those that are active go with the list registers */
            gic_update(gic, own, index);
        }
    }
}

/* The vCPUs that a value of ICC_SGI1R_EL1 names. */
static inline uint32_t sgi_targets(const struct gic *gic, unsigned from, uint64_t value)
{
    uint32_t all = (UINT32_C(1) << gic->cpu_count) - 1;
    if ((value >> 40 & 1) != 0) { /* IRM: all but the sender */
        return all & ~(UINT32_C(1) << from);
    }
    uint64_t cluster = (value >> 16 & 0xff) | (value >> 32 & 0xff) | (value >> 48 & 0xff);
    uint64_t range = value >> 44 & 0xf;
    /* All vCPUs have Aff3, Aff2, Aff1 of 0 and Aff0 below 16. */
    return cluster == 0 && range == 0 ? (uint32_t)value & all : 0;
}

static uint32_t sgi_intid(uint64_t value)
{
    return (uint32_t)(value >> 24) & 0xf;
}

bool gic_send_open_sgi(struct gic *gic, unsigned from, uint64_t value)
{
    const uint32_t targets = sgi_targets(gic, from, value);
    uint32_t intid = sgi_intid(value);
    for (uint32_t left = targets; left != 0; left &= left - 1) {
        const struct gic_cpu *cpu = &gic->cpu[__builtin_ctz(left)];
        if ((__atomic_load_n(&cpu->sgi_open, __ATOMIC_RELAXED) >> intid & 1) == 0) {
            return false;
        }
    }
    for (uint32_t left = targets; left != 0; left &= left - 1) {
        vcpu_post(gic->cpu[__builtin_ctz(left)].vcpu, from, intid);
    }
    return true;
}

/* Makes an SGI pending on a vCPU. */
static void gic_receive_sgi(struct gic *gic, struct gic_cpu *cpu, unsigned from, uint32_t intid)
{
    if ((__atomic_load_n(&cpu->sgi_open, __ATOMIC_RELAXED) >> intid & 1) != 0) {
        vcpu_post(cpu->vcpu, from, intid);
    } else {
        cpu->word.latch |= UINT32_C(1) << intid;
        gic_update(gic, cpu, 0);
    }
}

static __attribute__((noinline)) void gic_receive_sgi_all(struct gic *gic, uint32_t targets,
                                                          unsigned from, uint32_t intid)
{
    for (; targets != 0; targets &= targets - 1) {
        gic_receive_sgi(gic, &gic->cpu[__builtin_ctz(targets)], from, intid);
    }
}

void gic_send_sgi(struct gic *gic, unsigned from, uint64_t value)
{
    uint32_t intid = sgi_intid(value);
    uint32_t targets = sgi_targets(gic, from, value);
    bool one = targets != 0 && (targets & (targets - 1)) == 0; /* as most have */
    if (one) {
        gic_receive_sgi(gic, &gic->cpu[__builtin_ctz(targets)], from, intid);
    } else {
        gic_receive_sgi_all(gic, targets, from, intid);
    }
}

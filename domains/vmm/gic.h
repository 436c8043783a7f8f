/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's GICv3: one security state, affinity routing, no LPIs (Arm IHI 0069). The CPU
 * interface is the hardware's; this is the distributor, the redistributors, the MSI frame and the
 * sending of SGIs.
 *
 * Delivery. An interrupt that is pending, enabled, in Group 1 and not active is posted into the
 * vCPU frame of its target, and from then on the kernel's. `posted` remembers which: for a
 * level-sensitive one until the kernel reports that the guest completed it, and it is posted again
 * if its line is still high; for an edge-triggered one, whose completion nobody reports, until
 * somebody looks. Disabling and the like take an interrupt back, out of the frame if it is still
 * there, else out of the list registers, for which the vCPU's state is saved and loaded (rare).
 * Group 0 interrupts are kept but never delivered: the guest has no FIQs.
 *
 * Several vCPUs. `holder` remembers whose frame or list registers have an SPI that is posted: to look
 * there, that vCPU is kept out of the guest (vcpu_hold). An SPI whose route changed while it was active
 * stays with its old target until it is not. SGIs that their target can take are posted to it without
 * the lock, so `posted` says nothing about them.
 *
 * The virtual timer's INTID 27 is injected by the kernel; only its enable is passed on.
 */
#ifndef DOMAINS_VMM_GIC_H
#define DOMAINS_VMM_GIC_H

#include <bh/vcpu.h>

#include "domains/vmm/memory_map.h"

#define GIC_CPUS    8u
#define GIC_WORDS   (GUEST_INTID_COUNT / 32u)
#define GIC_PRIVATE 32u /* INTIDs below are each vCPU's own */

_Static_assert(GUEST_INTID_COUNT <= BH_VCPU_INTERRUPTS && GUEST_INTID_COUNT % 32 == 0,
               "the frame has a bit for each interrupt");

/* 32 interrupts; bit i is INTID 32 * n + i. */
struct gic_word {
    uint32_t group; /* 1: Group 1 */
    uint32_t enabled;
    uint32_t edge;   /* 0: level-sensitive */
    uint32_t latch;  /* pending by an edge, an MSI, or a write to ISPENDR */
    uint32_t line;   /* the level of the input */
    uint32_t active; /* set by a write to ISACTIVER; what the guest acknowledged is in the list
                        registers */
    uint32_t routed; /* its target exists */
    uint32_t again;  /* posted when the guest completed it, because its line was still high */
    uint32_t posted; /* may be in the frame or in a list register */
};

#define GIC_SGI_MASK UINT32_C(0xffff)

struct gic;
struct vcpu;

struct gic_cpu {
    struct gic *gic;
    struct vcpu *vcpu;
    struct bh_vcpu_frame *frame;
    unsigned index;
    bool asleep;       /* GICR_WAKER.ProcessorSleep */
    uint32_t sgi_open; /* SGIs that can be delivered; atomic */
    struct gic_word word;
};

struct gic {
    uint32_t control; /* GICD_CTLR: the group enables */
    unsigned cpu_count;
    struct gic_cpu cpu[GIC_CPUS];
    struct gic_word word[GIC_WORDS];   /* [0] is not used: see gic_cpu */
    uint8_t target[GUEST_INTID_COUNT]; /* of an SPI: index of a vCPU, or GIC_CPUS: none */
    uint8_t holder[GUEST_INTID_COUNT]; /* of an SPI that is posted: index of a vCPU */
    uint32_t route[GUEST_INTID_COUNT]; /* IROUTER: Aff2, Aff1 and Aff0 */
};

#define GIC_CONTROL_GROUP0 1u
#define GIC_CONTROL_GROUP1 2u

/* The state after reset, for these vCPUs (the interrupt fields of whose frames it fills in). */
void gic_reset(struct gic *gic, struct vcpu *vcpu, unsigned cpu_count);

/* An interrupt's input. `cpu` matters for INTIDs below 32 only; INTIDs of GUEST_INTID_COUNT and
 * above are ignored. */
void gic_set_level(struct gic *gic, unsigned cpu, uint32_t intid, bool level);
void gic_pulse(struct gic *gic, unsigned cpu, uint32_t intid);

/* Takes note of what the kernel reports as completed in the vCPU's frame. */
void gic_complete(struct gic *gic, unsigned cpu);

/* A vCPU's write to ICC_SGI1R_EL1 (GICv3 12.2.21). The second form needs no lock, and does nothing and
 * returns false when a target can't take the SGI now. */
void gic_send_sgi(struct gic *gic, unsigned from, uint64_t value);
bool gic_send_open_sgi(struct gic *gic, unsigned from, uint64_t value);

/* The vCPU, whose thread calls, is turned off: what its list registers hold is given back. */
void gic_abandon(struct gic *gic, unsigned cpu);

/* Register files, for the bus: `device` is the struct gic. */
uint64_t gic_distributor_read(void *device, uint64_t offset, unsigned bytes);
void gic_distributor_write(void *device, uint64_t offset, unsigned bytes, uint64_t value);
uint64_t gic_redistributor_read(void *device, uint64_t offset, unsigned bytes);
void gic_redistributor_write(void *device, uint64_t offset, unsigned bytes, uint64_t value);
uint64_t gic_v2m_read(void *device, uint64_t offset, unsigned bytes);
void gic_v2m_write(void *device, uint64_t offset, unsigned bytes, uint64_t value);

/* --- Between the gic*.c files --- */

/* The word of INTIDs 32 * index and up; `cpu` is whose, for index 0, else NULL. */
struct gic_word *gic_word(struct gic *gic, struct gic_cpu *cpu, unsigned index);

/* Posts what has become deliverable in a word. */
void gic_update(struct gic *gic, struct gic_cpu *cpu, unsigned index);

/* Takes those of `mask` that are posted but not yet acknowledged back; returns them. */
uint32_t gic_withdraw(struct gic *gic, struct gic_cpu *cpu, unsigned index, uint32_t mask);

/* Takes back what must not be delivered for now, and keeps it pending: better one that comes late
 * or in vain, because its line has gone low, than one that is lost. */
void gic_hold_back(struct gic *gic, struct gic_cpu *cpu, unsigned index, uint32_t mask);

/* Looks where the interrupts of a word are now. */
struct gic_observation {
    uint32_t pending, active;
};
struct gic_observation gic_observe(struct gic *gic, struct gic_cpu *cpu, unsigned index);

/* Ends the active state of those of `mask` that are active in a list register. */
void gic_deactivate(struct gic *gic, struct gic_cpu *cpu, unsigned index, uint32_t mask);

/* The registers that distributor (words 1 and up, cpu NULL) and redistributor (word 0) have in
 * common: offsets 0x080 to 0xcff. */
uint64_t gic_bank_read(struct gic *gic, struct gic_cpu *cpu, uint64_t offset, unsigned bytes);
void gic_bank_write(struct gic *gic, struct gic_cpu *cpu, uint64_t offset, unsigned bytes,
                    uint32_t value);

/* Implementer and product, as GICD_IIDR, GICR_IIDR and MSI_IIDR have it: Arm's JEP106 code, product
 * 'B'. */
#define GIC_IIDR 0x4200043bu

/* CoreSight identification registers at 0xffd0 to 0xfffc; `part` is the low byte of the part
 * number. */
uint32_t gic_identification(uint64_t offset, uint8_t part);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vCPU frame: a page that the kernel and the VMM share for each virtual processor (bh_vcpu_configure).
 *
 * The VMM owns it while the guest does not run. The kernel reads what it loads and sanitises it (pstate may only name
 * EL1t, EL1h or EL0 in AArch64; anything else ends bh_vm_enter with BH_EXIT_INVALID). It never trusts a count or an
 * index found here. Everything is little-endian and naturally aligned.
 */
#ifndef BH_VCPU_H
#define BH_VCPU_H

#include <bh/types.h>

/* Why bh_vm_enter returned. The same numbers index bh_vcpu_frame.exits. */
enum bh_exit {
    BH_EXIT_NOTIFICATION = 0, /* the bound notification was signalled: its bits are the second result */
    BH_EXIT_HVC,              /* HVC from EL1; pc is after the instruction, the immediate is in esr */
    BH_EXIT_SMC,              /* SMC from EL1; pc was moved past the instruction by the kernel, as for HVC */
    BH_EXIT_MMIO,             /* data abort on an unmapped address, decoded: `access` is valid, pc is at the access */
    BH_EXIT_ABORT,            /* instruction abort, or a data abort that hardware does not decode; pc at it */
    BH_EXIT_SYSREG,           /* trapped MSR, MRS or system instruction; pc is at the instruction */
    BH_EXIT_IRQ_COMPLETED,    /* an interrupt posted with its `level` bit set was completed: see `completed` */
    BH_EXIT_EXCEPTION,        /* any other synchronous exception: see esr */
    BH_EXIT_INVALID,          /* the frame asked for a state that is not allowed; the guest did not run */
    BH_EXIT_WFI,              /* counted only: WFI waits in the kernel */
    BH_EXIT_IRQ,              /* counted only: a physical interrupt */
    BH_EXIT_TIMER,            /* counted only: the guest's virtual timer */
    BH_EXIT_DOORBELL,         /* counted only: a write that signalled a notification */
    BH_EXIT_COUNT
};

/* Interrupts of a guest: INTIDs 0-15 SGIs, 16-31 PPIs, 32 and above SPIs. */
#define BH_VCPU_INTERRUPTS 512
#define BH_VCPU_INTERRUPT_WORDS (BH_VCPU_INTERRUPTS / 32)
#define BH_VCPU_TIMER_INTID 27 /* EL1 virtual timer, the same number in hardware and in the guest */
#define BH_VCPU_LIST_REGISTERS 16

/* A decoded data access (from ESR_EL2.ISS with ISV = 1; Arm ARM D17.2.37). */
struct bh_vcpu_access {
    uint8_t size_bits;   /* 0 to 3: 1, 2, 4 or 8 bytes */
    uint8_t reg;         /* 0 to 31; 31 is XZR */
    uint8_t write;       /* 1: the guest stores `value` */
    uint8_t sign_extend; /* of a load */
    uint8_t wide;        /* 1: the register is X, 0: W */
    uint8_t reserved[3];
    uint64_t value; /* of a store, zero-extended */
};

struct bh_fp_state {
    uint64_t fpcr, fpsr;
    uint64_t v[32][2]; /* low, high */
};

/*
 * The registers of EL1 and below, the virtual timer and the virtual GIC interface, as bh_vcpu_save and bh_vcpu_load
 * exchange them. Reset values are the VMM's business; the kernel masks what could reach beyond the guest.
 */
struct bh_vcpu_state {
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1;
    uint64_t sctlr_el1, cpacr_el1, ttbr0_el1, ttbr1_el1, tcr_el1;
    uint64_t esr_el1, afsr0_el1, afsr1_el1, far_el1, par_el1;
    uint64_t mair_el1, amair_el1, vbar_el1, contextidr_el1;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;
    uint64_t csselr_el1, actlr_el1, mdscr_el1;
    uint64_t vmpidr, vpidr;                    /* what MPIDR_EL1 and MIDR_EL1 read as */
    uint64_t cntkctl_el1, cntv_ctl, cntv_cval; /* virtual timer */
    uint64_t cntvoff;                          /* virtual count = physical count - cntvoff */
    uint64_t apia[2], apib[2], apda[2], apdb[2], apga[2]; /* pointer authentication keys, low then high */
    uint64_t ich_vmcr, ich_ap0r0, ich_ap1r0;
    uint64_t list_register[BH_VCPU_LIST_REGISTERS];
    struct bh_fp_state fp;
};

/* The processor that the vCPU was configured on; what a VMM tells its guest of it is the VMM's business. */
struct bh_vcpu_host {
    uint64_t midr;
    uint64_t id_aa64pfr0, id_aa64pfr1;
    uint64_t id_aa64isar0, id_aa64isar1, id_aa64isar2;
    uint64_t id_aa64mmfr0, id_aa64mmfr1, id_aa64mmfr2;
};

struct bh_vcpu_frame {
    /* The guest's general registers. The kernel stores them on exit and loads them on entry. */
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate;

    /* The last exit. Written by the kernel. */
    uint64_t reason; /* enum bh_exit */
    uint64_t esr;    /* ESR_EL2 */
    uint64_t far;    /* FAR_EL2 */
    uint64_t ipa;    /* faulting intermediate physical address: HPFAR_EL2 and the page offset of FAR_EL2 */
    struct bh_vcpu_access access;

    /*
     * Posted interrupts. The VMM sets bits in `pending` and then the word's bit in `pending_summary` (both with
     * atomic OR, release); the kernel takes them on entry, highest priority first. An INTID that stays pending here
     * because all list registers are in use goes in as soon as one is free.
     */
    uint32_t pending_summary; /* bit i: pending[i] may be non-zero */
    uint32_t timer_enabled;   /* 0: the guest's distributor masks BH_VCPU_TIMER_INTID; the kernel holds it back */
    uint32_t pending[BH_VCPU_INTERRUPT_WORDS];
    uint32_t level[BH_VCPU_INTERRUPT_WORDS];     /* completion of these ends bh_vm_enter: BH_EXIT_IRQ_COMPLETED */
    uint32_t completed[BH_VCPU_INTERRUPT_WORDS]; /* set by the kernel, cleared by the VMM */
    uint32_t completed_summary;
    uint32_t reserved;
    uint8_t priority[BH_VCPU_INTERRUPTS];

    /* Counters, written by the kernel. Ticks are of the system counter. */
    uint64_t exits[BH_EXIT_COUNT];
    uint64_t guest_ticks; /* in the guest */

    struct bh_vcpu_state state;
    struct bh_vcpu_host host; /* written by bh_vcpu_configure */
};

_Static_assert(offsetof(struct bh_vcpu_frame, pc) == 248, "vectors.S relies on it");
_Static_assert(offsetof(struct bh_vcpu_frame, pstate) == 256, "vectors.S relies on it");
_Static_assert(sizeof(struct bh_vcpu_frame) <= BH_PAGE_SIZE, "the vCPU frame is one page");

/* Posts an interrupt to a vCPU whose frame the caller shares. A vCPU that runs or waits elsewhere needs bh_vcpu_post. */
static inline void bh_vcpu_frame_post(struct bh_vcpu_frame *frame, uint32_t intid)
{
    __atomic_fetch_or(&frame->pending[intid / 32], UINT32_C(1) << (intid % 32), __ATOMIC_RELEASE);
    __atomic_fetch_or(&frame->pending_summary, UINT32_C(1) << (intid / 32), __ATOMIC_RELEASE);
}

#endif

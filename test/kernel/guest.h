/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small guests: three pages of memory at GUEST_RAM (vectors, program, data) in a GuestSpace of their own, and a VCPU.
 * The program's entries (guest_program.S) use registers only, no stack.
 */
#ifndef TEST_KERNEL_GUEST_H
#define TEST_KERNEL_GUEST_H

#include "harness.h"

#define GUEST_RAM UINT64_C(0x40000000)
#define GUEST_CODE (GUEST_RAM + 0x1000)
#define GUEST_DATA (GUEST_RAM + 0x2000)
#define GUEST_MMIO UINT64_C(0x09000000)    /* nothing is there, and no table */
#define GUEST_PAGES 3

#define SCTLR_EL1_RES1 UINT64_C(0x30d00800) /* Arm ARM D17.2.118: MMU and caches off, little-endian */
#define GUEST_EL1H_MASKED UINT64_C(0x3c5)
#define GUEST_EL0_AARCH32 UINT64_C(0x1d0) /* User mode, A32, masked */

struct guest {
    bh_cptr tcb; /* who runs it */
    bh_cptr space, vcpu, frame_cap;
    bh_cptr ram[GUEST_PAGES];
    struct bh_vcpu_frame *frame;
    volatile uint64_t *data; /* the page at GUEST_DATA */
};

/* A guest that `tcb` will run: state loaded, registers zero, MMU off, FP on, interrupts masked. */
struct guest guest_new(bh_cptr tcb);

/* The GuestSpace with its memory alone, and the state that guest_new loads. */
bh_cptr guest_space_new(struct guest *guest);
void guest_reset_state(struct bh_vcpu_state *state);

/* Lets the next entry start at one of the program's entries. */
void guest_aim(const struct guest *guest, uint64_t entry);

/* Enters the guest on this thread; the exit must be `reason`. Returns the notification bits. */
uint64_t guest_run(const char *file, uint32_t line, const struct guest *guest, enum bh_exit reason);
#define GUEST_RUN(guest, reason) guest_run(__FILE__, __LINE__, (guest), (reason))

/* A thread that has entered a guest; `reason` is UINT64_MAX until bh_vm_enter returns. */
struct guest_thread {
    struct thread thread;
    volatile uint64_t reason;
    volatile uint64_t bits;
    volatile uint64_t exit_count;
    volatile bool repeat; /* enters again after each exit, until `reason` is HVC */
};

/* A thread of its own for a guest: prepared, to be resumed. */
void guest_thread_prepare(struct guest_thread *runner, struct guest *guest, uint64_t priority);

/* Enters it once more. */
void guest_thread_again(struct guest_thread *runner);

static inline uint64_t guest_hvc_immediate(const struct guest *guest)
{
    return guest->frame->esr & 0xffff;
}

extern const uint8_t guest_image[];
extern const uint64_t guest_image_size;

/* Entries. Every one ends with HVC #1 unless it says otherwise; HVC #0xdea is an unexpected exception at EL1
 * (x27 ESR_EL1, x28 ELR_EL1). */
extern const uint64_t guest_hvc;      /* x0++, HVC #0x12, again */
extern const uint64_t guest_smc;      /* SMC #7 */
extern const uint64_t guest_mmio;     /* x1: base; see mmio_accesses */
extern const uint64_t guest_sysreg;   /* ICC_SGI1R_EL1 := x2; x3 := ACTLR_EL1 */
extern const uint64_t guest_ids;      /* x0 MPIDR_EL1, x1 MIDR_EL1, x2 CNTVCT_EL0 */
extern const uint64_t guest_read;     /* x2 := [x1] */
extern const uint64_t guest_write;    /* [x1] := x2 */
extern const uint64_t guest_read_pair; /* x2, x3 := [x1] */
extern const uint64_t guest_jump;     /* to x1 */
extern const uint64_t guest_return;   /* ERET */
extern const uint64_t guest_aarch32_loop; /* for ever, at EL0 in AArch32 */
extern const uint64_t guest_wfi;      /* WFI once */
extern const uint64_t guest_loop;     /* [x1]++ for ever */
extern const uint64_t guest_brk;      /* BRK, to its own vector */
extern const uint64_t guest_el2;      /* reads HCR_EL2: undefined at EL1 */
/* Interrupts are taken into [GUEST_DATA + 0x200 + 8 n], counted in x24, the last in x25. */
extern const uint64_t guest_spin_irq; /* until x24 = x2 */
extern const uint64_t guest_wait_irq; /* the same with WFI */
extern const uint64_t guest_mask_irq; /* enables the interface, keeps DAIF masked */
extern const uint64_t guest_timer;    /* arms the virtual timer x3 ticks ahead, then as guest_wait_irq */
/* x0: seed, x1: GUEST_DATA. Puts the seed everywhere and checks it until data[2] is set; data[1] counts rounds.
 * HVC #0x100 + n names what changed. */
extern const uint64_t guest_keep;
extern const uint64_t guest_fp;       /* d7 := x0, HVC #2, x3 := d7 */

#define GUEST_IRQ_LOG (0x200 / 8) /* index into `data` */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine: all state of the VMM, and what its parts offer each other.
 *
 * Each vCPU has a thread. With one vCPU there is nothing to lock. With several, everything here and in
 * device.h is called under the lock of lock.c, but for what a vCPU can do alone (vm_exit_alone); what
 * several threads touch without it is atomic.
 */
#ifndef DOMAINS_VMM_VM_H
#define DOMAINS_VMM_VM_H

#include <bh/vcpu.h>

#include "domains/vmm/console.h"
#include "domains/vmm/device.h"
#include "domains/vmm/gic.h"
#include "domains/vmm/id_registers.h"
#include "domains/vmm/mmio.h"
#include "domains/vmm/pl011.h"
#include "domains/vmm/pl031.h"
#include "domains/vmm/system.h"
#include "ipc/root.h"
#include "ipc/statistics.h"

#define VM_RAM_REGIONS 8u

struct vm_ram {
    uint64_t ipa, size;
    uint8_t *host; /* where the VMM sees it */
};

/* The physical timer (CNTP_*), which nothing in hardware backs. */
struct physical_timer {
    uint64_t compare;
    uint32_t control;
    struct vm_timer timer;
};

/* As PSCI sees it (DEN 0022 6.6). */
enum vcpu_power {
    VCPU_OFF,
    VCPU_ON_PENDING, /* its thread is yet to take up `start` */
    VCPU_ON,
};

/* What keeps a vCPU's thread out of the guest, and whether it is there: vcpu.control. */
#define VCPU_IN_GUEST UINT32_C(1)
#define VCPU_HELD     UINT32_C(2) /* the lock's owner works on its state */
#define VCPU_NOT_ON   UINT32_C(4)
#define VCPU_STOPPED  UINT32_C(8) /* the whole virtual machine is */

struct vcpu {
    struct vm *vm;
    struct bh_vcpu_frame *frame;
    unsigned index;   /* also its Aff0 */
    uint32_t control; /* atomic; with several vCPUs only */
    enum vcpu_power power;
    struct {
        uint64_t pc, x0;
    } start; /* of VCPU_ON_PENDING */
    uint32_t os_lock;       /* OSLSR_EL1.OSLK */
    uint64_t debug_control; /* MDSCR_EL1 */
    struct physical_timer physical_timer;
};

struct vm_signal_handler {
    uint64_t bits;
    void (*handler)(void *device, uint64_t bits);
    void *device;
};

struct vm {
    struct bh_vmm_statistics *statistics;
    uint64_t stop_event; /* enum bh_guest_event once the guest must not go on, else 0 */
    uint64_t stop_code;
    uint32_t lock;           /* atomic: see lock.c */
    unsigned current;        /* index of the vCPU whose thread holds the lock */
    uint64_t counter_offset; /* of the virtual counter, the same for all vCPUs; 0: none is on yet */
    unsigned vcpu_count;
    struct vcpu vcpu[GIC_CPUS];
    struct gic gic;
    struct id_registers id;
    struct mmio_bus bus;
    struct vm_ram ram[VM_RAM_REGIONS];
    unsigned ram_count;
    struct vm_signal_handler signal[VM_SIGNAL_HANDLERS];
    unsigned signal_count;
    struct vm_timer *timers; /* armed ones, earliest first */
    struct pl011 pl011;
    struct pl031 pl031;
    struct console console;
    const struct bh_guest_config *config;
    struct bh_vmm_statistics own_statistics; /* when root gives no page */
};

/* The guest stops for good: the first reason counts. main reports it to root. */
void vm_stop(struct vm *vm, uint64_t event, uint64_t code);

/* --- lock.c: the lock of a virtual machine with several vCPUs. It waits in the kernel. --- */
void vm_lock(struct vcpu *vcpu);
void vm_unlock(struct vcpu *vcpu);

/* --- vcpu.c --- */

/* Keeps the vCPU of another thread out of the guest, so that its state can be saved and loaded, until
 * vcpu_let_go; the lock is held. Of the own vCPU nothing is needed. */
void vcpu_hold(struct vcpu *vcpu);
void vcpu_let_go(struct vcpu *vcpu);

/* Makes an interrupt pending on a vCPU, from the thread of vCPU `from`. */
static inline void vcpu_post(struct vcpu *vcpu, unsigned from, uint32_t intid)
{
    bh_vcpu_frame_post(vcpu->frame, intid);
    if (vcpu->index != from) {
        system_vcpu_post(vcpu->index, intid);
    }
}

/* Brings the exit counters of the statistics up to date. */
void vm_copy_counters(struct vm *vm);

/* --- run.c: the life of a vCPU's thread, one of several, until the virtual machine has stopped. --- */
void vcpu_run(struct vcpu *vcpu);

/* --- board.c: the devices of the memory map, on the bus. False after a bh_log message. --- */
bool board_create(struct vm *vm, uint64_t unix_time);

/* --- event.c --- */

/* Calls the handlers of the bits that have been signalled, and the timers that are due. */
void vm_signalled(struct vm *vm, uint64_t bits);

/* The guest's general register `reg`, of which 31 is XZR. */
static inline uint64_t vcpu_register(const struct bh_vcpu_frame *frame, uint32_t reg)
{
    return reg < 31 ? frame->x[reg] : 0;
}

static inline void vcpu_set_register(struct bh_vcpu_frame *frame, uint32_t reg, uint64_t value)
{
    if (reg < 31) {
        frame->x[reg] = value;
    }
}

/* --- exit.c --- */

extern void (*const vm_exit_handler[BH_EXIT_COUNT])(struct vm *vm, struct vcpu *vcpu);

/* Why bh_vm_enter has returned (enum bh_exit), dealt with so that the guest can go on. */
static inline void vm_exit(struct vm *vm, struct vcpu *vcpu, uint64_t reason)
{
    vm_exit_handler[reason](vm, vcpu);
}

/* The same for what touches nothing but the vCPU, without the lock. False: it is not of that kind, and
 * nothing has happened. */
bool vm_exit_alone(struct vm *vm, struct vcpu *vcpu, uint64_t reason);

/* --- exception.c: exceptions taken to EL1, as the hardware would have taken them (Arm ARM D1.3).
 * --- */
void vcpu_undefined(struct vcpu *vcpu);
void vcpu_data_abort(struct vcpu *vcpu); /* synchronous external abort, for the exit in the frame */
void vcpu_instruction_abort(struct vcpu *vcpu); /* likewise */

/* --- psci.c: HVC or SMC with x0 to x3 as SMCCC says; the result is in x0. --- */
void psci_call(struct vm *vm, struct vcpu *vcpu);

#define PSCI_VERSION     UINT32_C(0x84000000)
#define PSCI_VERSION_1_1 UINT64_C(0x00010001)

/* --- sysreg.c: the trapped MSR or MRS of the exit; moves past it, or injects an exception. --- */
void sysreg_access(struct vm *vm, struct vcpu *vcpu);

/* The same without the lock, for SGIs that can be delivered and identification registers; false: for
 * anything else, and nothing has happened. */
bool sysreg_access_alone(struct vm *vm, struct vcpu *vcpu);

/* --- physical_timer.c --- */
void physical_timer_reset(struct vcpu *vcpu);
uint64_t physical_timer_read(struct vcpu *vcpu, uint32_t reg);
void physical_timer_write(struct vcpu *vcpu, uint32_t reg, uint64_t value);

enum physical_timer_register {
    PHYSICAL_TIMER_TVAL,
    PHYSICAL_TIMER_CTL,
    PHYSICAL_TIMER_CVAL
};

/* --- reset.c: the state in which vCPUs start (Arm ARM D1.4, and what Linux's booting.rst asks
 * for). --- */
void vcpu_reset(struct vcpu *vcpu, uint64_t pc, uint64_t x0);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual machine: all state of the VMM, and what its parts offer each other. One thread. */
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

struct vcpu {
    struct vm *vm;
    struct bh_vcpu_frame *frame;
    unsigned index;         /* also its Aff0 */
    bool on;                /* as PSCI sees it */
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

/* --- board.c: the devices of the memory map, on the bus. False after a bh_log message. --- */
bool board_create(struct vm *vm, uint64_t unix_time);

/* --- event.c --- */

/* Calls the handlers of the bits that have been signalled, and the timers that are due. */
void vm_signalled(struct vm *vm, uint64_t bits);

/* --- exit.c: why the guest stopped (enum bh_exit), dealt with so that it can go on. --- */
void vm_exit(struct vm *vm, struct vcpu *vcpu, uint64_t reason);

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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel takes from the machine's device tree (Devicetree Specification 0.4): memory, interrupt controller, ITS,
 * SMMU, timer, console, firmware, and where the loader has put the bundle. Read once at start-up, before the MMU is on;
 * root reads the rest.
 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include "address.h"
#include "cap.h"

#define MACHINE_RAM_MAX 8

struct invocation;

struct range {
    uint64_t start, size; /* physical, bytes */
};

struct machine {
    struct range ram[MACHINE_RAM_MAX];
    uint32_t ram_count;
    uint64_t cpu[BH_CORES_MAX]; /* MPIDR_EL1 affinities */
    uint32_t cpu_count;         /* may be more than fit */
    struct range gic_distributor, gic_redistributors;
    struct range its;  /* size 0: there is none */
    struct range smmu; /* the same */
    struct range uart; /* a PL011 */
    struct range bundle;
    struct range device_tree;
    uint32_t timer_irq; /* INTIDs */
    uint32_t maintenance_irq;
    uint32_t smmu_event_irq; /* IRQ_NONE: none */
    bool gic_too_old;
    bool psci_hvc; /* firmware is called by HVC, not SMC */
};

#define IRQ_NONE UINT32_MAX

extern struct machine machine;

/* Fills `machine` from the device tree. */
void machine_read(const void *device_tree);

/* PSCI (DEN0022): whether the firmware has taken the request. */
bool machine_start_cpu(uint64_t affinity, paddr_t entry, uint64_t argument);

enum bh_error machine_invoke(struct all_cores *all, struct invocation *invocation);

#endif

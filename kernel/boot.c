/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot.h"

#include "aarch64/cpu.h"
#include "aarch64/gic.h"
#include "aarch64/its.h"
#include "aarch64/smmu.h"
#include "aarch64/tlb.h"
#include "aarch64/virtual_gic.h"
#include "assert.h"
#include "console.h"
#include "irq.h"
#include "machine.h"
#include "scheduler.h"

/* What each core does for itself. */
static void init_core(struct core *core)
{
    ttbr_set_empty();
    core->timer_programmed = UINT64_MAX;
    core->highest = -1;
    gic_init_core(core, paddr(machine.gic_redistributors.start), machine.gic_redistributors.size);
    its_init_core(core);
    virtual_gic_init();
    gic_enable(machine.timer_irq);
    gic_enable(machine.maintenance_irq);
    gic_enable(BH_VCPU_TIMER_INTID);
}

/* Entered by start.S. */
LANDING_PAD void kernel_secondary(struct core *core)
{
    init_core(core);
    __atomic_store_n(&core->started, true, __ATOMIC_RELEASE);
    (void)core_lock(core, ENTRY_OTHER);
}

#define START_TIMEOUT_MS 1000

/* The other cores get the numbers from 1, as far as they start. */
static void start_cores(const struct core *boot)
{
    uint64_t patience = read_sysreg(cntfrq_el0) / 1000 * START_TIMEOUT_MS;
    for (uint32_t i = 0; i < machine.cpu_count && i < BH_CORES_MAX; i++) {
        struct core *core = core_by_number(core_count);
        core->number = core_count;
        if (machine.cpu[i] == boot->affinity ||
            !machine_start_cpu(machine.cpu[i], image_paddr(secondary_start), core_count)) {
            continue;
        }
        uint64_t start = ticks_now();
        while (!__atomic_load_n(&core->started, __ATOMIC_ACQUIRE)) {
            start_requires(ticks_now() - start <= patience, "a processor does not start");
        }
        core_count++;
    }
}

static void init_interrupts(void)
{
    gic_init(paddr(machine.gic_distributor.start));
    const uint32_t own[] = {machine.timer_irq, machine.maintenance_irq, BH_VCPU_TIMER_INTID, machine.smmu_event_irq};
    for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        irq_reserve(own[i]);
    }
}

LANDING_PAD void kernel_main(void)
{
    struct core *core = this_core();

    console_use(machine.uart.size != 0 ? paddr_pointer(paddr(machine.uart.start)) : NULL);
    (void)core_lock(core, ENTRY_OTHER);
    if (machine.smmu.size != 0) {
        smmu_init(paddr(machine.smmu.start));
    }
    init_interrupts();
    init_core(core);
    if (machine.its.size != 0) {
        its_init(core, paddr(machine.its.start));
    }
    if (machine.smmu_event_irq != IRQ_NONE) {
        gic_enable(machine.smmu_event_irq);
    }
    start_cores(core);
    boot_root(&(struct all_cores){core});
#ifdef BULKHEAD_DEBUG
    kernel_print("bulkhead: kernel started\n");
#endif
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot.h"

#include "aarch64/gic.h"
#include "aarch64/smmu.h"
#include "aarch64/tlb.h"
#include "aarch64/virtual_gic.h"
#include "assert.h"
#include "console.h"
#include "irq.h"
#include "machine.h"

/* The boot core's stack and state; start.S takes it from here. */
struct {
    _Alignas(4096) uint8_t stack[CORE_STACK_SIZE];
    struct core core;
} boot_area;

static void start_or_stop(const char *error)
{
    if (error != NULL) {
        kernel_print("\nbulkhead: cannot start: %s\n", error);
        for (;;) {
            __asm__ volatile("wfi");
        }
    }
}

static void init_interrupts(void)
{
    start_or_stop(gic_init(paddr(machine.gic_distributor.start), paddr(machine.gic_redistributors.start),
                           machine.gic_redistributors.size));
    virtual_gic_init();
    const uint32_t own[] = {machine.timer_irq, machine.maintenance_irq, BH_VCPU_TIMER_INTID, machine.smmu_event_irq};
    for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (own[i] != IRQ_NONE) {
            irq_reserve(own[i]);
            gic_enable(own[i]);
        }
    }
}

void kernel_main(void)
{
    struct core *core = this_core();

    console_use(machine.uart.size != 0 ? paddr_pointer(paddr(machine.uart.start)) : NULL);
    ttbr_set_empty();
    core->timer_programmed = UINT64_MAX;
    core->highest = -1;
    if (machine.smmu.size != 0) {
        start_or_stop(smmu_init(paddr(machine.smmu.start)));
    }
    init_interrupts();
    start_or_stop(boot_root(core));
#ifdef BULKHEAD_DEBUG
    kernel_print("bulkhead: kernel started\n");
#endif
}

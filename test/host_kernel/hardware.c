/* SPDX-License-Identifier: BSD-2-Clause */
/* The hardware that the kernel sees on the host, and what prints and stops there. */
#include "hardware.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "aarch64/cpu.h"
#include "aarch64/gic.h"
#include "aarch64/its.h"
#include "aarch64/smmu.h"
#include "aarch64/tlb.h"
#include "aarch64/virtual_gic.h"
#include "assert.h"
#include "core.h"
#include "irq.h"
#include "machine.h"

struct host_registers host_registers;
struct core *host_core = &core_areas[0].core;
struct cpu_features cpu_features;
struct machine machine;
uint64_t kernel_image_offset;

uint64_t host_preempt_at;
uint32_t host_irq_pending = HOST_NO_IRQ;
void (*host_on_idle)(void);
void (*host_on_panic)(void);

static struct space *streams[HOST_STREAMS];
static struct {
    bool used;
    uint64_t device, event;
} lpis[HOST_LPIS];

void host_memory(uint64_t physical, uint64_t size)
{
    void *at = paddr_pointer(paddr(physical));
    if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != at) {
        perror("mmap");
        exit(1);
    }
}

void host_reset(void)
{
    memset(&host_registers, 0, sizeof(host_registers));
    memset(core_areas, 0, sizeof(core_areas));
    memset(streams, 0, sizeof(streams));
    memset(lpis, 0, sizeof(lpis));
    host_registers.cntfrq_el0 = HOST_FREQUENCY;
    host_registers.cntpct_el0 = 1000;
    cpu_features = (struct cpu_features){.vmid16 = true, .branch_targets = true, .pointer_authentication = true, .physical_address_bits = 40};
    host_registers.S3_4_C12_C11_1 = 3;                 /* ICH_VTR_EL2: four list registers */
    host_registers.S3_4_C12_C11_5 = UINT64_C(0xf);     /* ICH_ELRSR_EL2: all free */
    machine = (struct machine){
        .timer_irq = HOST_TIMER_IRQ, .maintenance_irq = HOST_MAINTENANCE_IRQ, .smmu_event_irq = IRQ_NONE};
    host_core->timer_programmed = UINT64_MAX;
    host_core->highest = -1;
    host_core->started = true;
    virtual_gic_init();
    host_preempt_at = 0;
    host_irq_pending = HOST_NO_IRQ;
}

/* --- cpu.h --- */

void wait_for_interrupt(void)
{
    if (host_on_idle == NULL) {
        kernel_panic("no thread can run");
    }
    host_on_idle();
}

void fp_access(bool open)
{
    (void)open;
}

void fp_switch(struct core *core, struct bh_fp_state *state)
{
    static struct bh_fp_state registers;
    if (core->fp != NULL) {
        *core->fp = registers;
    }
    core->fp = state;
    if (state != NULL) {
        registers = *state;
    }
}

void timer_program(uint64_t when)
{
    (void)when;
}

void clear_memory(void *memory, uint64_t size)
{
    memset(memory, 0, size);
}

void synchronise_instructions(const void *memory, uint64_t size)
{
    (void)memory;
    (void)size;
}

/* --- gic.h --- */

bool gic_interrupt_pending(void)
{
    return host_preempt_at != 0 && --host_preempt_at == 0;
}

uint32_t gic_acknowledge(void)
{
    uint32_t intid = host_irq_pending;
    host_irq_pending = HOST_NO_IRQ;
    return intid;
}

void gic_drop_priority(uint32_t intid)
{
    (void)intid;
}

void gic_deactivate(uint32_t intid)
{
    (void)intid;
}

void gic_enable(uint32_t intid)
{
    (void)intid;
}

void gic_disable(uint32_t intid)
{
    (void)intid;
}

void gic_configure(uint32_t intid, bool edge)
{
    (void)intid;
    (void)edge;
}

void gic_set_active(uint32_t intid)
{
    (void)intid;
}

void gic_send_kick(uint64_t affinity)
{
    (void)affinity;
}

uint32_t gic_interrupt_count(void)
{
    return HOST_IRQS;
}

/* --- its.h --- */

paddr_t its_doorbell(void)
{
    return paddr(HOST_DOORBELL);
}

enum bh_error its_find_lpi(struct invocation *invocation, uint32_t *lpi)
{
    bool found = false;
    if (invocation->word[0] >= HOST_DEVICES) {
        return invocation_fail(invocation, 1, BH_ERROR_RANGE);
    }
    if (invocation->word[1] >= ITS_EVENTS) {
        return invocation_fail(invocation, 2, BH_ERROR_RANGE);
    }
    for (uint32_t i = HOST_LPIS; i-- > 0;) {
        if (!lpis[i].used) {
            found = true;
            *lpi = LPI_FIRST + i;
        } else if (lpis[i].device == invocation->word[0] && lpis[i].event == invocation->word[1]) {
            return invocation_fail(invocation, 2, BH_ERROR_BUSY);
        }
    }
    return found ? BH_OK : invocation_fail(invocation, 0, BH_ERROR_NO_TAG);
}

void its_map(struct all_cores *all, uint32_t lpi, uint64_t device, uint64_t event)
{
    (void)all;
    kernel_assert(!lpis[lpi - LPI_FIRST].used);
    lpis[lpi - LPI_FIRST].used = true;
    lpis[lpi - LPI_FIRST].device = device;
    lpis[lpi - LPI_FIRST].event = event;
}

void its_unmap(struct all_cores *all, uint32_t lpi)
{
    (void)all;
    kernel_assert(lpis[lpi - LPI_FIRST].used);
    lpis[lpi - LPI_FIRST].used = false;
}

void its_enable(uint32_t lpi, const struct core *core)
{
    (void)lpi;
    (void)core;
}

void its_hold(uint32_t lpi)
{
    (void)lpi;
}

/* --- smmu.h --- */

bool smmu_present(void)
{
    return true;
}

bool smmu_is_stage2(void)
{
    return false;
}

enum bh_error smmu_bind(struct space *space, uint64_t stream)
{
    if (stream >= HOST_STREAMS) {
        return BH_ERROR_RANGE;
    }
    if (streams[stream] != NULL) {
        return BH_ERROR_BUSY;
    }
    streams[stream] = space;
    space->stream = stream;
    space->bound = 1;
    space->fault = (struct space_io_fault){0};
    return BH_OK;
}

void smmu_unbind(struct space *space)
{
    kernel_assert(space->stream < HOST_STREAMS && streams[space->stream] == space);
    streams[space->stream] = NULL;
    space->bound = 0;
}

void smmu_invalidate_asid(uint32_t asid)
{
    (void)asid;
}

void smmu_invalidate_address(uint32_t asid, vaddr_t address)
{
    (void)asid;
    (void)address;
}

void smmu_handle_events(void)
{
}

/* --- tlb.h --- */

void tlb_invalidate_asid(uint32_t asid)
{
    (void)asid;
}

void tlb_invalidate_address(uint32_t asid, vaddr_t address)
{
    (void)asid;
    (void)address;
}

void tlb_invalidate_vmid(uint32_t vmid)
{
    (void)vmid;
}

void tlb_invalidate_ipa(uint32_t vmid, vaddr_t address)
{
    (void)vmid;
    (void)address;
}

void ttbr_set_empty(void)
{
}

unsigned vmid_bits(void)
{
    return 16;
}

/* --- machine.h, assert.h --- */

enum bh_error machine_invoke(struct all_cores *all, struct invocation *invocation)
{
    (void)all;
    (void)invocation;
    return BH_ERROR_ILLEGAL_OPERATION;
}

void kernel_putchar(char c)
{
    putchar(c);
}

static void print(const char *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            fputc(*format, stderr);
        } else if (*++format == 's') {
            fputs(va_arg(arguments, const char *), stderr);
        } else {
            fprintf(stderr, *format == 'x' ? "%#lx" : "%lu", va_arg(arguments, uint64_t));
        }
    }
}

void kernel_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
}

__attribute__((noreturn)) void kernel_panic(const char *format, ...)
{
    va_list arguments;
    fputs("kernel panic: ", stderr);
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    if (host_on_panic != NULL) {
        host_on_panic();
    }
    abort();
}

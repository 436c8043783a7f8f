/* SPDX-License-Identifier: BSD-2-Clause */
#include "gic.h"

#include "assert.h"
#include "core.h"
#include "cpu.h"
#include "mmio.h"

/* Distributor (IHI 0069 12.8, 12.9) */
#define GICD_CTLR 0x0000
#define GICD_CTLR_RWP (1u << 31)
#define GICD_CTLR_ARE_NS (1u << 4)
#define GICD_CTLR_ENABLE_GROUP1 (1u << 1)
#define GICD_TYPER 0x0004
#define GICD_IGROUPR 0x0080
#define GICD_ISENABLER 0x0100
#define GICD_ICENABLER 0x0180
#define GICD_ISACTIVER 0x0300
#define GICD_ICACTIVER 0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR 0x0c00
#define GICD_IROUTER 0x6000
#define GICD_PIDR2 0xffe8

/* Redistributor (12.10, 12.11) */
#define GICR_TYPER 0x0008
#define GICR_TYPER_LAST (UINT64_C(1) << 4)
#define GICR_TYPER_VLPIS (UINT64_C(1) << 1)
#define GICR_WAKER 0x0014
#define GICR_WAKER_PROCESSOR_SLEEP (1u << 1)
#define GICR_WAKER_CHILDREN_ASLEEP (1u << 2)
#define GICR_FRAME 0x10000
#define GICR_SGI 0x10000 /* the registers of SGIs and PPIs, at the offsets of the distributor's */

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

static uint8_t *distributor;
static uint32_t interrupt_count;

static void wait_for_distributor(void)
{
    while ((read32(distributor, GICD_CTLR) & GICD_CTLR_RWP) != 0) {
    }
}

/* The redistributor frame whose affinity is this core's (GICR_TYPER[63:32]). */
static uint8_t *find_redistributor(uint8_t *base, uint64_t size, uint64_t mpidr)
{
    uint64_t affinity = (mpidr & 0xffffff) | ((mpidr >> 8) & 0xff000000);
    for (uint64_t offset = 0; offset + 2 * GICR_FRAME <= size;) {
        uint64_t typer = read64(base, offset + GICR_TYPER);
        if (typer >> 32 == affinity) {
            return base + offset;
        }
        if ((typer & GICR_TYPER_LAST) != 0) {
            break;
        }
        offset += (typer & GICR_TYPER_VLPIS) != 0 ? 4 * GICR_FRAME : 2 * GICR_FRAME;
    }
    return NULL;
}

/* Interrupts from `first` on, a multiple of 32, are off, and in group 1. */
static void init_interrupts(uint8_t *base, uint32_t first, uint32_t end)
{
    for (uint32_t intid = first; intid < end; intid += 32) {
        write32(base, GICD_ICENABLER + intid / 8, UINT32_MAX);
        write32(base, GICD_ICACTIVER + intid / 8, UINT32_MAX);
        write32(base, GICD_IGROUPR + intid / 8, UINT32_MAX);
    }
    for (uint32_t intid = first; intid < end; intid += 4) {
        write32(base, GICD_IPRIORITYR + intid, GIC_PRIORITY * 0x01010101u);
    }
}

static void init_distributor(void)
{
    write32(distributor, GICD_CTLR, 0);
    wait_for_distributor();
    init_interrupts(distributor, 32, interrupt_count);
    wait_for_distributor();
    write32(distributor, GICD_CTLR, GICD_CTLR_ARE_NS | GICD_CTLR_ENABLE_GROUP1);
    wait_for_distributor();
}

static void init_redistributor(uint8_t *redistributor)
{
    write32(redistributor, GICR_WAKER, read32(redistributor, GICR_WAKER) & ~GICR_WAKER_PROCESSOR_SLEEP);
    while ((read32(redistributor, GICR_WAKER) & GICR_WAKER_CHILDREN_ASLEEP) != 0) {
    }
    init_interrupts(redistributor + GICR_SGI, 0, 32);
}

static void init_cpu_interface(void)
{
    write_sysreg(S3_4_C12_C9_5, 0xf); /* ICC_SRE_EL2: system registers, and EL1 may see so */
    instruction_barrier();
    write_sysreg(S3_0_C12_C12_5, 0x7); /* ICC_SRE_EL1 */
    instruction_barrier();
    write_sysreg(S3_0_C4_C6_0, 0xf0);    /* ICC_PMR_EL1 */
    write_sysreg(S3_0_C12_C12_3, 0);     /* ICC_BPR1_EL1 */
    write_sysreg(S3_0_C12_C12_4, 1 << 1); /* ICC_CTLR_EL1.EOImode */
    write_sysreg(S3_0_C12_C12_7, 1);     /* ICC_IGRPEN1_EL1 */
    instruction_barrier();
}

void gic_init(paddr_t distributor_base)
{
    distributor = paddr_pointer(distributor_base);
    unsigned architecture = (read32(distributor, GICD_PIDR2) >> 4) & 0xf;
    start_requires(architecture == 3 || architecture == 4, "the interrupt controller is not a GICv3");
    interrupt_count = 32 * ((read32(distributor, GICD_TYPER) & 0x1f) + 1);
    interrupt_count = smaller(interrupt_count, 1020);
    init_distributor();
}

void gic_init_core(struct core *core, paddr_t redistributors, uint64_t size)
{
    core->affinity = read_sysreg(mpidr_el1) & MPIDR_AFFINITY;
    core->redistributor = find_redistributor(paddr_pointer(redistributors), size, core->affinity);
    start_requires(core->redistributor != NULL, "no GICv3 redistributor has the affinity of this core");
    init_redistributor(core->redistributor);
    init_cpu_interface();
    gic_enable(GIC_KICK_INTID);
}

/* ICC_SGI1R_EL1 (12.2.20): affinities 3 to 1, and of affinity 0 a range of 16 and a bit in it. */
void gic_send_kick(uint64_t affinity)
{
    uint64_t aff0 = affinity & 0xff;
    __asm__ volatile("dsb ishst" ::: "memory");
    write_sysreg(S3_0_C12_C11_5, (affinity >> 32 & 0xff) << 48 | (aff0 >> 4) << 44 | (affinity >> 16 & 0xff) << 32 |
                                     (uint64_t)GIC_KICK_INTID << 24 | (affinity >> 8 & 0xff) << 16 |
                                     UINT64_C(1) << (aff0 & 15));
    instruction_barrier();
}

static uint8_t *bank(uint32_t intid)
{
    return intid < 32 ? this_core()->redistributor + GICR_SGI : distributor;
}

static void set_bit(uint32_t intid, uint64_t offset)
{
    write32(bank(intid), offset + intid / 32 * 4, UINT32_C(1) << (intid % 32));
}

void gic_enable(uint32_t intid)
{
    if (intid >= 32) { /* routed to this core */
        write64(distributor, GICD_IROUTER + UINT64_C(8) * intid, this_core()->affinity);
    }
    set_bit(intid, GICD_ISENABLER);
}

void gic_disable(uint32_t intid)
{
    set_bit(intid, GICD_ICENABLER);
    if (intid >= 32) {
        wait_for_distributor();
    }
}

void gic_configure(uint32_t intid, bool edge)
{
    uint64_t offset = GICD_ICFGR + intid / 16 * 4;
    uint32_t bit = UINT32_C(2) << (intid % 16 * 2);
    uint32_t value = read32(bank(intid), offset);
    write32(bank(intid), offset, edge ? value | bit : value & ~bit);
}

void gic_set_active(uint32_t intid)
{
    set_bit(intid, GICD_ISACTIVER);
}

uint32_t gic_interrupt_count(void)
{
    return interrupt_count;
}

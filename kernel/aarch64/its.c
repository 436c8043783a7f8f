/* SPDX-License-Identifier: BSD-2-Clause */
#include "its.h"

#include "assert.h"
#include "core.h"
#include "gic.h"
#include "mmio.h"

/* ITS (IHI 0069 12.18, 12.19); GITS_TRANSLATER is in a second frame of 64 KiB. */
#define GITS_CTLR 0x0000
#define GITS_CTLR_ENABLED 1u
#define GITS_CTLR_QUIESCENT (1u << 31)
#define GITS_TYPER 0x0008
#define GITS_TYPER_EVENT_BITS(typer) (((typer) >> 8 & 0x1f) + 1)
#define GITS_TYPER_DEVICE_BITS(typer) (((typer) >> 13 & 0x1f) + 1)
#define GITS_TYPER_PTA (UINT64_C(1) << 19)
#define GITS_CBASER 0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR 0x0090
#define GITS_BASER 0x0100
#define GITS_BASERS 8
#define GITS_BASER_TYPE(baser) ((baser) >> 56 & 7)
#define GITS_BASER_DEVICES 1
#define GITS_BASER_COLLECTIONS 4
#define GITS_BASER_ENTRY_SIZE(baser) (((baser) >> 48 & 0x1f) + 1)
#define GITS_BASER_FIXED (UINT64_C(0x71f) << 48) /* type and entry size */
#define GITS_BASER_PAGE_SIZE_SHIFT 8
#define GITS_TRANSLATER 0x10040
#define VALID (UINT64_C(1) << 63)
#define SHAREABLE (UINT64_C(1) << 10)          /* inner, here and below */
#define CACHED (UINT64_C(7) << 59 | SHAREABLE) /* GITS_CBASER, GITS_BASER: write-back */

/* Redistributor (12.10, 12.11) */
#define GICR_CTLR 0x0000
#define GICR_CTLR_ENABLE_LPIS 1u
#define GICR_TYPER 0x0008
#define GICR_TYPER_PROCESSOR(typer) ((typer) >> 8 & 0xffff)
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078
#define GICR_PENDBASER_ZERO (UINT64_C(1) << 62) /* the table holds zeros */
#define GICR_CACHED (UINT64_C(7) << 7 | SHAREABLE)

/* Commands (5.3), four double words; the last is zero. */
#define COMMAND_MOVI 0x01u
#define COMMAND_INT 0x03u
#define COMMAND_SYNC 0x05u
#define COMMAND_MAPD 0x08u
#define COMMAND_MAPC 0x09u
#define COMMAND_MAPTI 0x0au
#define COMMAND_INV 0x0cu
#define COMMAND_DISCARD 0x0fu
#define HIGH_SHIFT 32 /* DeviceID in word 0, INTID in word 1 */

#define COMMAND_COUNT 128u /* a page */
#define DEVICE_BITS 8u
#define DEVICES (1u << DEVICE_BITS)
#define EVENT_BITS 5u
#define ENTRY_MAX 16u /* GITS_TYPER.ITT_entry_size has four bits */
#define LPI_BITS 14u
#define TABLE_SIZE 0x10000u
#define LPI_CONFIGURATION (GIC_PRIORITY | 2u) /* 5.1.1 */
#define LPI_ENABLED 1u

_Static_assert(ITS_EVENTS == 1 << EVENT_BITS && LPI_FIRST + LPI_COUNT <= 1 << LPI_BITS, "the sizes of the tables");

struct its_command {
    uint64_t word[4];
};

/* A table of the ITS is a page of the size that it uses, or a few small ones; a pending table is aligned so (12.11). */
static _Alignas(TABLE_SIZE) uint8_t device_table[TABLE_SIZE];
static _Alignas(TABLE_SIZE) uint8_t collection_table[TABLE_SIZE];
static _Alignas(TABLE_SIZE) uint8_t lpi_pending[BH_CORES_MAX][TABLE_SIZE];
static _Alignas(TABLE_SIZE) struct its_command commands[COMMAND_COUNT];
static _Alignas(4096) uint8_t lpi_configuration[(1u << LPI_BITS) - LPI_FIRST];
static _Alignas(256) uint8_t translation_table[DEVICES][ITS_EVENTS * ENTRY_MAX];

static struct {
    uint8_t *base; /* of the registers; NULL: there is no ITS */
    union lock lock; /* whoever has it waits for the ITS only */
    uint32_t next_command;
    uint32_t next_lpi;          /* an index: those that were freed rest as long as possible */
    uint64_t target[BH_CORES_MAX]; /* of collections, as commands name it */
    struct lpi {
        uint64_t device, event;
        uint32_t core;
        bool used;
    } lpi[LPI_COUNT];
} its;

/* --- commands --- */

/*
 * Issues a command and waits until it has taken effect at `core` (5.3). The queue is empty before and after. An ITS
 * that does not answer might still raise interrupts that have a new owner.
 */
static void command(uint64_t word0, uint64_t word1, uint64_t word2, uint32_t core)
{
    commands[its.next_command] = (struct its_command){{word0, word1, word2}};
    commands[its.next_command + 1] = (struct its_command){{COMMAND_SYNC, 0, its.target[core]}};
    its.next_command = (its.next_command + 2) % COMMAND_COUNT;
    uint32_t end = its.next_command * (uint32_t)sizeof(struct its_command);
    publish();
    write64(its.base, GITS_CWRITER, end);
    if (!poll32(its.base, GITS_CREADR, UINT32_MAX, end)) {
        kernel_panic("the ITS did not carry out command %x (CREADR %x)", word0, read64(its.base, GITS_CREADR));
    }
}

static void event_command(uint64_t number, const struct lpi *lpi, uint64_t word1, uint64_t word2)
{
    command(number | lpi->device << HIGH_SHIFT, word1 | lpi->event, word2, lpi->core);
}

/* The redistributor has read the new configuration afterwards. */
static void configure(struct lpi *lpi, uint8_t configuration)
{
    *(volatile uint8_t *)&lpi_configuration[lpi - its.lpi] = configuration;
    event_command(COMMAND_INV, lpi, 0, 0);
}

/* --- events and LPIs --- */

enum bh_error its_find_lpi(struct invocation *invocation, uint32_t *lpi)
{
    if (!invocation_requires(invocation, 0, BH_ERROR_UNSUPPORTED, its.base != NULL) ||
        !invocation_requires(invocation, 1, BH_ERROR_RANGE, invocation->word[0] < DEVICES) ||
        !invocation_requires(invocation, 2, BH_ERROR_RANGE, invocation->word[1] < ITS_EVENTS)) {
        return invocation->error;
    }
    *lpi = 0;
    for (uint32_t i = LPI_COUNT; i-- > 0;) {
        uint32_t index = (its.next_lpi + i) % LPI_COUNT;
        if (!its.lpi[index].used) {
            *lpi = LPI_FIRST + index;
        } else if (its.lpi[index].device == invocation->word[0] && its.lpi[index].event == invocation->word[1]) {
            return invocation_fail(invocation, 2, BH_ERROR_BUSY);
        }
    }
    return *lpi != 0 ? BH_OK : invocation_fail(invocation, 0, BH_ERROR_NO_TAG);
}

void its_map(struct all_cores *all, uint32_t lpi, uint64_t device, uint64_t event)
{
    struct lpi *mapped = &its.lpi[lpi - LPI_FIRST];
    *mapped = (struct lpi){device, event, all->core->number, true};
    its.next_lpi = lpi - LPI_FIRST + 1;
    event_command(COMMAND_MAPTI, mapped, (uint64_t)lpi << HIGH_SHIFT, mapped->core);
}

void its_unmap(struct all_cores *all, uint32_t lpi)
{
    struct lpi *mapped = &its.lpi[lpi - LPI_FIRST];
    configure(mapped, LPI_CONFIGURATION);
    event_command(COMMAND_DISCARD, mapped, 0, 0);
    mapped->used = false;
}

void its_enable(uint32_t lpi, const struct core *core)
{
    struct lpi *mapped = &its.lpi[lpi - LPI_FIRST];
    while (!lock_try(&its.lock)) {
    }
    if (mapped->core != core->number) {
        event_command(COMMAND_MOVI, mapped, 0, core->number);
        mapped->core = core->number;
    }
    configure(mapped, LPI_CONFIGURATION | LPI_ENABLED);
    lock_release(&its.lock);
}

void its_hold(uint32_t lpi)
{
    while (!lock_try(&its.lock)) {
    }
    configure(&its.lpi[lpi - LPI_FIRST], LPI_CONFIGURATION);
    event_command(COMMAND_INT, &its.lpi[lpi - LPI_FIRST], 0, 0);
    lock_release(&its.lock);
}

paddr_t its_doorbell(void)
{
    return its.base != NULL ? pointer_paddr(its.base + GITS_TRANSLATER) : paddr(0);
}

/* --- start --- */

/* What the register does not hold it does not support. */
static bool write_base(uint8_t *base, uint64_t offset, uint64_t value, const void *table)
{
    value |= image_paddr(table).value;
    write64(base, offset, value);
    return (read64(base, offset) | GICR_PENDBASER_ZERO) == (value | GICR_PENDBASER_ZERO);
}

/* A flat table of so many entries, in pages of the smallest size that the register takes (12.19). */
static bool set_table(uint64_t offset, const void *table, uint64_t entries)
{
    uint64_t value = (read64(its.base, offset) & GITS_BASER_FIXED) | VALID | CACHED;
    for (uint64_t size = 0; size < 3; size++) { /* 4, 16 and 64 KiB */
        uint64_t pages_less_one = (entries * GITS_BASER_ENTRY_SIZE(value) - 1) >> (12 + 2 * size);
        if (write_base(its.base, offset, value | size << GITS_BASER_PAGE_SIZE_SHIFT | pages_less_one, table)) {
            return true;
        }
    }
    return false;
}

void its_init_core(const struct core *core)
{
    if (its.base == NULL) {
        return;
    }
    uint8_t *redistributor = core->redistributor;
    uint32_t control = read32(redistributor, GICR_CTLR) & ~GICR_CTLR_ENABLE_LPIS;
    write32(redistributor, GICR_CTLR, control);
    start_requires((read32(redistributor, GICR_CTLR) & GICR_CTLR_ENABLE_LPIS) == 0,
                   "the firmware has turned LPIs on for good");
    start_requires(write_base(redistributor, GICR_PROPBASER, GICR_CACHED | (LPI_BITS - 1), lpi_configuration) &&
                       write_base(redistributor, GICR_PENDBASER, GICR_CACHED | GICR_PENDBASER_ZERO,
                                  lpi_pending[core->number]),
                   "a redistributor has no LPIs, or does not see the processors' caches");
    write32(redistributor, GICR_CTLR, control | GICR_CTLR_ENABLE_LPIS);
    its.target[core->number] = (read64(its.base, GITS_TYPER) & GITS_TYPER_PTA) != 0
                                   ? pointer_paddr(redistributor).value
                                   : GICR_TYPER_PROCESSOR(read64(redistributor, GICR_TYPER)) << 16;
    command(COMMAND_MAPC, 0, VALID | its.target[core->number] | core->number, core->number);
}

void its_init(const struct core *core, paddr_t base)
{
    its.base = paddr_pointer(base);
    uint64_t typer = read64(its.base, GITS_TYPER);
    start_requires(GITS_TYPER_EVENT_BITS(typer) >= EVENT_BITS && GITS_TYPER_DEVICE_BITS(typer) >= DEVICE_BITS,
                   "the ITS has too few devices or events");
    write32(its.base, GITS_CTLR, 0);
    start_requires(poll32(its.base, GITS_CTLR, GITS_CTLR_QUIESCENT, GITS_CTLR_QUIESCENT),
                   "the ITS does not become quiet");
    bool done = write_base(its.base, GITS_CBASER, VALID | CACHED, commands);
    for (uint64_t offset = GITS_BASER; offset < GITS_BASER + 8 * GITS_BASERS && done; offset += 8) {
        uint64_t type = GITS_BASER_TYPE(read64(its.base, offset));
        if (type == GITS_BASER_DEVICES) {
            done = set_table(offset, device_table, DEVICES);
        } else if (type == GITS_BASER_COLLECTIONS) {
            done = set_table(offset, collection_table, BH_CORES_MAX);
        }
    }
    start_requires(done, "the ITS does not see the processors' caches");
    write64(its.base, GITS_CWRITER, 0);
    write32(its.base, GITS_CTLR, GITS_CTLR_ENABLED);
    its_init_core(core);
    for (uint64_t device = 0; device < DEVICES; device++) {
        command(COMMAND_MAPD | device << HIGH_SHIFT, EVENT_BITS - 1,
                VALID | image_paddr(translation_table[device]).value, core->number);
    }
}

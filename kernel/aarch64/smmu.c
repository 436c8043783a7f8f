/* SPDX-License-Identifier: BSD-2-Clause */
#include "smmu.h"

#include "assert.h"
#include "descriptor.h"
#include "mmio.h"
#include "smmu_registers.h"

#define STREAM_BITS 8
#define COMMAND_BITS 8
#define EVENT_BITS 7

_Static_assert(SMMU_STREAMS == 1 << STREAM_BITS, "the size of the table");

/* The SMMU ignores the address bits below a table's or queue's size: each is aligned to it (6.3.23, 6.3.26). */
static _Alignas(sizeof(struct smmu_stream_entry) << STREAM_BITS) struct smmu_stream_entry stream_table[SMMU_STREAMS];
static _Alignas(sizeof(struct smmu_command) << COMMAND_BITS) struct smmu_command command_queue[1 << COMMAND_BITS];
static _Alignas(sizeof(struct smmu_event) << EVENT_BITS) struct smmu_event event_queue[1 << EVENT_BITS];

static struct {
    uint8_t *base; /* of the registers; NULL: there is no SMMU */
    uint32_t stream_count;
    uint32_t output_size; /* IDR5.OAS, as IPS and S2PS encode it */
    uint32_t tag_limit;   /* identifiers below this fit into an ASID, or VMID */
    bool stage2;          /* the machine has no stage 1 */
    uint32_t command_bits, event_bits;
    uint32_t command_next; /* PROD: index and, above it, the wrap bit */
    struct space *bound[SMMU_STREAMS];
} smmu;

/* --- commands --- */

static void put_command(uint64_t word0, uint64_t word1)
{
    uint32_t index_mask = (1u << smmu.command_bits) - 1;
    command_queue[smmu.command_next & index_mask] = (struct smmu_command){{word0, word1}};
    smmu.command_next = (smmu.command_next + 1) & (2 * index_mask + 1);
}

/*
 * Issues a command and waits until the SMMU has consumed it and the CMD_SYNC behind it, which means that it is complete
 * (4.7). The queue is empty before and after. An SMMU that does not do that might still let devices at memory that has
 * a new owner.
 */
static void command(uint64_t word0, uint64_t word1)
{
    put_command(word0, word1);
    put_command(SMMU_CMD_SYNC, 0);
    publish();
    write32(smmu.base, SMMU_CMDQ_PROD, smmu.command_next);
    if (!poll32(smmu.base, SMMU_CMDQ_CONS, (2u << smmu.command_bits) - 1, smmu.command_next)) {
        kernel_panic("the SMMU did not carry out a command (CMDQ_CONS %x, GERROR %x)",
                     (uint64_t)read32(smmu.base, SMMU_CMDQ_CONS), (uint64_t)read32(smmu.base, SMMU_GERROR));
    }
}

static void invalidate_stream(uint64_t stream)
{
    command(SMMU_CMD_CFGI_STE | stream << SMMU_CMD_STREAM_SHIFT, SMMU_CMD_LEAF);
}

/* An invalidation by ASID, or by VMID where IOSpaces are stage 2. */
static void invalidate(uint64_t stage1, uint64_t stage2, uint64_t tag, uint64_t word1)
{
    if (smmu.base != NULL) {
        command(smmu.stage2 ? stage2 | tag << SMMU_CMD_VMID_SHIFT : stage1 | tag << SMMU_CMD_ASID_SHIFT, word1);
    }
}

void smmu_invalidate_asid(uint32_t asid)
{
    invalidate(SMMU_CMD_TLBI_NH_ASID, SMMU_CMD_TLBI_S12_VMALL, asid, 0);
}

void smmu_invalidate_address(uint32_t asid, vaddr_t address)
{
    uint64_t page = align_down(address.value, BH_PAGE_SIZE);
    invalidate(SMMU_CMD_TLBI_NH_VA, SMMU_CMD_TLBI_S2_IPA, asid, page | SMMU_CMD_LEAF);
}

/* --- streams --- */

static void write_stream_word(uint64_t stream, unsigned n, uint64_t value)
{
    *(volatile uint64_t *)&stream_table[stream].word[n] = value;
}

static void fill_context(struct space *space)
{
    uint64_t *descriptor = space->context_descriptor;
    descriptor[0] = SMMU_CD_T0SZ(BH_SPACE_BITS) | SMMU_CD_WALK0 | SMMU_CD_EPD1 | SMMU_CD_VALID |
                    SMMU_CD_IPS(smmu.output_size) | SMMU_CD_AFFD | SMMU_CD_AA64 | SMMU_CD_RECORD | SMMU_CD_ABORT |
                    SMMU_CD_ASET | (uint64_t)space->index << SMMU_CD_ASID_SHIFT;
    descriptor[1] = pointer_paddr(space->root).value;
    descriptor[3] = MAIR_VALUE; /* the others stay 0 */
}

/*
 * An entry whose configuration is abort has its other words ignored, so they are written first and word 0, which makes
 * it translate, last and at once (3.21.3).
 */
static void enable_stream(struct space *space, uint64_t stream)
{
    uint64_t word0 = SMMU_STE_VALID;
    write_stream_word(stream, 1, SMMU_STE_WORD1);
    if (smmu.stage2) {
        write_stream_word(stream, 2,
                          space->index | SMMU_STE_S2_T0SZ(BH_SPACE_BITS) | SMMU_STE_S2_WALK |
                              SMMU_STE_S2_PS(smmu.output_size) | SMMU_STE_S2_AA64 | SMMU_STE_S2_AFFD |
                              SMMU_STE_S2_RECORD);
        write_stream_word(stream, 3, pointer_paddr(space->root).value);
        word0 |= SMMU_STE_STAGE2;
    } else {
        fill_context(space);
        write_stream_word(stream, 2, 0);
        write_stream_word(stream, 3, 0);
        word0 |= SMMU_STE_STAGE1 | (pointer_paddr(space->context_descriptor).value & SMMU_STE_CONTEXT_MASK);
    }
    publish();
    invalidate_stream(stream);
    write_stream_word(stream, 0, word0);
    publish();
    invalidate_stream(stream);
}

enum bh_error smmu_bind(struct space *space, uint64_t stream)
{
    if (stream >= smmu.stream_count) {
        return BH_ERROR_RANGE;
    }
    if (smmu.bound[stream] != NULL) {
        return BH_ERROR_BUSY;
    }
    if (space->index >= smmu.tag_limit) {
        return BH_ERROR_NO_TAG;
    }
    smmu_invalidate_asid(space->index);
    smmu.bound[stream] = space;
    space->stream = stream;
    space->bound = 1;
    space->fault = (struct space_io_fault){0};
    enable_stream(space, stream);
    return BH_OK;
}

void smmu_unbind(struct space *space)
{
    uint64_t stream = space->stream;
    write_stream_word(stream, 0, SMMU_STE_VALID | SMMU_STE_ABORT);
    publish();
    invalidate_stream(stream);
    smmu_invalidate_asid(space->index);
    smmu_handle_events(); /* those left are of this space, not of the stream's next one */
    smmu.bound[stream] = NULL;
    space->bound = 0;
}

/* --- events --- */

/* A device that faults without end must not keep the kernel busy: it goes on being stopped, in silence. */
static void stop_recording(struct space *space)
{
    if (smmu.stage2) {
        write_stream_word(space->stream, 2, stream_table[space->stream].word[2] & ~SMMU_STE_S2_RECORD);
        publish();
        invalidate_stream(space->stream);
    } else {
        *(volatile uint64_t *)&space->context_descriptor[0] &= ~SMMU_CD_RECORD;
        publish();
        command(SMMU_CMD_CFGI_CD | space->stream << SMMU_CMD_STREAM_SHIFT, SMMU_CMD_LEAF);
    }
}

static void book(const struct smmu_event *event)
{
    uint64_t stream = event->word[0] >> SMMU_EVENT_STREAM_SHIFT;
    struct space *space = stream < SMMU_STREAMS ? smmu.bound[stream] : NULL;
    if (space == NULL) {
        return;
    }
    space->fault.count++;
    space->fault.type = event->word[0] & SMMU_EVENT_TYPE_MASK;
    space->fault.address = event->word[SMMU_EVENT_ADDRESS];
    if (space->fault.count == SMMU_FAULTS_RECORDED) {
        stop_recording(space);
    }
}

void smmu_handle_events(void)
{
    if (smmu.base == NULL) {
        return;
    }
    uint32_t index_mask = (1u << smmu.event_bits) - 1;
    uint32_t mask = 2 * index_mask + 1;
    uint32_t consumer = read32(smmu.base, SMMU_EVENTQ_CONS);
    uint32_t producer = read32(smmu.base, SMMU_EVENTQ_PROD);
    uint32_t next = consumer & mask;

    __asm__ volatile("dsb ld" ::: "memory"); /* the events were written before the index */
    for (uint32_t i = 0; i <= index_mask && next != (producer & mask); i++) {
        struct smmu_event event = event_queue[next & index_mask];
        book(&event);
        next = (next + 1) & mask;
    }
    /* Taking over the overflow flag acknowledges an overflow (7.4). */
    write32(smmu.base, SMMU_EVENTQ_CONS, next | (producer & SMMU_EVENTQ_OVERFLOW));
    uint32_t errors = read32(smmu.base, SMMU_GERROR);
    if (errors != read32(smmu.base, SMMU_GERRORN)) {
        write32(smmu.base, SMMU_GERRORN, errors);
    }
}

/* --- start --- */

static void check_features(void)
{
    uint32_t idr0 = read32(smmu.base, SMMU_IDR0);
    uint32_t idr1 = read32(smmu.base, SMMU_IDR1);
    uint32_t idr5 = read32(smmu.base, SMMU_IDR5);

    start_requires((idr0 & (SMMU_IDR0_S1P | SMMU_IDR0_S2P)) != 0, "the SMMU translates nothing");
    start_requires((idr0 & SMMU_IDR0_TTF_AARCH64) != 0 && (idr5 & SMMU_IDR5_GRAN4K) != 0 &&
                       (idr0 >> SMMU_IDR0_TTENDIAN_SHIFT & 3) != SMMU_IDR0_TTENDIAN_BIG,
                   "the SMMU cannot use little-endian AArch64 tables of 4 KiB pages");
    start_requires((idr0 & SMMU_IDR0_COHACC) != 0, "the SMMU does not see the processors' caches");
    start_requires((idr1 & (SMMU_IDR1_TABLES_PRESET | SMMU_IDR1_QUEUES_PRESET)) == 0,
                   "the SMMU has its tables or queues at fixed places");
    smmu.stage2 = (idr0 & SMMU_IDR0_S1P) == 0;
    smmu.tag_limit = (idr0 & (smmu.stage2 ? SMMU_IDR0_VMID16 : SMMU_IDR0_ASID16)) != 0 ? 1u << 16 : 1u << 8;
    smmu.output_size = smaller(idr5 & SMMU_IDR5_OAS_MASK, SMMU_OAS_48_BITS);
    smmu.stream_count = 1u << smaller(idr1 & SMMU_IDR1_SIDSIZE_MASK, STREAM_BITS);
    smmu.command_bits = smaller(idr1 >> SMMU_IDR1_CMDQS_SHIFT & SMMU_IDR1_QUEUE_MASK, COMMAND_BITS);
    smmu.event_bits = smaller(idr1 >> SMMU_IDR1_EVENTQS_SHIFT & SMMU_IDR1_QUEUE_MASK, EVENT_BITS);
    start_requires(smmu.command_bits >= 2, "the SMMU's command queue is too short");
}

static void await(uint64_t offset, uint32_t mask, uint32_t value)
{
    start_requires(poll32(smmu.base, offset, mask, value), "the SMMU does not answer");
}

/* Writes a control register whose effect the SMMU acknowledges in another (6.3.10, 6.3.18). */
static void write_acknowledged(uint64_t offset, uint64_t acknowledge, uint32_t value)
{
    write32(smmu.base, offset, value);
    await(acknowledge, UINT32_MAX, value);
}

/* A queue, with its registers PROD and CONS behind the base (6.3.26, 6.3.28). */
static void set_queue(uint64_t base, const void *queue, uint32_t bits, uint64_t producer, uint64_t consumer)
{
    write64(smmu.base, base, image_paddr(queue).value | SMMU_BASE_ALLOCATE | bits);
    write32(smmu.base, producer, 0);
    write32(smmu.base, consumer, 0);
}

void smmu_init(paddr_t base)
{
    smmu.base = paddr_pointer(base);
    check_features();
    /* While translation is off nothing may pass either (6.3.15). */
    await(SMMU_GBPA, SMMU_GBPA_UPDATE, 0);
    write32(smmu.base, SMMU_GBPA, SMMU_GBPA_UPDATE | SMMU_GBPA_ABORT);
    await(SMMU_GBPA, SMMU_GBPA_UPDATE, 0);
    write_acknowledged(SMMU_CR0, SMMU_CR0ACK, 0);
    for (uint64_t i = 0; i < SMMU_STREAMS; i++) {
        stream_table[i] = (struct smmu_stream_entry){{SMMU_STE_VALID | SMMU_STE_ABORT}};
    }
    publish();
    write32(smmu.base, SMMU_CR1, SMMU_CR1_VALUE);
    write32(smmu.base, SMMU_CR2, SMMU_CR2_PTM); /* and streams beyond the table abort without an event */
    write64(smmu.base, SMMU_STRTAB_BASE, image_paddr(stream_table).value | SMMU_BASE_ALLOCATE);
    write32(smmu.base, SMMU_STRTAB_BASE_CFG, (uint32_t)__builtin_ctz(smmu.stream_count));
    set_queue(SMMU_CMDQ_BASE, command_queue, smmu.command_bits, SMMU_CMDQ_PROD, SMMU_CMDQ_CONS);
    set_queue(SMMU_EVENTQ_BASE, event_queue, smmu.event_bits, SMMU_EVENTQ_PROD, SMMU_EVENTQ_CONS);
    write32(smmu.base, SMMU_GERRORN, read32(smmu.base, SMMU_GERROR));

    write_acknowledged(SMMU_CR0, SMMU_CR0ACK, SMMU_CR0_CMDQEN);
    command(SMMU_CMD_CFGI_ALL, 31);
    command(SMMU_CMD_TLBI_NSNH_ALL, 0);
    uint32_t running = SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN;
    write_acknowledged(SMMU_CR0, SMMU_CR0ACK, running);
    write_acknowledged(SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK, SMMU_IRQ_CTRL_EVENTQ);
    write_acknowledged(SMMU_CR0, SMMU_CR0ACK, running | SMMU_CR0_SMMUEN);
}

bool smmu_present(void)
{
    return smmu.base != NULL;
}

bool smmu_is_stage2(void)
{
    return smmu.stage2;
}

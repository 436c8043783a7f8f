/* SPDX-License-Identifier: BSD-2-Clause */
#include "smmu.h"

#include "assert.h"
#include "descriptor.h"
#include "smmu_registers.h"

#define STREAM_BITS 8
#define COMMAND_BITS 8
#define EVENT_BITS 7
#define POLL_LIMIT 10000000u

_Static_assert(SMMU_STREAMS == 1 << STREAM_BITS, "the size of the table");

/* The SMMU ignores the address bits below a table's or queue's size: each is aligned to it (6.3.23, 6.3.26). */
static _Alignas(sizeof(struct smmu_stream_entry) << STREAM_BITS) struct smmu_stream_entry stream_table[SMMU_STREAMS];
static _Alignas(sizeof(struct smmu_command) << COMMAND_BITS) struct smmu_command command_queue[1 << COMMAND_BITS];
static _Alignas(sizeof(struct smmu_event) << EVENT_BITS) struct smmu_event event_queue[1 << EVENT_BITS];

static struct {
    uint64_t base; /* of the registers; 0: there is no SMMU */
    uint32_t stream_count;
    uint32_t output_size; /* IDR5.OAS, as IPS and S2PS encode it */
    uint32_t tag_limit;   /* identifiers below this fit into an ASID, or VMID */
    bool stage2;          /* the machine has no stage 1 */
    uint32_t command_bits, event_bits;
    uint32_t command_next; /* PROD: index and, above it, the wrap bit */
    struct space *bound[SMMU_STREAMS];
} smmu;

static uint32_t read_register(uint64_t offset)
{
    return *(volatile uint32_t *)(smmu.base + offset);
}

static void write_register(uint64_t offset, uint32_t value)
{
    *(volatile uint32_t *)(smmu.base + offset) = value;
}

static void write_register_64(uint64_t offset, uint64_t value)
{
    *(volatile uint64_t *)(smmu.base + offset) = value;
}

/* What was written to memory is there for the SMMU before what follows. */
static void publish(void)
{
    __asm__ volatile("dsb st" ::: "memory");
}

/* --- commands --- */

/* Waits until the SMMU has consumed all commands, which for a CMD_SYNC means that all before it are complete (4.7). An
 * SMMU that does not do that might still let devices at memory that has a new owner. */
static void wait_for_commands(void)
{
    uint32_t mask = (2u << smmu.command_bits) - 1;
    for (uint32_t i = 0; i < POLL_LIMIT; i++) {
        if ((read_register(SMMU_CMDQ_CONS) & mask) == smmu.command_next) {
            return;
        }
        if (((read_register(SMMU_GERROR) ^ read_register(SMMU_GERRORN)) & SMMU_GERROR_CMDQ_ERR) != 0) {
            break;
        }
    }
    kernel_panic("the SMMU did not carry out a command (CMDQ_CONS %x, GERROR %x)",
                 (uint64_t)read_register(SMMU_CMDQ_CONS), (uint64_t)read_register(SMMU_GERROR));
}

static void put_command(uint64_t word0, uint64_t word1)
{
    uint32_t index_mask = (1u << smmu.command_bits) - 1;
    command_queue[smmu.command_next & index_mask] = (struct smmu_command){{word0, word1}};
    smmu.command_next = (smmu.command_next + 1) & (2 * index_mask + 1);
}

/* Issues a command and waits for its completion. The queue is empty before and after. */
static void command(uint64_t word0, uint64_t word1)
{
    put_command(word0, word1);
    put_command(SMMU_CMD_SYNC, 0);
    publish();
    write_register(SMMU_CMDQ_PROD, smmu.command_next);
    wait_for_commands();
}

static void invalidate_stream(uint64_t stream)
{
    command(SMMU_CMD_CFGI_STE | stream << SMMU_CMD_STREAM_SHIFT, SMMU_CMD_LEAF);
}

void smmu_invalidate_asid(uint32_t asid)
{
    if (smmu.base == 0) {
        return;
    }
    if (smmu.stage2) {
        command(SMMU_CMD_TLBI_S12_VMALL | (uint64_t)asid << SMMU_CMD_VMID_SHIFT, 0);
    } else {
        command(SMMU_CMD_TLBI_NH_ASID | (uint64_t)asid << SMMU_CMD_ASID_SHIFT, 0);
    }
}

void smmu_invalidate_address(uint32_t asid, vaddr_t address)
{
    if (smmu.base == 0) {
        return;
    }
    uint64_t page = align_down(address.value, BH_PAGE_SIZE);
    if (smmu.stage2) {
        command(SMMU_CMD_TLBI_S2_IPA | (uint64_t)asid << SMMU_CMD_VMID_SHIFT, page | SMMU_CMD_LEAF);
    } else {
        command(SMMU_CMD_TLBI_NH_VA | (uint64_t)asid << SMMU_CMD_ASID_SHIFT, page | SMMU_CMD_LEAF);
    }
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
    descriptor[2] = 0;
    descriptor[3] = MAIR_VALUE;
    descriptor[4] = 0;
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
    if (smmu.base == 0) {
        return;
    }
    uint32_t index_mask = (1u << smmu.event_bits) - 1;
    uint32_t mask = 2 * index_mask + 1;
    uint32_t consumer = read_register(SMMU_EVENTQ_CONS);
    uint32_t producer = read_register(SMMU_EVENTQ_PROD);
    uint32_t next = consumer & mask;

    __asm__ volatile("dsb ld" ::: "memory"); /* the events were written before the index */
    for (uint32_t i = 0; i <= index_mask && next != (producer & mask); i++) {
        struct smmu_event event = event_queue[next & index_mask];
        book(&event);
        next = (next + 1) & mask;
    }
    /* Taking over the overflow flag acknowledges an overflow (7.4). */
    write_register(SMMU_EVENTQ_CONS, next | (producer & SMMU_EVENTQ_OVERFLOW));
    uint32_t errors = read_register(SMMU_GERROR);
    if (errors != read_register(SMMU_GERRORN)) {
        write_register(SMMU_GERRORN, errors);
    }
}

/* --- start --- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static const char *check_features(void)
{
    uint32_t idr0 = read_register(SMMU_IDR0);
    uint32_t idr1 = read_register(SMMU_IDR1);
    uint32_t idr5 = read_register(SMMU_IDR5);

    if ((idr0 & (SMMU_IDR0_S1P | SMMU_IDR0_S2P)) == 0) {
        return "the SMMU translates nothing";
    }
    if ((idr0 & SMMU_IDR0_TTF_AARCH64) == 0 || (idr5 & SMMU_IDR5_GRAN4K) == 0 ||
        (idr0 >> SMMU_IDR0_TTENDIAN_SHIFT & 3) == SMMU_IDR0_TTENDIAN_BIG) {
        return "the SMMU cannot use little-endian AArch64 tables of 4 KiB pages";
    }
    if ((idr0 & SMMU_IDR0_COHACC) == 0) {
        return "the SMMU does not see the processors' caches";
    }
    if ((idr1 & (SMMU_IDR1_TABLES_PRESET | SMMU_IDR1_QUEUES_PRESET)) != 0) {
        return "the SMMU has its tables or queues at fixed places";
    }
    smmu.stage2 = (idr0 & SMMU_IDR0_S1P) == 0;
    smmu.tag_limit = (idr0 & (smmu.stage2 ? SMMU_IDR0_VMID16 : SMMU_IDR0_ASID16)) != 0 ? 1u << 16 : 1u << 8;
    smmu.output_size = smaller(idr5 & SMMU_IDR5_OAS_MASK, SMMU_OAS_48_BITS);
    smmu.stream_count = 1u << smaller(idr1 & SMMU_IDR1_SIDSIZE_MASK, STREAM_BITS);
    smmu.command_bits = smaller(idr1 >> SMMU_IDR1_CMDQS_SHIFT & SMMU_IDR1_QUEUE_MASK, COMMAND_BITS);
    smmu.event_bits = smaller(idr1 >> SMMU_IDR1_EVENTQS_SHIFT & SMMU_IDR1_QUEUE_MASK, EVENT_BITS);
    if (smmu.command_bits < 2) {
        return "the SMMU's command queue is too short";
    }
    return NULL;
}

/* Writes a control register whose effect the SMMU acknowledges in another (6.3.10, 6.3.18). */
static bool write_acknowledged(uint64_t offset, uint64_t acknowledge, uint32_t value)
{
    write_register(offset, value);
    for (uint32_t i = 0; i < POLL_LIMIT; i++) {
        if (read_register(acknowledge) == value) {
            return true;
        }
    }
    return false;
}

/* While translation is off nothing may pass either (6.3.15). */
static bool abort_all(void)
{
    for (uint32_t i = 0; i < POLL_LIMIT; i++) {
        if ((read_register(SMMU_GBPA) & SMMU_GBPA_UPDATE) == 0) {
            write_register(SMMU_GBPA, SMMU_GBPA_UPDATE | SMMU_GBPA_ABORT);
            break;
        }
    }
    for (uint32_t i = 0; i < POLL_LIMIT; i++) {
        if ((read_register(SMMU_GBPA) & SMMU_GBPA_UPDATE) == 0) {
            return true;
        }
    }
    return false;
}

static const char *start(void)
{
    static const char *const silent = "the SMMU does not answer";
    const char *why = check_features();
    if (why != NULL) {
        return why;
    }
    if (!abort_all() || !write_acknowledged(SMMU_CR0, SMMU_CR0ACK, 0)) {
        return silent;
    }
    for (uint64_t i = 0; i < SMMU_STREAMS; i++) {
        stream_table[i] = (struct smmu_stream_entry){{SMMU_STE_VALID | SMMU_STE_ABORT}};
    }
    publish();
    write_register(SMMU_CR1, SMMU_CR1_VALUE);
    write_register(SMMU_CR2, SMMU_CR2_PTM); /* and streams beyond the table abort without an event */
    write_register_64(SMMU_STRTAB_BASE, image_paddr(stream_table).value | SMMU_BASE_ALLOCATE);
    write_register(SMMU_STRTAB_BASE_CFG, (uint32_t)__builtin_ctz(smmu.stream_count));
    write_register_64(SMMU_CMDQ_BASE, image_paddr(command_queue).value | SMMU_BASE_ALLOCATE | smmu.command_bits);
    write_register(SMMU_CMDQ_PROD, 0);
    write_register(SMMU_CMDQ_CONS, 0);
    write_register_64(SMMU_EVENTQ_BASE, image_paddr(event_queue).value | SMMU_BASE_ALLOCATE | smmu.event_bits);
    write_register(SMMU_EVENTQ_PROD, 0);
    write_register(SMMU_EVENTQ_CONS, 0);
    write_register(SMMU_GERRORN, read_register(SMMU_GERROR));

    if (!write_acknowledged(SMMU_CR0, SMMU_CR0ACK, SMMU_CR0_CMDQEN)) {
        return silent;
    }
    command(SMMU_CMD_CFGI_ALL, 31);
    command(SMMU_CMD_TLBI_NSNH_ALL, 0);
    uint32_t running = SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN;
    if (!write_acknowledged(SMMU_CR0, SMMU_CR0ACK, running) ||
        !write_acknowledged(SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK, SMMU_IRQ_CTRL_EVENTQ) ||
        !write_acknowledged(SMMU_CR0, SMMU_CR0ACK, running | SMMU_CR0_SMMUEN)) {
        return silent;
    }
    return NULL;
}

const char *smmu_init(paddr_t base)
{
    smmu.base = (uint64_t)paddr_pointer(base);
    const char *why = start();
    if (why != NULL) {
        smmu.base = 0;
    }
    return why;
}

bool smmu_present(void)
{
    return smmu.base != 0;
}

bool smmu_is_stage2(void)
{
    return smmu.stage2;
}

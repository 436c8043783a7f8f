/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/nvme/start.h"

#include <string.h>

#include "drivers/mmio.h"
#include "drivers/nvme/identify.h"
#include "drivers/nvme/queue.h"

#define ADMIN_QUEUE_SIZE      16u
#define ADMIN_TIMEOUT_SECONDS 10u
#define POLLS_PER_SECOND      1000u /* of CSTS, which no interrupt announces */

/* The layout of `memory`, in pages; the PRP lists follow. */
enum memory_page {
    PAGE_ADMIN_SUBMISSIONS,
    PAGE_ADMIN_COMPLETIONS,
    PAGE_IDENTIFY,
    PAGE_IO_COMPLETIONS,
    PAGE_IO_SUBMISSIONS, /* four of them */
    PAGE_PRP_LISTS = PAGE_IO_SUBMISSIONS + 4,
};

_Static_assert(NVME_QUEUE_SIZE_MAX * sizeof(struct nvme_completion) <= NVME_PAGE, "one page");
_Static_assert(NVME_QUEUE_SIZE_MAX * sizeof(struct nvme_command) <= 4 * NVME_PAGE, "four pages");

static uint32_t read_register(const struct nvme *nvme, enum nvme_register offset)
{
    return mmio_read32(nvme->registers + offset);
}

static void write_register(struct nvme *nvme, enum nvme_register offset, uint32_t value)
{
    mmio_write32(nvme->registers + offset, value);
}

static uint8_t *page(const struct nvme *nvme, enum memory_page number)
{
    return nvme->memory + (size_t)number * NVME_PAGE;
}

/* 3.1: 64-bit registers may be accessed by halves, the lower one first. */
static uint64_t read_capabilities(const struct nvme *nvme)
{
    uint64_t low = mmio_read32(nvme->registers + NVME_CAP);
    return low | (uint64_t)mmio_read32(nvme->registers + NVME_CAP + 4) << 32;
}

static void write_address(struct nvme *nvme, enum nvme_register offset, const void *address)
{
    uint64_t value = (uintptr_t)address;
    mmio_write32(nvme->registers + offset, (uint32_t)value);
    mmio_write32(nvme->registers + offset + 4, (uint32_t)(value >> 32));
}

/* Of the line: with MSI-X these registers are not to be touched (3.1.3, 3.1.4). */
static void mask_interrupt(struct nvme *nvme, bool mask)
{
    if (!nvme->messages) {
        write_register(nvme, mask ? NVME_INTMS : NVME_INTMC, 1);
    }
}

void nvme_stop(struct nvme *nvme, const char *error)
{
    mask_interrupt(nvme, true);
    nvme->block.state = BLOCK_FAILED;
    nvme->block.error = error;
    nvme->block.wake_at = BLOCK_NEVER;
}

static void enter(struct nvme *nvme, enum nvme_stage stage, uint64_t now, uint64_t timeout)
{
    nvme->stage = stage;
    nvme->deadline = now + timeout;
    bool polled = stage <= NVME_ENABLE;
    nvme->block.wake_at = polled ? now + nvme->second / POLLS_PER_SECOND : nvme->deadline;
}

static void disable(struct nvme *nvme, uint64_t now)
{
    write_register(nvme, NVME_CC, 0);
    enter(nvme, NVME_DISABLE, now, nvme->ready_timeout);
}

void nvme_begin(struct nvme *nvme, uint64_t now)
{
    uint64_t cap = read_capabilities(nvme);
    uint32_t status = read_register(nvme, NVME_CSTS);
    nvme->block.error = NULL;
    if (cap == UINT64_MAX || status == UINT32_MAX) {
        nvme_stop(nvme, "the controller does not answer");
        return;
    }
    if (!NVME_CAP_NVM(cap) || NVME_CAP_MPSMIN(cap) != 0 || NVME_CAP_MQES(cap) == 0) {
        nvme_stop(nvme, "the controller lacks the NVM command set, pages of 4 KiB, or queues");
        return;
    }
    uint64_t last_doorbell = NVME_DOORBELLS + UINT64_C(4) * (4u << NVME_CAP_DSTRD(cap));
    if (last_doorbell > nvme->registers_size) {
        nvme_stop(nvme, "the controller's doorbells lie outside its registers");
        return;
    }
    nvme->block.state = BLOCK_RESETTING;
    mask_interrupt(nvme, true);
    /* CAP.TO counts in 500 ms; one period more, as a count of 0 gives no time at all. */
    nvme->ready_timeout = (NVME_CAP_TO(cap) + 1) * (nvme->second / 2);
    bool enabled = (read_register(nvme, NVME_CC) & NVME_CC_ENABLE) != 0;
    if (enabled && (status & (NVME_CSTS_READY | NVME_CSTS_FATAL)) == 0) {
        enter(nvme, NVME_SETTLE, now, nvme->ready_timeout);
    } else {
        disable(nvme, now);
    }
}

static void enable(struct nvme *nvme, uint64_t now)
{
    nvme->block.state = BLOCK_STARTING;
    uint64_t cap = read_capabilities(nvme);
    uint32_t admin_size = NVME_CAP_MQES(cap) + 1;
    if (admin_size > ADMIN_QUEUE_SIZE) {
        admin_size = ADMIN_QUEUE_SIZE;
    }
    nvme_queue_open(&nvme->admin, nvme, cap, 0, (uint16_t)admin_size,
                    page(nvme, PAGE_ADMIN_SUBMISSIONS), page(nvme, PAGE_ADMIN_COMPLETIONS));

    /* As many commands as the controller's queues, ours, and the memory for PRP lists allow. */
    uint64_t lists = (nvme->memory_size - PAGE_PRP_LISTS * NVME_PAGE) / NVME_PRP_LIST_BYTES;
    uint64_t io_size = UINT64_C(1) + NVME_CAP_MQES(cap);
    io_size = io_size > NVME_QUEUE_SIZE_MAX ? NVME_QUEUE_SIZE_MAX : io_size;
    io_size = io_size > lists + 1 ? lists + 1 : io_size;
    nvme_queue_open(&nvme->io, nvme, cap, 1, (uint16_t)io_size, page(nvme, PAGE_IO_SUBMISSIONS),
                    page(nvme, PAGE_IO_COMPLETIONS));
    nvme->prp_lists = page(nvme, PAGE_PRP_LISTS);
    nvme->identify = page(nvme, PAGE_IDENTIFY);
    nvme->block.depth = (uint32_t)io_size - 1;
    nvme->free_count = (uint16_t)nvme->block.depth;
    for (uint16_t i = 0; i < nvme->free_count; i++) {
        nvme->free[i] = (uint16_t)(nvme->free_count - 1 - i);
    }
    memset(nvme->busy, 0, sizeof nvme->busy);

    dma_write_barrier();
    write_register(nvme, NVME_AQA, (admin_size - 1) << 16 | (admin_size - 1));
    write_address(nvme, NVME_ASQ, nvme->admin.submissions);
    write_address(nvme, NVME_ACQ, nvme->admin.completions);
    write_register(nvme, NVME_CC, NVME_CC_SETTINGS);
    write_register(nvme, NVME_CC, NVME_CC_SETTINGS | NVME_CC_ENABLE);
    enter(nvme, NVME_ENABLE, now, nvme->ready_timeout);
}

static void give_admin_command(struct nvme *nvme, struct nvme_command *command,
                               enum nvme_stage stage, uint64_t now)
{
    command->identifier = ++nvme->admin_command;
    nvme_queue_put(&nvme->admin, command);
    nvme_queue_kick(&nvme->admin);
    enter(nvme, stage, now, ADMIN_TIMEOUT_SECONDS * nvme->second);
}

static void identify(struct nvme *nvme, enum nvme_identify_structure structure,
                     uint32_t namespace_id, enum nvme_stage stage, uint64_t now)
{
    struct nvme_command command = {.opcode = NVME_ADMIN_IDENTIFY,
                                   .namespace_id = namespace_id,
                                   .prp = {(uintptr_t)nvme->identify},
                                   .dword = {(uint32_t)structure}};
    memset(nvme->identify, 0, NVME_PAGE);
    give_admin_command(nvme, &command, stage, now);
}

/* 5.3 and 5.4: both queues have number 1; vector 0, physically contiguous (for the device),
 * interrupts on */
static void create_queue(struct nvme *nvme, bool completion, uint64_t now)
{
    struct nvme_command command = {
        .opcode =
            completion ? NVME_ADMIN_CREATE_COMPLETION_QUEUE : NVME_ADMIN_CREATE_SUBMISSION_QUEUE,
        .prp = {(uintptr_t)(completion ? nvme->io.completions : nvme->io.submissions)},
        .dword = {(uint32_t)(nvme->io.size - 1) << 16 | 1, completion ? 3 : 1u << 16 | 1},
    };
    give_admin_command(nvme, &command,
                       completion ? NVME_CREATE_COMPLETION_QUEUE : NVME_CREATE_SUBMISSION_QUEUE,
                       now);
}

static void use_namespace(struct nvme *nvme, uint64_t now)
{
    struct nvme_namespace_data data;
    const char *error = nvme_read_namespace(nvme->identify, &data);
    if (error != NULL) {
        nvme_stop(nvme, error);
        return;
    }
    nvme->block.sectors = data.blocks;
    nvme->block.read_only = data.read_only;
    /* 5.21.1.7: one queue of each kind, counted from 0 */
    struct nvme_command command = {.opcode = NVME_ADMIN_SET_FEATURES,
                                   .dword = {NVME_FEATURE_QUEUE_COUNT, 0}};
    give_admin_command(nvme, &command, NVME_SET_QUEUE_COUNT, now);
}

/* The admin command of the present stage has succeeded: on to the next. */
static void next_stage(struct nvme *nvme, uint64_t now)
{
    switch (nvme->stage) {
    case NVME_IDENTIFY_CONTROLLER: {
        struct nvme_controller_data data;
        nvme_read_controller(nvme->identify, &data);
        nvme->block.transfer_max = data.transfer_max;
        memcpy(nvme->block.model, data.model, sizeof data.model);
        identify(nvme, NVME_IDENTIFY_ACTIVE_NAMESPACES, 0, NVME_LIST_NAMESPACES, now);
        break;
    }
    case NVME_LIST_NAMESPACES:
        nvme->namespace_id = nvme_read_namespace_list(nvme->identify);
        if (nvme->namespace_id == 0) {
            nvme_stop(nvme, "the controller has no active namespace");
            return;
        }
        identify(nvme, NVME_IDENTIFY_NAMESPACE_DATA, nvme->namespace_id, NVME_IDENTIFY_NAMESPACE,
                 now);
        break;
    case NVME_IDENTIFY_NAMESPACE:
        use_namespace(nvme, now);
        break;
    case NVME_SET_QUEUE_COUNT:
        create_queue(nvme, true, now);
        break;
    case NVME_CREATE_COMPLETION_QUEUE:
        create_queue(nvme, false, now);
        break;
    case NVME_CREATE_SUBMISSION_QUEUE:
        nvme->stage = NVME_RUNNING;
        nvme->block.state = BLOCK_READY;
        nvme->block.wake_at = BLOCK_NEVER;
        break;
    default:
        break;
    }
}

static const char *stage_failed(enum nvme_stage stage)
{
    switch (stage) {
    case NVME_IDENTIFY_CONTROLLER:
        return "the controller refuses to identify itself";
    case NVME_LIST_NAMESPACES:
    case NVME_IDENTIFY_NAMESPACE:
        return "the controller refuses to identify its namespaces";
    case NVME_SET_QUEUE_COUNT:
        return "the controller refuses a pair of queues";
    default:
        return "the controller refuses to create a queue";
    }
}

static void advance_admin(struct nvme *nvme, uint64_t now)
{
    struct nvme_completion completion;
    if (nvme_queue_take(&nvme->admin, &completion)) {
        uint16_t status = NVME_STATUS(completion.status);
        struct nvme_completion more;
        bool extra = nvme_queue_take(&nvme->admin, &more); /* also rings the head doorbell */
        if (completion.identifier != nvme->admin_command || extra) {
            nvme_stop(nvme, "the controller answered an admin command that was not given");
        } else if (status != 0) {
            nvme_stop(nvme, stage_failed(nvme->stage));
        } else {
            dma_read_barrier();
            next_stage(nvme, now);
        }
    } else if (now >= nvme->deadline) {
        nvme_stop(nvme, "the controller does not answer an admin command");
    }
}

void nvme_advance(struct nvme *nvme, uint64_t now)
{
    if (nvme->block.state != BLOCK_RESETTING && nvme->block.state != BLOCK_STARTING) {
        return;
    }
    if (nvme->stage > NVME_ENABLE) {
        advance_admin(nvme, now);
        return;
    }
    uint32_t status = read_register(nvme, NVME_CSTS);
    bool ready = (status & NVME_CSTS_READY) != 0;
    bool late = now >= nvme->deadline;
    if (status == UINT32_MAX) {
        nvme_stop(nvme, "the controller does not answer");
    } else if (nvme->stage == NVME_SETTLE && (ready || late || (status & NVME_CSTS_FATAL) != 0)) {
        disable(nvme, now);
    } else if (nvme->stage == NVME_DISABLE && !ready) {
        enable(nvme, now);
    } else if (nvme->stage == NVME_ENABLE && (status & NVME_CSTS_FATAL) != 0) {
        nvme_stop(nvme, "the controller reports a fatal error");
    } else if (nvme->stage == NVME_ENABLE && ready) {
        mask_interrupt(nvme, false);
        identify(nvme, NVME_IDENTIFY_CONTROLLER_DATA, 0, NVME_IDENTIFY_CONTROLLER, now);
    } else if (late) {
        nvme_stop(nvme, nvme->stage == NVME_DISABLE ? "the controller can't be reset"
                                                    : "the controller does not become ready");
    } else {
        nvme->block.wake_at = now + nvme->second / POLLS_PER_SECOND;
    }
}

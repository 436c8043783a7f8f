/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/vmm/virtio_blk.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "domains/vmm/system.h"
#include "domains/vmm/virtio_blk_transfer.h"
#include "domains/vmm/virtio_memory.h"
#include "libs/runtime/runtime.h"

/* 5.2.3 */
#define F_SIZE_MAX (UINT64_C(1) << 1)
#define F_SEG_MAX  (UINT64_C(1) << 2)
#define F_RO       (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)

#define PIECE_MIN 32768u /* bytes: smaller pieces of a larger request are not sent */

/* 5.2.6 */
enum request_type {
    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_GET_ID = 8
};

struct request_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

_Static_assert(sizeof(struct request_header) == 16, "5.2.6");

/* --- Requests of the guest --- */

/* Leaves out the first `skip` bytes of a list of segments. */
static struct virtqueue_segment *segments_skip(struct virtqueue_segment *segments, uint32_t *count,
                                               uint32_t skip)
{
    while (*count != 0 && skip >= segments->length) {
        skip -= segments->length;
        segments++;
        --*count;
    }
    if (*count != 0) {
        segments->data += skip;
        segments->length -= skip;
    }
    return segments;
}

/* The request's own copy of where its data lies. False: no memory. */
static bool segments_keep(struct virtio_blk_request *request,
                          const struct virtqueue_segment *segments, uint32_t count)
{
    if (count > VIRTIO_BLK_INLINE) {
        request->segments = malloc(count * sizeof(*segments));
        if (request->segments == NULL) {
            request->segments = request->inline_segments;
            return false;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        request->segments[i] = segments[i];
    }
    request->segment_count = count;
    return true;
}

static bool range_ok(const struct virtio_blk *blk, uint64_t sector, uint64_t length)
{
    uint64_t sectors = length / BH_BLOCK_SECTOR;
    return length != 0 && length % BH_BLOCK_SECTOR == 0 && length < UINT32_MAX &&
           sector <= blk->config.capacity && sectors <= blk->config.capacity - sector;
}

enum taken {
    TAKEN_ANSWERED, /* there was nothing to send */
    TAKEN_SENT,
    TAKEN_WAITING,
    TAKEN_NOT, /* no memory: the chain goes back */
};

/* `segments` of the data, `length` bytes in all. */
static enum taken request_transfer(struct virtio_blk *blk, struct virtio_blk_request *request,
                                   const struct virtqueue_segment *segments, uint32_t count,
                                   uint64_t length)
{
    bool write = request->operation == BH_BLOCK_WRITE;
    if (!range_ok(blk, request->sector, length) || (write && blk->read_only)) {
        request->status = STATUS_IO_ERROR;
        return TAKEN_ANSWERED;
    }
    if (!segments_keep(request, segments, count)) {
        return TAKEN_NOT;
    }
    request->length = (uint32_t)length;
    struct bh_io_counters *count_of = blk_counters(blk);
    if (write) {
        count_of->write_operations++;
        count_of->write_bytes += length;
    } else {
        count_of->read_operations++;
        count_of->read_bytes += length;
    }
    return blk_request_send(blk, request) ? TAKEN_SENT : TAKEN_WAITING;
}

static struct request_header copy_header(const struct virtqueue_chain *chain)
{
    struct request_header header;
    const struct virtqueue_segment *first = &chain->segment[0];
    if (first->length >= sizeof(header)) {
        header.type = (uint32_t)virtio_read_once(first->data);
        header.sector = virtio_read_once(first->data + offsetof(struct request_header, sector));
    } else {
        (void)virtqueue_copy_out(chain->segment, chain->readable_count, 0, &header, sizeof(header));
    }
    return header;
}

/* 5.2.6.1: the header is the first 16 readable bytes and the status the last writable one, however
 * they are framed (2.7.4). */
static enum taken request_take(struct virtio_blk *blk, struct virtio_blk_request *request,
                               struct virtqueue_chain *chain)
{
    struct request_header header = copy_header(chain);
    struct virtqueue_segment *writable = chain->segment + chain->readable_count;
    uint32_t writable_count = chain->writable_count;
    struct virtqueue_segment *last = writable + writable_count - 1;
    request->status_byte = last->data + --last->length;
    if (last->length == 0) {
        writable_count--;
    }
    request->sector = header.sector;

    switch (header.type) {
    case TYPE_IN:
        request->operation = BH_BLOCK_READ;
        return request_transfer(blk, request, writable, writable_count, chain->writable_bytes - 1);
    case TYPE_OUT: {
        uint32_t count = chain->readable_count;
        struct virtqueue_segment *data = segments_skip(chain->segment, &count, sizeof(header));
        request->operation = BH_BLOCK_WRITE;
        return request_transfer(blk, request, data, count, chain->readable_bytes - sizeof(header));
    }
    case TYPE_FLUSH:
        request->operation = BH_BLOCK_FLUSH;
        return blk_request_send(blk, request) ? TAKEN_SENT : TAKEN_WAITING;
    case TYPE_GET_ID:
        request->operation = BH_BLOCK_READ;
        request->length =
            (uint32_t)virtqueue_copy_in(writable, writable_count, 0, blk->id, sizeof(blk->id));
        return TAKEN_ANSWERED;
    default:
        request->operation = BH_BLOCK_FLUSH; /* only the status is written */
        request->status = STATUS_UNSUPPORTED;
        return TAKEN_ANSWERED;
    }
}

static struct virtio_blk_request *request_new(struct virtio_blk *blk, uint16_t head)
{
    struct virtio_blk_request *request = blk->free;
    blk->free = request->next_free;
    request->head = head;
    request->orphan = request->flushed = false;
    request->length = request->sent = request->pieces = 0;
    request->status = STATUS_OK;
    request->segment_count = 0;
    return request;
}

/* No memory to remember the chain: it is answered with an error if nothing is under way that would
 * free some. */
static void request_no_memory(struct virtio_blk *blk, struct virtio_blk_request *request)
{
    if (bh_block_client_in_flight(&blk->client) != 0) {
        virtqueue_unpop(&blk->device.queue[0]);
        blk->deferred = true;
        blk_request_free(blk, request);
    } else {
        request->status = STATUS_IO_ERROR;
        blk_request_finish(blk, request);
    }
}

/* Takes requests out of the queue while they can be sent. */
static void take_requests(struct virtio_blk *blk)
{
    struct virtqueue_chain chain;
    while (blk->waiting == NULL && !blk->deferred && blk->free != NULL &&
           virtqueue_pending(&blk->device.queue[0]) && virtio_device_pop(&blk->device, 0, &chain)) {
        if (chain.readable_bytes < sizeof(struct request_header) || chain.writable_bytes < 1) {
            virtio_device_fail(&blk->device);
            return;
        }
        struct virtio_blk_request *request = request_new(blk, chain.head);
        switch (request_take(blk, request, &chain)) {
        case TAKEN_ANSWERED:
            blk_request_finish(blk, request);
            break;
        case TAKEN_SENT:
            break;
        case TAKEN_WAITING:
            blk->waiting = request;
            break;
        case TAKEN_NOT:
            request_no_memory(blk, request);
            break;
        }
    }
}

static void send_waiting(struct virtio_blk *blk)
{
    if (blk->waiting != NULL && blk_request_send(blk, blk->waiting)) {
        blk->waiting = NULL;
    }
}

static void take_answers(struct virtio_blk *blk)
{
    struct bh_block_done done;
    while (bh_block_client_next(&blk->client, &done)) {
        blk->deferred = false;
        blk_piece_answered(blk, &done);
    }
}

/* Whether the driver's next request would be taken. */
static bool can_take(const struct virtio_blk *blk)
{
    return virtio_device_running(&blk->device) && blk->waiting == NULL && !blk->deferred &&
           blk->free != NULL;
}

/* The driver notifies of the next request, unless there is one already. */
static bool more_came(struct virtio_blk *blk)
{
    if (!can_take(blk) || virtqueue_wait(&blk->device.queue[0])) {
        return false;
    }
    bh_block_client_awake(&blk->client);
    return true;
}

/*
 * Everything there is to do. The service does not signal while this looks for answers: when it runs
 * at once, on this core, the answer is here already after the signal, and neither side pays for
 * another one.
 */
static void blk_run(struct virtio_blk *blk)
{
    bh_block_client_awake(&blk->client);
    do {
        take_answers(blk);
        send_waiting(blk);
        if (can_take(blk)) {
            take_requests(blk);
        }
        if (bh_block_client_publish(&blk->client)) {
            system_signal(blk->client.channel.signal_cap);
        }
    } while (!bh_block_client_sleep(&blk->client) || more_came(blk));
    virtio_device_publish(&blk->device, 0);
    if (bh_channel_broken(&blk->client.channel) && !blk->complained) {
        blk->complained = true;
        bh_log("%s: the block service broke the protocol: requests wait for its restart",
               blk->link.name);
    }
}

/* --- The device --- */

static void blk_start(struct virtio_device *device)
{
    blk_run(device->context);
}

static void blk_kick(struct virtio_device *device, unsigned index)
{
    (void)index;
    blk_run(device->context);
}

/* What the service has of the old requests it may answer; the answers go nowhere. */
static void blk_reset(struct virtio_device *device)
{
    struct virtio_blk *blk = device->context;
    for (uint32_t i = 0; i < VIRTIO_BLK_REQUESTS; i++) {
        blk->request[i].orphan = true;
    }
    struct virtio_blk_request *waiting = blk->waiting;
    blk->waiting = NULL;
    blk->deferred = false;
    if (waiting != NULL) {
        waiting->length = waiting->sent; /* no more of it is sent */
        if (waiting->pieces == 0) {
            blk_request_free(blk, waiting);
        }
    }
}

static const struct virtio_device_ops blk_ops = {
    .start = blk_start, .reset = blk_reset, .kick = blk_kick};

/* What is sent again is copied again: the region's contents are as the old service left them. */
static void refill_writes(struct virtio_blk *blk, const struct bh_channel *channel)
{
    for (uint32_t i = 0; i < blk->client.capacity; i++) {
        const struct bh_block_slot *slot = &blk->client.slot[i];
        const struct virtio_blk_request *request = slot->cookie;
        if (slot->busy && slot->request.operation == BH_BLOCK_WRITE && !request->orphan) {
            (void)virtqueue_copy_out(request->segments, request->segment_count,
                                     (slot->request.sector - request->sector) * BH_BLOCK_SECTOR,
                                     channel->data + slot->request.offset, slot->request.length);
        }
    }
}

static void blk_attached(void *context, const struct bh_channel *channel)
{
    struct virtio_blk *blk = context;
    blk->complained = false;
    if (!blk->started) {
        blk->started = true;
        bh_block_client_init(&blk->client, channel);
        bh_pages_init(&blk->pages, channel->data_size);
        blk->piece_min = channel->data_size < PIECE_MIN ? BH_CHANNEL_PAGE : PIECE_MIN;
    } else if (channel->data_size != blk->client.channel.data_size) {
        bh_log("%s: attached with another size: not used", blk->link.name);
        return;
    } else {
        refill_writes(blk, channel);
        if (bh_block_client_attach(&blk->client, channel)) {
            system_signal(channel->signal_cap);
        }
    }
    blk_run(blk);
}

static void blk_detached(void *context)
{
    struct virtio_blk *blk = context;
    bh_block_client_detach(&blk->client);
}

static void blk_signalled(void *context)
{
    blk_run(context);
}

static const struct vm_link_ops link_ops = {
    .attached = blk_attached, .detached = blk_detached, .signalled = blk_signalled};

bool virtio_blk_create(struct virtio_blk *blk, struct vm *vm, const struct bh_resource *resource)
{
    blk->vm = vm;
    blk->read_only = resource->argument[1] != 0;
    blk->config = (struct virtio_blk_config){.capacity = resource->argument[0],
                                             .size_max = BH_BLOCK_LENGTH_MAX,
                                             .seg_max = VIRTIO_BLK_SEGMENTS_MAX,
                                             .blk_size = BH_BLOCK_SECTOR};
    /* 5.2.6: the ID is a string, without NUL if it fills its 20 bytes: the volume's name. */
    memcpy(blk->id, resource->object, sizeof(blk->id));
    for (uint32_t i = 0; i < VIRTIO_BLK_REQUESTS; i++) {
        blk->request[i].segments = blk->request[i].inline_segments;
        blk_request_free(blk, &blk->request[i]);
    }
    /* No indirect descriptors: the three of a small request are cheaper than a table that the
     * driver allocates, and the queue holds the chains of as many large ones as the data region
     * does. */
    blk->device = (struct virtio_device){
        .ops = &blk_ops,
        .context = blk,
        .type = VIRTIO_TYPE_BLOCK,
        .offered =
            F_SIZE_MAX | F_SEG_MAX | F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | (blk->read_only ? F_RO : 0),
        .configuration = &blk->config,
        .configuration_size = sizeof(blk->config),
        .memory = virtio_memory_of(vm),
        .queue_sizes = {VIRTIO_BLK_QUEUE_SIZE},
    };
    virtio_device_init(&blk->device);
    return vm_link_start(&blk->link, vm, resource, &link_ops, blk);
}

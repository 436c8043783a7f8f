/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/vmm/virtio_net.h"

#include <string.h>

#include "domains/vmm/system.h"
#include "domains/vmm/virtio_memory.h"
#include "ipc/statistics.h"
#include "libs/runtime/runtime.h"

#define F_MAC (UINT64_C(1) << 5) /* 5.1.3 */

enum {
    QUEUE_RECEIVE = 0,
    QUEUE_TRANSMIT = 1
}; /* 5.1.2 */

/* 5.1.6. Without offloads a frame has all fields zero but num_buffers, which is 1 in what the
 * device gives (5.1.6.4.1). */
struct frame_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
};

_Static_assert(sizeof(struct frame_header) == 12, "5.1.6");

static struct bh_io_counters *counters(const struct virtio_net *net)
{
    return &vm_statistics(net->vm)->net;
}

static bool usable(const struct virtio_net *net)
{
    return net->attached && !bh_channel_broken(&net->channel);
}

/* --- Buffers --- */

static uint32_t buffer_offset(uint32_t index)
{
    return index * BH_NET_BUFFER;
}

static uint32_t buffer_id(const struct virtio_net *net, uint32_t index)
{
    return net->buffer[index].use << 16 | index;
}

static bool is_receive(const struct virtio_net *net, uint32_t index)
{
    return index < net->receive_count;
}

/* Puts the buffer's request into the ring, in which there is a place for each buffer. */
static void buffer_submit(struct virtio_net *net, uint32_t index)
{
    bool receive = is_receive(net, index);
    struct bh_net_request request = {.id = buffer_id(net, index),
                                     .operation = receive ? BH_NET_RECEIVE : BH_NET_TRANSMIT,
                                     .offset = buffer_offset(index),
                                     .length = receive ? BH_NET_BUFFER : net->buffer[index].length};
    net->buffer[index].in_flight = true;
    if (usable(net)) {
        (void)bh_ring_produce(&net->channel.submit, &request);
        net->unannounced += receive ? 1 : 0;
    }
}

static void buffer_send(struct virtio_net *net, uint32_t index)
{
    net->buffer[index].use++;
    buffer_submit(net, index);
}

/*
 * Shows the service what is in the ring, and wakes it if it waits. Empty buffers alone are not
 * worth that until it lacks a quarter of them: a service that runs short looks at the ring by
 * itself.
 */
static void publish(struct virtio_net *net, bool sent)
{
    if (!usable(net)) {
        return;
    }
    /* Room for its answers first: it never has to wait for that. */
    (void)bh_ring_release(&net->channel.complete);
    bool waits = bh_ring_publish(&net->channel.submit);
    if (waits && (sent || net->unannounced > net->receive_count / 4)) {
        net->unannounced = 0;
        system_signal(net->channel.signal_cap);
    }
}

/* --- From the guest --- */

/* Copies frames out of the queue into buffers. True: there is something to publish. */
static bool transmit(struct virtio_net *net)
{
    struct virtqueue *queue = &net->device.queue[QUEUE_TRANSMIT];
    struct virtqueue_chain chain;
    bool sent = false;
    while (net->free_count != 0 && virtio_device_pop(&net->device, QUEUE_TRANSMIT, &chain)) {
        if (chain.readable_bytes < sizeof(struct frame_header) || chain.writable_count != 0) {
            virtio_device_fail(&net->device);
            break;
        }
        uint64_t length = chain.readable_bytes - sizeof(struct frame_header);
        if (length < BH_NET_FRAME_MIN || length > BH_NET_FRAME_MAX) {
            counters(net)->errors++;
        } else {
            uint32_t index = net->free[--net->free_count];
            net->buffer[index].length = (uint32_t)length;
            (void)virtqueue_copy_out(chain.segment, chain.readable_count,
                                     sizeof(struct frame_header),
                                     net->channel.data + buffer_offset(index), (size_t)length);
            buffer_send(net, index);
            sent = true;
            counters(net)->write_operations++;
            counters(net)->write_bytes += length;
        }
        virtqueue_push(queue, chain.head, 0);
    }
    return sent;
}

/* --- To the guest --- */

/* False: the guest has no buffer now. A buffer too small for the frame costs the guest the frame.
 */
static bool deliver(struct virtio_net *net, const uint8_t *frame, uint32_t length)
{
    static const struct frame_header header = {.num_buffers = 1};
    struct virtqueue *queue = &net->device.queue[QUEUE_RECEIVE];
    struct virtqueue_chain chain;
    if (!virtio_device_pop(&net->device, QUEUE_RECEIVE, &chain)) {
        return false;
    }
    if (chain.readable_count != 0 || chain.writable_bytes < sizeof(header)) {
        virtio_device_fail(&net->device);
        return false;
    }
    if (chain.writable_bytes - sizeof(header) < length) {
        virtqueue_unpop(queue);
        counters(net)->dropped++;
        return true;
    }
    (void)virtqueue_copy_in(chain.segment, chain.writable_count, 0, &header, sizeof(header));
    (void)virtqueue_copy_in(chain.segment, chain.writable_count, sizeof(header), frame, length);
    virtqueue_push(queue, chain.head, length + (uint32_t)sizeof(header));
    counters(net)->read_operations++;
    counters(net)->read_bytes += length;
    return true;
}

static void held_give_back(struct virtio_net *net)
{
    uint32_t index = net->held[net->held_first].buffer;
    net->held_first = (net->held_first + 1) % net->receive_count;
    net->held_count--;
    buffer_send(net, index);
}

/* Hands the guest what is held, in order, and gives the buffers back to the service. */
static void receive(struct virtio_net *net)
{
    while (net->held_count != 0) {
        uint32_t index = net->held[net->held_first].buffer;
        uint32_t length = net->held[net->held_first].length;
        if (!deliver(net, net->channel.data + buffer_offset(index), length)) {
            break;
        }
        held_give_back(net);
    }
}

/* --- Answers --- */

static void hold(struct virtio_net *net, uint32_t index, uint32_t length)
{
    uint32_t last = (net->held_first + net->held_count) % net->receive_count;
    net->held[last].buffer = (uint16_t)index;
    net->held[last].length = (uint16_t)length;
    net->held_count++;
}

static bool answer_ok(const struct virtio_net *net, const struct bh_net_response *response,
                      uint32_t index)
{
    if (index >= net->buffer_count || !net->buffer[index].in_flight ||
        buffer_id(net, index) != response->id) {
        return false;
    }
    return !is_receive(net, index) ||
           (response->status == BH_NET_OK && response->length >= BH_NET_FRAME_MIN &&
            response->length <= BH_NET_FRAME_MAX);
}

/*
 * Bounded, however fast the service is: what it receives is held until the guest takes it. An
 * answer to nothing, or a refusal of what was in order, breaks the channel until the service is
 * restarted.
 */
static void take_answers(struct virtio_net *net)
{
    struct bh_net_response response;
    while (usable(net) && bh_ring_consume(&net->channel.complete, &response) == BH_RING_OK) {
        uint32_t index = response.id & 0xffff;
        if (!answer_ok(net, &response, index)) {
            net->channel.complete.broken = true;
            break;
        }
        net->buffer[index].in_flight = false;
        if (is_receive(net, index)) {
            hold(net, index, response.length);
        } else {
            net->free[net->free_count++] = (uint16_t)index;
        }
    }
}

/* Whether the driver's next frame would be taken. */
static bool can_transmit(const struct virtio_net *net)
{
    return net->attached && virtio_device_running(&net->device) &&
           net->device.queue[QUEUE_TRANSMIT].ready && net->free_count != 0;
}

static bool can_receive(const struct virtio_net *net)
{
    return net->attached && virtio_device_running(&net->device) &&
           net->device.queue[QUEUE_RECEIVE].ready;
}

/* True: the service will signal its next answer. False: there are more already. */
static bool answers_awaited(struct virtio_net *net)
{
    if (!usable(net)) {
        return true;
    }
    (void)bh_ring_release(&net->channel.complete);
    return bh_ring_consumer_sleep(&net->channel.complete);
}

/* Everything there is to do; as in virtio_blk.c the service does not signal meanwhile. */
static void net_run(struct virtio_net *net)
{
    bool again;
    if (usable(net)) {
        bh_ring_consumer_awake(&net->channel.complete);
    }
    do {
        take_answers(net);
        if (can_receive(net)) {
            receive(net);
        }
        bool sent = can_transmit(net) && transmit(net);
        publish(net, sent);
        again = can_transmit(net) && !virtqueue_wait(&net->device.queue[QUEUE_TRANSMIT]);
        /* The guest's new receive buffers are of interest only to held frames. */
        if (net->held_count != 0 && can_receive(net) &&
            !virtqueue_wait(&net->device.queue[QUEUE_RECEIVE])) {
            again = true;
        }
    } while (again || !answers_awaited(net));
    virtio_device_publish(&net->device, QUEUE_RECEIVE);
    virtio_device_publish(&net->device, QUEUE_TRANSMIT);
    if (net->attached && !usable(net) && !net->complained) {
        net->complained = true;
        bh_log("%s: the network service broke the protocol: no frames until its restart",
               net->link.name);
    }
}

/* --- The device --- */

/* What came while nobody was there to take it is of no use. */
static void net_start(struct virtio_device *device)
{
    struct virtio_net *net = device->context;
    while (net->held_count != 0) {
        counters(net)->dropped++;
        held_give_back(net);
    }
    net_run(net);
}

static void net_kick(struct virtio_device *device, unsigned index)
{
    (void)index;
    net_run(device->context);
}

/* Nothing under way refers to guest memory. */
static void net_reset(struct virtio_device *device)
{
    (void)device;
}

static const struct virtio_device_ops net_ops = {
    .start = net_start, .reset = net_reset, .kick = net_kick};

/* All buffers to the service: empty ones to receive into, and what it has not answered. */
static void net_attached(void *context, const struct bh_channel *channel)
{
    struct virtio_net *net = context;
    net->channel = *channel;
    net->attached = true;
    net->complained = false;
    net->held_count = 0;
    for (uint32_t i = 0; i < net->buffer_count; i++) {
        if (is_receive(net, i)) {
            buffer_send(net, i);
        } else if (net->buffer[i].in_flight) {
            buffer_submit(net, i);
        }
    }
    publish(net, true);
    net_run(net);
}

static void net_detached(void *context)
{
    struct virtio_net *net = context;
    net->attached = false;
}

static void net_signalled(void *context)
{
    net_run(context);
}

static const struct vm_link_ops link_ops = {
    .attached = net_attached, .detached = net_detached, .signalled = net_signalled};

static void make_buffers(struct virtio_net *net, const struct bh_channel_geometry *geometry)
{
    uint64_t count = geometry->data_size / BH_NET_BUFFER;
    count = count < geometry->entries ? count : geometry->entries;
    net->buffer_count = count < VIRTIO_NET_BUFFERS_MAX ? (uint32_t)count : VIRTIO_NET_BUFFERS_MAX;
    net->receive_count = net->buffer_count / 2;
    for (uint32_t i = net->receive_count; i < net->buffer_count; i++) {
        net->free[net->free_count++] = (uint16_t)i;
    }
}

bool virtio_net_create(struct virtio_net *net, struct vm *vm, const struct bh_resource *resource)
{
    net->vm = vm;
    for (unsigned i = 0; i < sizeof(net->config.mac); i++) {
        net->config.mac[i] = (uint8_t)(resource->argument[0] >> (40 - 8 * i));
    }
    make_buffers(net, &resource->geometry);
    net->device = (struct virtio_device){
        .ops = &net_ops,
        .context = net,
        .type = VIRTIO_TYPE_NET,
        .offered = F_MAC | VIRTIO_F_INDIRECT_DESC,
        .configuration = &net->config,
        .configuration_size = sizeof(net->config),
        .memory = virtio_memory_of(vm),
        .queue_sizes = {VIRTIO_NET_QUEUE_SIZE, VIRTIO_NET_QUEUE_SIZE},
    };
    virtio_device_init(&net->device);
    if (net->receive_count == 0) {
        bh_log("%s: the channel has no room for two buffers", resource->name);
        return false;
    }
    return vm_link_start(&net->link, vm, resource, &link_ops, net);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "object.h"

#include "endpoint.h"
#include "irq.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "space.h"
#include "tcb.h"
#include "vcpu.h"

_Static_assert(sizeof(struct tcb) <= 1 << BH_TCB_BITS, "size in the interface");
_Static_assert(sizeof(struct endpoint) <= 1 << BH_ENDPOINT_BITS, "size in the interface");
_Static_assert(sizeof(struct reply) <= 1 << BH_REPLY_BITS, "size in the interface");
_Static_assert(sizeof(struct notification) <= 1 << BH_NOTIFICATION_BITS, "size in the interface");
_Static_assert(sizeof(struct sched_context) <= 1 << BH_SCHED_CONTEXT_BITS, "size in the interface");
_Static_assert(sizeof(struct space) == 1 << BH_VSPACE_BITS, "size in the interface");
_Static_assert(sizeof(struct vcpu) <= 1 << BH_VCPU_BITS, "size in the interface");
_Static_assert(offsetof(struct endpoint, core) == 0 && offsetof(struct reply, core) == 0 &&
                   offsetof(struct notification, core) == 0 && offsetof(struct sched_context, core) == 0,
               "object_create");

static const uint8_t fixed_size_bits[BH_TYPE_COUNT] = {
    [BH_TYPE_TCB] = BH_TCB_BITS,
    [BH_TYPE_ENDPOINT] = BH_ENDPOINT_BITS,
    [BH_TYPE_REPLY] = BH_REPLY_BITS,
    [BH_TYPE_NOTIFICATION] = BH_NOTIFICATION_BITS,
    [BH_TYPE_SCHED_CONTEXT] = BH_SCHED_CONTEXT_BITS,
    [BH_TYPE_PAGE_TABLE] = BH_PAGE_TABLE_BITS,
    [BH_TYPE_VSPACE] = BH_VSPACE_BITS,
    [BH_TYPE_GUEST_SPACE] = BH_GUEST_SPACE_BITS,
    [BH_TYPE_IO_SPACE] = BH_IO_SPACE_BITS,
    [BH_TYPE_VCPU] = BH_VCPU_BITS,
};

unsigned object_size_bits(enum bh_type type, uint64_t size_bits)
{
    switch (type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
        return size_bits >= BH_UNTYPED_MIN_BITS && size_bits <= BH_UNTYPED_MAX_BITS ? (unsigned)size_bits : 0;
    case BH_TYPE_FRAME:
        return size_bits == BH_PAGE_BITS || size_bits == BH_LARGE_PAGE_BITS || size_bits == BH_HUGE_PAGE_BITS
                   ? (unsigned)size_bits
                   : 0;
    case BH_TYPE_CNODE:
        return size_bits >= 1 && size_bits <= BH_CNODE_MAX_RADIX ? (unsigned)size_bits + BH_SLOT_BITS : 0;
    default:
        return (unsigned)type < BH_TYPE_COUNT ? fixed_size_bits[type] : 0;
    }
}

uint64_t object_size(struct cap cap)
{
    unsigned bits = object_size_bits((enum bh_type)cap.type, cap.size_bits);
    return bits == 0 ? 0 : UINT64_C(1) << bits;
}

struct cap object_create(struct all_cores *all, enum bh_type type, unsigned size_bits, paddr_t address, bool device)
{
    struct cap cap = cap_make(type, paddr_pointer(address));
    switch (type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
    case BH_TYPE_CNODE:
        cap.size_bits = size_bits & 63;
        break;
    case BH_TYPE_FRAME:
        cap.size_bits = size_bits & 63;
        cap.mapping.device = device;
        break;
    case BH_TYPE_TCB:
        tcb_init(cap_object(cap), all->core);
        break;
    case BH_TYPE_ENDPOINT:
    case BH_TYPE_REPLY:
    case BH_TYPE_NOTIFICATION:
    case BH_TYPE_SCHED_CONTEXT:
        *(struct core **)cap_object(cap) = all->core;
        break;
    case BH_TYPE_VSPACE:
    case BH_TYPE_GUEST_SPACE:
    case BH_TYPE_IO_SPACE:
        space_init(cap_object(cap), type);
        break;
    default: /* cleared memory is their initial state */
        break;
    }
    return cap;
}

struct slot_range object_slots(struct cap cap)
{
    switch (cap.type) {
    case BH_TYPE_CNODE:
        return (struct slot_range){cap_object(cap), (size_t)1 << cap.size_bits};
    case BH_TYPE_TCB:
        return (struct slot_range){((struct tcb *)cap_object(cap))->slots, TCB_SLOT_COUNT};
    case BH_TYPE_VCPU:
        return (struct slot_range){((struct vcpu *)cap_object(cap))->slots, VCPU_SLOT_COUNT};
    case BH_TYPE_GUEST_SPACE:
        return (struct slot_range){((struct space *)cap_object(cap))->doorbell_slots, BH_DOORBELLS};
    default:
        return (struct slot_range){NULL, 0};
    }
}

bool object_holds_slots(struct cap cap)
{
    return object_slots(cap).count != 0;
}

void object_quiesce(struct all_cores *all, struct cap cap)
{
    if (cap.type == BH_TYPE_TCB) {
        tcb_destroy(all, cap_object(cap));
    } else if (cap.type == BH_TYPE_VCPU) {
        vcpu_destroy(all, cap_object(cap));
    }
}

void object_release(struct all_cores *all, struct slot *slot, bool last)
{
    struct cap cap = slot->cap;
    if (cap.type == BH_TYPE_FRAME) {
        if (vcpu_is_frame_slot(cap)) {
            vcpu_lose_frame(all, slot);
        }
        frame_release(all, slot);
        return;
    }
    if (!last) {
        return;
    }
    switch (cap.type) {
    case BH_TYPE_ENDPOINT:
        endpoint_destroy(all, cap_object(cap));
        break;
    case BH_TYPE_REPLY:
        reply_destroy(all, cap_object(cap));
        break;
    case BH_TYPE_NOTIFICATION:
        notification_destroy(all, cap_object(cap));
        break;
    case BH_TYPE_SCHED_CONTEXT:
        sched_context_destroy(all, cap_object(cap));
        break;
    case BH_TYPE_PAGE_TABLE:
        page_table_release(slot);
        break;
    case BH_TYPE_VSPACE:
    case BH_TYPE_GUEST_SPACE:
    case BH_TYPE_IO_SPACE:
        space_destroy(all, cap_object(cap));
        break;
    case BH_TYPE_IRQ_HANDLER:
        irq_handler_destroy(all, (uint32_t)cap.object);
        break;
    default:
        break;
    }
}

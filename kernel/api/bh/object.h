/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object types, sizes, rights and the operations that `bh_invoke` names. The wrappers in syscall.h document each
 * operation; this header fixes the numbers.
 */
#ifndef BH_OBJECT_H
#define BH_OBJECT_H

#include <bh/types.h>

enum bh_type {
    BH_TYPE_NULL = 0,
    BH_TYPE_UNTYPED,        /* memory that other objects are made of */
    BH_TYPE_DEVICE_UNTYPED, /* device registers or other memory that is never cleared; yields Frames and itself only */
    BH_TYPE_CNODE,          /* a table of capability slots */
    BH_TYPE_TCB,            /* a thread */
    BH_TYPE_ENDPOINT,       /* synchronous rendezvous */
    BH_TYPE_REPLY,          /* the right to answer one Call */
    BH_TYPE_NOTIFICATION,   /* 64 signal bits, and a deadline */
    BH_TYPE_SCHED_CONTEXT,  /* a budget of processor time */
    BH_TYPE_FRAME,          /* a page of memory, 4 KiB, 2 MiB or 1 GiB */
    BH_TYPE_PAGE_TABLE,     /* a table of level 2 or 3 of any space */
    BH_TYPE_VSPACE,         /* the address space of native threads (EL2&0 stage 1) */
    BH_TYPE_GUEST_SPACE,    /* the intermediate physical address space of a guest (stage 2), and its doorbells */
    BH_TYPE_IO_SPACE,       /* what one DMA master sees (an SMMUv3 stream) */
    BH_TYPE_VCPU,           /* a virtual processor */
    BH_TYPE_IRQ_CONTROL,    /* the right to make IRQHandlers; one exists, given to root */
    BH_TYPE_IRQ_HANDLER,    /* one interrupt */
    BH_TYPE_SCHED_CONTROL,  /* the right to fill SchedContexts; one exists */
    BH_TYPE_IO_CONTROL,     /* the right to bind IOSpaces to streams; one exists */
    BH_TYPE_MACHINE,        /* the right to turn the machine off; one exists */
    BH_TYPE_COUNT
};

/* Size of an object in memory, log2 bytes. Untyped and Frame take the size from the request, CNode 2^(radix + 5). */
#define BH_SLOT_BITS 5
#define BH_TCB_BITS 11
#define BH_ENDPOINT_BITS 6
#define BH_REPLY_BITS 6
#define BH_NOTIFICATION_BITS 7
#define BH_SCHED_CONTEXT_BITS 8
#define BH_PAGE_TABLE_BITS 12
#define BH_VSPACE_BITS 12
#define BH_GUEST_SPACE_BITS 12
#define BH_IO_SPACE_BITS 12
#define BH_VCPU_BITS 11

#define BH_UNTYPED_MIN_BITS 6
#define BH_UNTYPED_MAX_BITS 37
#define BH_CNODE_MAX_RADIX 20
#define BH_DOORBELLS 16 /* of a GuestSpace */
#define BH_REFILLS 8                 /* of a SchedContext */
#define BH_BUDGETS_PER_SECOND 100000 /* of the smallest budget, or shortest window: 10 microseconds */
#define BH_PARTITIONS 8              /* of time */
#define BH_SCHEDULE_WINDOWS 32       /* of a schedule of partitions */
#define BH_RETYPE_MAX_COUNT 1024
#define BH_RETYPE_NEXT UINT64_MAX /* offset argument: allocate at the first free address */

/* Rights of a capability. On a Frame, READ and WRITE bound its mappings; GRANT on a Frame is the right to execute. */
enum bh_rights {
    BH_RIGHT_READ = 1,  /* receive from an Endpoint, wait for a Notification, map readable */
    BH_RIGHT_WRITE = 2, /* send, signal, map writable */
    BH_RIGHT_GRANT = 4, /* transfer a capability with a message; map executable */
    BH_RIGHT_CALL = 8,  /* attach a reply object to a message: Call */
    BH_RIGHTS_ALL = 15
};

/* Attributes of a mapping. */
enum bh_map_attributes {
    BH_MAP_DEVICE = 1,        /* Device-nGnRE; implied for device memory */
    BH_MAP_UNCACHED = 2,      /* Normal Non-cacheable */
    BH_MAP_GUARDED = 4,       /* of a VSpace, if there is BH_CPU_BTI: indirect branches arrive at landing pads only */
};

/* Operations, by object. The numbers are part of the interface. */
enum bh_operation {
    BH_OP_UNTYPED_RETYPE = 0x10,
    BH_OP_CNODE_COPY = 0x20,
    BH_OP_CNODE_MINT,
    BH_OP_CNODE_MOVE,
    BH_OP_CNODE_DELETE,
    BH_OP_CNODE_REVOKE,
    BH_OP_CNODE_CANCEL_BADGED,
    BH_OP_CNODE_INSPECT,
    BH_OP_TCB_CONFIGURE = 0x30,
    BH_OP_TCB_SET_PRIORITY,
    BH_OP_TCB_WRITE_REGISTERS,
    BH_OP_TCB_READ_REGISTERS,
    BH_OP_TCB_RESUME,
    BH_OP_TCB_SUSPEND,
    BH_OP_TCB_BIND_NOTIFICATION,
    BH_OP_TCB_UNBIND_NOTIFICATION,
    BH_OP_TCB_SET_FLAGS,
    BH_OP_TCB_SET_AFFINITY,
    BH_OP_TCB_SET_TIMEOUT_ENDPOINT,
    BH_OP_NOTIFICATION_ARM = 0x40,
    BH_OP_NOTIFICATION_DISARM,
    BH_OP_SCHED_CONTEXT_BIND = 0x50,
    BH_OP_SCHED_CONTEXT_UNBIND,
    BH_OP_SCHED_CONTEXT_CONSUMED,
    BH_OP_SCHED_CONTROL_CONFIGURE,
    BH_OP_SCHED_CONTROL_SET_WINDOW,
    BH_OP_SCHED_CONTROL_START_SCHEDULE,
    BH_OP_FRAME_MAP = 0x60,
    BH_OP_FRAME_UNMAP,
    BH_OP_FRAME_ADDRESS,
    BH_OP_PAGE_TABLE_MAP,
    BH_OP_PAGE_TABLE_UNMAP,
    BH_OP_GUEST_SPACE_BIND_DOORBELL,
    BH_OP_GUEST_SPACE_UNBIND_DOORBELL,
    BH_OP_IO_CONTROL_BIND,
    BH_OP_IO_SPACE_FAULT,
    BH_OP_VCPU_CONFIGURE = 0x70,
    BH_OP_VCPU_SAVE,
    BH_OP_VCPU_LOAD,
    BH_OP_VCPU_POST,
    BH_OP_IRQ_CONTROL_GET = 0x80,
    BH_OP_IRQ_HANDLER_BIND,
    BH_OP_IRQ_HANDLER_ACK,
    BH_OP_IRQ_HANDLER_UNBIND,
    BH_OP_IRQ_CONTROL_GET_MSI,
    BH_OP_MACHINE_OFF = 0x90,
    BH_OP_MACHINE_RESET,
};

/* Flags of a thread. */
enum bh_tcb_flags {
    BH_TCB_FP = 1, /* the thread may use FP/SIMD registers; without it their use is a fault */
};

/* The label of a fault message; the words are in the comment, word 0 always being the program counter. */
enum bh_fault {
    BH_FAULT_VM = 1,         /* pc, address, ESR_EL2: translation, permission or alignment fault */
    BH_FAULT_EXCEPTION = 2,  /* pc, 0, ESR_EL2: undefined instruction, FP without the flag, breakpoint */
    BH_FAULT_SYSCALL = 3,    /* pc, number, 0: no such system call */
    BH_FAULT_TIMEOUT = 4,    /* pc, badge of the SchedContext, ticks used through it since it was made */
};

#endif

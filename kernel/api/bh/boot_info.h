/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel tells root, the first domain: a read-only page mapped at `BH_ROOT_BOOT_INFO`, whose address is in
 * x0 when root starts. Root's own objects are in the first slots of its CNode.
 */
#ifndef BH_BOOT_INFO_H
#define BH_BOOT_INFO_H

#include <bh/types.h>

#define BH_BOOT_INFO_MAGIC UINT64_C(0x746f6f62304b4842) /* "BHK0boot", little-endian */
#define BH_BOOT_INFO_UNTYPED_MAX 200

enum bh_root_slot {
    BH_ROOT_SLOT_NULL = 0,
    BH_ROOT_SLOT_CNODE,
    BH_ROOT_SLOT_VSPACE,
    BH_ROOT_SLOT_TCB,
    BH_ROOT_SLOT_SCHED_CONTEXT,
    BH_ROOT_SLOT_IPC_BUFFER, /* Frame */
    BH_ROOT_SLOT_BOOT_INFO,  /* Frame */
    BH_ROOT_SLOT_IRQ_CONTROL,
    BH_ROOT_SLOT_SCHED_CONTROL,
    BH_ROOT_SLOT_IO_CONTROL,
    BH_ROOT_SLOT_MACHINE,
    BH_ROOT_SLOT_MSI_DOORBELL, /* Frame, for IOSpaces only: what devices write messages to. Empty without an ITS */
    BH_ROOT_SLOT_FIRST_FREE = 16 /* untyped memory, frames of the bundle and of the device tree follow from here */
};

/* Where the kernel maps things in root's VSpace. Root's ELF segments must lie below BH_ROOT_STACK. */
#define BH_ROOT_STACK UINT64_C(0x10000000)      /* lowest address of 64 KiB of stack */
#define BH_ROOT_STACK_SIZE UINT64_C(0x10000)
#define BH_ROOT_IPC_BUFFER UINT64_C(0x10020000)
#define BH_ROOT_BOOT_INFO UINT64_C(0x10030000)
#define BH_ROOT_DEVICE_TREE UINT64_C(0x10200000) /* read-only; 2 MiB at the most */
#define BH_ROOT_BUNDLE UINT64_C(0x20000000)      /* read-only; 256 MiB at the most */

/* Features of the processor that programs at EL0 can use but not find out about. */
#define BH_CPU_RNDR 1u /* ID_AA64ISAR0_EL1.RNDR: the random number registers */
#define BH_CPU_BTI 2u  /* ID_AA64PFR1_EL1.BT: branch targets are checked where BH_MAP_GUARDED says so */

struct bh_boot_untyped {
    uint64_t address; /* physical */
    uint32_t slot;
    uint8_t size_bits;
    uint8_t device;
    uint16_t reserved;
};

struct bh_boot_info {
    uint64_t magic;
    uint64_t timer_frequency; /* Hz */
    uint64_t memory_size;     /* bytes of RAM that the device tree reports */
    uint64_t kernel_size;     /* bytes of it that the kernel keeps: image, stacks, boot-time objects of root */
    uint64_t bundle_address;  /* virtual: the archive starts here, page offset included */
    uint64_t bundle_size;
    uint64_t device_tree_address; /* virtual */
    uint64_t device_tree_size;
    uint32_t cnode_radix;
    uint32_t first_free_slot; /* all slots from here to 2^cnode_radix are empty */
    uint32_t bundle_slot;     /* Frames (4 KiB each) of the bundle, consecutive */
    uint32_t bundle_frame_count;
    uint32_t core_count;
    uint32_t has_smmu; /* 0 or 1 */
    uint32_t untyped_count;
    uint32_t cpu_features; /* BH_CPU_ bits */
    uint32_t trace_slot;       /* Frames of the trace's rings (trace.h), by core, consecutive; without the right to write */
    uint32_t trace_ring_count; /* as many as cores; 0: the kernel was built without tracing */
    struct bh_boot_untyped untyped[BH_BOOT_INFO_UNTYPED_MAX];
};

_Static_assert(sizeof(struct bh_boot_info) <= BH_PAGE_SIZE, "boot information fits its page");

#endif

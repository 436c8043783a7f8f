/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses as types. A physical address, an address of a native domain and an intermediate physical address of a
 * guest are three different things; only a kernel pointer is a C pointer.
 *
 * All RAM and the devices that the kernel drives are mapped at DIRECT_MAP_BASE + physical address; the kernel's own
 * image is mapped a second time, page by page, at KERNEL_IMAGE_BASE and is left out of the direct map, so that no
 * page is both writable and executable.
 */
#ifndef KERNEL_ADDRESS_H
#define KERNEL_ADDRESS_H

#ifndef DIRECT_MAP_BASE /* tests on a host have it elsewhere */
#define DIRECT_MAP_BASE 0xffffff8000000000
#endif
#define DIRECT_MAP_SIZE 0x4000000000 /* 256 GiB */
#define KERNEL_IMAGE_BASE 0xffffffffc0000000
#define KERNEL_IMAGE_MAX 0x200000

#ifndef __ASSEMBLER__

#include <bh/types.h>

/* The structure whose member a pointer points to. */
#define container_of(pointer, type, member) ((type *)((uint8_t *)(pointer)-offsetof(type, member)))

/* Of two numbers without side effects. */
#define smaller(a, b) ((a) < (b) ? (a) : (b))

typedef struct {
    uint64_t value;
} paddr_t;

typedef struct {
    uint64_t value;
} vaddr_t; /* in some address space: native virtual, guest physical or I/O virtual */

static inline paddr_t paddr(uint64_t value)
{
    return (paddr_t){value};
}

static inline vaddr_t vaddr(uint64_t value)
{
    return (vaddr_t){value};
}

static inline void *paddr_pointer(paddr_t address)
{
    return (void *)(address.value + DIRECT_MAP_BASE);
}

/* Of an object in the direct map; not of the kernel's own variables (see image_paddr). */
static inline paddr_t pointer_paddr(const void *pointer)
{
    return (paddr_t){(uint64_t)pointer - DIRECT_MAP_BASE};
}

extern uint64_t kernel_image_offset; /* virtual minus physical address of the kernel image */

static inline paddr_t image_paddr(const void *pointer)
{
    return (paddr_t){(uint64_t)pointer - kernel_image_offset};
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool is_aligned(uint64_t value, unsigned bits)
{
    return (value & ((UINT64_C(1) << bits) - 1)) == 0;
}

#endif /* __ASSEMBLER__ */

#endif

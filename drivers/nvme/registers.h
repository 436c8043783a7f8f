/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and structures of NVM Express 1.4, private to the driver. */
#ifndef DRIVERS_NVME_REGISTERS_H
#define DRIVERS_NVME_REGISTERS_H

#include <stdint.h>

#define NVME_PAGE 4096u

/* 3.1 */
enum nvme_register {
    NVME_CAP = 0x00,
    NVME_INTMS = 0x0c,
    NVME_INTMC = 0x10,
    NVME_CC = 0x14,
    NVME_CSTS = 0x1c,
    NVME_AQA = 0x24,
    NVME_ASQ = 0x28,
    NVME_ACQ = 0x30,
    NVME_DOORBELLS = 0x1000,
};

/* 3.1.1 */
#define NVME_CAP_MQES(cap)   ((uint32_t)((cap)&0xffff)) /* entries of a queue, minus one */
#define NVME_CAP_TO(cap)     ((uint32_t)((cap) >> 24 & 0xff))
#define NVME_CAP_DSTRD(cap)  ((uint32_t)((cap) >> 32 & 0xf))
#define NVME_CAP_NVM(cap)    (((cap) >> 37 & 1) != 0) /* NVM command set */
#define NVME_CAP_MPSMIN(cap) ((uint32_t)((cap) >> 48 & 0xf))

/* 3.1.5: 64-byte submissions, 16-byte completions, 4 KiB pages, NVM command set */
#define NVME_CC_ENABLE   UINT32_C(1)
#define NVME_CC_SETTINGS (UINT32_C(6) << 16 | UINT32_C(4) << 20)

/* 3.1.6 */
#define NVME_CSTS_READY UINT32_C(1)
#define NVME_CSTS_FATAL UINT32_C(2)

/* chapters 5 and 6 */
enum nvme_admin_opcode {
    NVME_ADMIN_CREATE_SUBMISSION_QUEUE = 0x01,
    NVME_ADMIN_CREATE_COMPLETION_QUEUE = 0x05,
    NVME_ADMIN_IDENTIFY = 0x06,
    NVME_ADMIN_SET_FEATURES = 0x09,
};

enum nvme_io_opcode {
    NVME_IO_FLUSH = 0x00,
    NVME_IO_WRITE = 0x01,
    NVME_IO_READ = 0x02,
};

enum nvme_identify_structure { /* 5.15.1 */
    NVME_IDENTIFY_NAMESPACE_DATA = 0,
    NVME_IDENTIFY_CONTROLLER_DATA = 1,
    NVME_IDENTIFY_ACTIVE_NAMESPACES = 2,
};

#define NVME_FEATURE_QUEUE_COUNT 7u

/* 4.2 */
struct nvme_command {
    uint8_t opcode;
    uint8_t flags; /* PRPs, not fused */
    uint16_t identifier;
    uint32_t namespace_id;
    uint32_t reserved[2];
    uint64_t metadata;
    uint64_t prp[2];
    uint32_t dword[6]; /* command dwords 10 to 15 */
};

_Static_assert(sizeof(struct nvme_command) == 64, "4.2");

/* 4.6 */
struct nvme_completion {
    uint32_t result;
    uint32_t reserved;
    uint16_t submission_head;
    uint16_t submission_queue;
    uint16_t identifier;
    uint16_t status; /* bit 0 phase, 1-8 code, 9-11 type */
};

_Static_assert(sizeof(struct nvme_completion) == 16, "4.6");

/* 4.6.1: type and code together, without phase and flags */
#define NVME_STATUS(status)             ((uint16_t)((status) >> 1 & 0x7ff))
#define NVME_STATUS_NAMESPACE_PROTECTED 0x020u
#define NVME_STATUS_ATTEMPTED_READ_ONLY 0x182u /* command specific: write to read only range */

#endif

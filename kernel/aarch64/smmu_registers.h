/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, commands, events and configuration structures of the SMMUv3 (Arm IHI 0070): what the kernel uses of them.
 * Section numbers are of that document.
 */
#ifndef KERNEL_SMMU_REGISTERS_H
#define KERNEL_SMMU_REGISTERS_H

#include <bh/types.h>

/* --- registers (6.3), offsets from the base; the second page is 64 KiB on --- */

#define SMMU_IDR0 0x0
#define SMMU_IDR0_S2P (1u << 0)
#define SMMU_IDR0_S1P (1u << 1)
#define SMMU_IDR0_TTF_AARCH64 (1u << 3) /* bit 1 of TTF: 2 or 3 */
#define SMMU_IDR0_COHACC (1u << 4)
#define SMMU_IDR0_ASID16 (1u << 12)
#define SMMU_IDR0_VMID16 (1u << 18)
#define SMMU_IDR0_TTENDIAN_SHIFT 21
#define SMMU_IDR0_TTENDIAN_BIG 3u

#define SMMU_IDR1 0x4
#define SMMU_IDR1_SIDSIZE_MASK 0x3fu
#define SMMU_IDR1_EVENTQS_SHIFT 16
#define SMMU_IDR1_CMDQS_SHIFT 21
#define SMMU_IDR1_QUEUE_MASK 0x1fu
#define SMMU_IDR1_QUEUES_PRESET (1u << 29)
#define SMMU_IDR1_TABLES_PRESET (1u << 30)

#define SMMU_IDR5 0x14
#define SMMU_IDR5_OAS_MASK 7u
#define SMMU_IDR5_GRAN4K (1u << 4)

#define SMMU_CR0 0x20
#define SMMU_CR0ACK 0x24
#define SMMU_CR0_SMMUEN (1u << 0)
#define SMMU_CR0_EVENTQEN (1u << 2)
#define SMMU_CR0_CMDQEN (1u << 3)

#define SMMU_CR1 0x28
/* Tables and queues: inner shareable, inner and outer write-back. */
#define SMMU_CR1_VALUE (3u << 10 | 1u << 8 | 1u << 6 | 3u << 4 | 1u << 2 | 1u << 0)

#define SMMU_CR2 0x2c
#define SMMU_CR2_PTM (1u << 2) /* its TLBs take no broadcasts: ASIDs of the PE and of the SMMU are apart */

#define SMMU_GBPA 0x44
#define SMMU_GBPA_ABORT (1u << 20)
#define SMMU_GBPA_UPDATE (1u << 31)

#define SMMU_IRQ_CTRL 0x50
#define SMMU_IRQ_CTRLACK 0x54
#define SMMU_IRQ_CTRL_EVENTQ (1u << 2)

#define SMMU_GERROR 0x60
#define SMMU_GERRORN 0x64

#define SMMU_STRTAB_BASE 0x80
#define SMMU_STRTAB_BASE_CFG 0x88 /* LOG2SIZE; FMT 0: linear */
#define SMMU_CMDQ_BASE 0x90
#define SMMU_CMDQ_PROD 0x98
#define SMMU_CMDQ_CONS 0x9c
#define SMMU_EVENTQ_BASE 0xa0
#define SMMU_EVENTQ_PROD 0x100a8
#define SMMU_EVENTQ_CONS 0x100ac
#define SMMU_BASE_ALLOCATE (UINT64_C(1) << 62) /* read- (queue of commands, table) or write-allocate hint */
#define SMMU_EVENTQ_OVERFLOW (1u << 31)

/* --- commands (4.1), two double words --- */

struct smmu_command {
    uint64_t word[2];
};

#define SMMU_CMD_CFGI_STE 0x03u
#define SMMU_CMD_CFGI_ALL 0x04u /* CFGI_STE_RANGE with all of it */
#define SMMU_CMD_CFGI_CD 0x05u
#define SMMU_CMD_TLBI_NH_ASID 0x11u
#define SMMU_CMD_TLBI_NH_VA 0x12u
#define SMMU_CMD_TLBI_S12_VMALL 0x28u
#define SMMU_CMD_TLBI_S2_IPA 0x2au
#define SMMU_CMD_TLBI_NSNH_ALL 0x30u
#define SMMU_CMD_SYNC 0x46u
#define SMMU_CMD_STREAM_SHIFT 32
#define SMMU_CMD_VMID_SHIFT 32
#define SMMU_CMD_ASID_SHIFT 48
#define SMMU_CMD_LEAF UINT64_C(1)

/* --- events (7.2, 7.3), four double words --- */

struct smmu_event {
    uint64_t word[4];
};

#define SMMU_EVENT_TYPE_MASK 0xffu
#define SMMU_EVENT_STREAM_SHIFT 32
#define SMMU_EVENT_ADDRESS 2 /* the double word that holds the input address */

/* --- stream table entry (5.2) --- */

struct smmu_stream_entry {
    uint64_t word[8];
};

#define SMMU_STE_VALID UINT64_C(1)
#define SMMU_STE_ABORT (UINT64_C(0) << 1)
#define SMMU_STE_STAGE1 (UINT64_C(5) << 1)
#define SMMU_STE_STAGE2 (UINT64_C(6) << 1)
#define SMMU_STE_CONTEXT_MASK UINT64_C(0x000fffffffffffc0)
/* Word 1: the context descriptor is read inner shareable and write-back; shareability as the table says. */
#define SMMU_STE_WORD1 (UINT64_C(1) << 44 | UINT64_C(3) << 6 | UINT64_C(1) << 4 | UINT64_C(1) << 2)
/* Word 2 for stage 2: T0SZ, start at level 1, write-back inner shareable walks, 4 KiB, AArch64, record faults. */
#define SMMU_STE_S2_T0SZ(bits) ((uint64_t)(64 - (bits)) << 32)
#define SMMU_STE_S2_WALK (UINT64_C(1) << 38 | UINT64_C(1) << 40 | UINT64_C(1) << 42 | UINT64_C(3) << 44)
#define SMMU_STE_S2_PS(oas) ((uint64_t)(oas) << 48)
#define SMMU_STE_S2_AA64 (UINT64_C(1) << 51)
#define SMMU_STE_S2_AFFD (UINT64_C(1) << 53)
#define SMMU_STE_S2_RECORD (UINT64_C(1) << 58)

/* --- context descriptor (5.4), word 0 --- */

#define SMMU_CD_T0SZ(bits) ((uint64_t)(64 - (bits)) << 0)
#define SMMU_CD_WALK0 (UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12) /* write-back, inner shareable */
#define SMMU_CD_EPD1 (UINT64_C(1) << 30)
#define SMMU_CD_VALID (UINT64_C(1) << 31)
#define SMMU_CD_IPS(oas) ((uint64_t)(oas) << 32)
#define SMMU_CD_AFFD (UINT64_C(1) << 35)
#define SMMU_CD_AA64 (UINT64_C(1) << 41)
#define SMMU_CD_RECORD (UINT64_C(1) << 45)
#define SMMU_CD_ABORT (UINT64_C(1) << 46) /* a fault is told to the device; must be set when IDR0.TERM_MODEL is */
#define SMMU_CD_ASET (UINT64_C(1) << 47)  /* the ASID is not shared with the PE */
#define SMMU_CD_ASID_SHIFT 48

#define SMMU_OAS_48_BITS 5u

_Static_assert(sizeof(struct smmu_command) == 16, "4.1");
_Static_assert(sizeof(struct smmu_event) == 32, "7.2");
_Static_assert(sizeof(struct smmu_stream_entry) == 64, "5.2");

#endif

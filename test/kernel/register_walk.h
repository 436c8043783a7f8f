/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that a guest at EL1, or a native thread, is told to execute one by one: a table of them in memory, each
 * with the value of X0 before and after, and what came of it.
 */
#ifndef TEST_KERNEL_REGISTER_WALK_H
#define TEST_KERNEL_REGISTER_WALK_H

#include "guest.h"

enum step_outcome { STEP_NONE, STEP_WORKED, STEP_UNDEFINED, STEP_TRAPPED };

struct step {
    uint32_t instruction;
    uint32_t outcome; /* enum step_outcome */
    uint64_t value;   /* x0 */
};

#define WALK_STEPS 1024 /* of one table */

/* System registers by the 15 bits that an instruction has for them: op0 (2 or 3), op1, CRn, CRm, op2. */
#define SYSREG(op0, op1, crn, crm, op2) ((uint32_t)(((op0)-2) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))
#define SYSREG_COUNT 0x8000u
#define MRS_X0(sysreg) (UINT32_C(0xd5300000) | (sysreg) << 5)
#define MSR_X0(sysreg) (UINT32_C(0xd5100000) | (sysreg) << 5)

/* A guest that walks: its VMM, a thread of its own, refuses what the kernel hands it. */
struct walker {
    struct guest guest;
    struct thread vmm;
    struct step *table; /* shared with the guest */
    volatile bool done;
};

void walker_prepare(struct walker *walker);
/* The walk from table[0] to table[count - 1], in the guest. */
void walker_run(struct walker *walker, uint32_t count);

/*
 * The same at EL0, on a thread of `flags` (BH_TCB_FP) that starts for it. X19 to X29 and SP are not the table's to
 * change. At each STEP_PAUSE the thread waits while `meanwhile` runs on the case's own.
 */
void native_walk(struct step *table, uint32_t count, uint64_t flags, void (*meanwhile)(void));

#define STEP_NOP UINT32_C(0xd503201f)
#define STEP_PAUSE UINT32_C(0xd4200000) /* BRK #0 */

extern const uint8_t register_walk_image[];
extern const uint64_t register_walk_size, register_walk_entry;

#endif

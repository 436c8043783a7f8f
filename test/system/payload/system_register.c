/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes every system register encoding and executes every system instruction (Arm ARM
 * C5.1.2: op0 1 to 3), but for the few that would only take this program's own ground away.
 */
#include "payload.h"

#define ENCODING(op0, op1, crn, crm, op2) \
    ((op0) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define SYSTEM_INSTRUCTION 0xd5000000u
#define READ               (1u << 21)
#define RETURN             0xd65f03c0u

static uint32_t code[16] __attribute__((aligned(64)));
static uint8_t scratch[4096] __attribute__((aligned(4096)));

/* Runs one instruction whose register is X0. */
static uint64_t execute(uint32_t instruction, uint64_t x0)
{
    *(volatile uint32_t *)&code[0] = instruction;
    *(volatile uint32_t *)&code[1] = RETURN;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
                     :
                     : "r"(code)
                     : "memory");
    register uint64_t value __asm__("x0") = x0;
    __asm__ volatile("blr %1" : "+r"(value) : "r"(code) : "x1", "x30", "memory", "cc");
    return value;
}

static bool spared(uint32_t encoding)
{
    switch (encoding) {
    case ENCODING(3u, 0u, 1u, 0u, 0u):  /* SCTLR_EL1: the MMU */
    case ENCODING(3u, 0u, 12u, 0u, 0u): /* VBAR_EL1 */
    case ENCODING(3u, 0u, 4u, 2u, 0u):  /* SPSel */
    case ENCODING(3u, 3u, 4u, 2u, 1u):  /* DAIF */
    case ENCODING(3u, 0u, 4u, 3u, 0u):  /* ALLINT */
        return true;
    default:
        return false;
    }
}

static void probe(uint32_t encoding)
{
    uint32_t op0 = encoding >> 19;
    if (op0 == 1) {
        (void)execute(SYSTEM_INSTRUCTION | encoding, (uint64_t)scratch);
        (void)execute(SYSTEM_INSTRUCTION | READ | encoding, (uint64_t)scratch);
        return;
    }
    uint64_t value = execute(SYSTEM_INSTRUCTION | READ | encoding, 0);
    if (!spared(encoding)) {
        (void)execute(SYSTEM_INSTRUCTION | encoding, UINT64_MAX);
        (void)execute(SYSTEM_INSTRUCTION | encoding, random_next());
        (void)execute(SYSTEM_INSTRUCTION | encoding, value);
    }
}

int main(void)
{
    put("begin\n");
    for (uint32_t encoding = ENCODING(1u, 0u, 0u, 0u, 0u); encoding < 1u << 21;
         encoding += 1u << 5) {
        if ((encoding & 0x7ffff) == 0) {
            put_line("op0", encoding >> 19);
        }
        probe(encoding);
    }
    put_line("exceptions", exception_count.count);
    put("end\n");
    return 0;
}

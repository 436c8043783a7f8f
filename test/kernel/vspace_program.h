/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that is copied into a second address space. Entries are offsets; x0 argument, x1 endpoint, x2 data page. */
#ifndef TEST_KERNEL_VSPACE_PROGRAM_H
#define TEST_KERNEL_VSPACE_PROGRAM_H

#include <stdint.h>

#define VSPACE_CODE UINT64_C(0x40000000)
#define VSPACE_DATA UINT64_C(0x40010000)

extern const uint8_t vspace_program[];
extern const uint64_t vspace_program_size;

extern const uint64_t vspace_increment; /* data[0]++, sends the result */
extern const uint64_t vspace_read;      /* loads from the argument, sends what it found */
extern const uint64_t vspace_loop;      /* data[1]++ for ever; data[2] counts changes of data[0] */

#endif

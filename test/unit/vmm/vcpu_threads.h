/* SPDX-License-Identifier: BSD-2-Clause */
/* Included before run.c is compiled for the host: the one system call that it makes itself. */
#ifndef TEST_UNIT_VMM_VCPU_THREADS_H
#define TEST_UNIT_VMM_VCPU_THREADS_H

#include <bh/syscall.h>

uint64_t bh_vm_enter(uint64_t *bits);

#endif

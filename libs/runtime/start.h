/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a domain starts. Whoever builds it sets a thread to the ELF entry, `_start`, with a valid
 * stack pointer, all other registers 0, and in x0
 *
 * - 0 for a domain that root builds: its domain page is at BH_DOMAIN_PAGE, sp is
 *   BH_DOMAIN_STACK_TOP;
 * - BH_ROOT_BOOT_INFO for root, which the kernel starts: it has no domain page, no heap (see
 *   bh_heap_set) and therefore no thread-local variables.
 *
 * and in x1 the number of the thread, 0 for the first. Another thread of a domain (VMMs have one for
 * each vCPU) starts likewise, on a stack of its own, and calls bh_thread_main; see runtime.h.
 *
 * Start-up sets up the thread pointer and musl, runs constructors and calls `int main(void)`. When
 * main returns, or calls exit, the domain logs the status and ends with a fault: a service is not
 * meant to.
 */
#ifndef LIBS_RUNTIME_START_H
#define LIBS_RUNTIME_START_H

#include <stdint.h>

#include <bh/boot_info.h>

/* Called by _start with x0. */
void bh_start(uint64_t boot_info) __attribute__((noreturn));

/* Called by _start with x1, if that is not 0. */
void bh_thread_start(uint64_t number) __attribute__((noreturn));

/* Root's boot information; NULL in all other domains. */
const struct bh_boot_info *bh_boot_info(void);

#endif

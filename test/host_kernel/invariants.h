/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of the kernel's structures between two entries, whatever was asked of it; found from the structures
 * alone. Everything is reached from the slots that exist at start-up, over the list of capabilities and the objects.
 */
#ifndef TEST_HOST_KERNEL_INVARIANTS_H
#define TEST_HOST_KERNEL_INVARIANTS_H

/* NULL, or what does not hold. */
const char *invariants_broken(void);

/* Deletes every capability. NULL, or what is left afterwards and should not be. */
const char *delete_everything(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error codes of system calls. A failed operation has changed nothing. For invocations the second result register
 * names the argument at fault: 0 is the invoked capability, 1 the first argument after it, and so on.
 */
#ifndef BH_ERROR_H
#define BH_ERROR_H

enum bh_error {
    BH_OK = 0,
    BH_ERROR_INVALID_CAPABILITY = 1, /* the slot is empty, out of range, or holds a capability of another type */
    BH_ERROR_INVALID_ARGUMENT = 2,   /* a value that the operation never accepts */
    BH_ERROR_ILLEGAL_OPERATION = 3,  /* no such operation on this object, or not in its present state */
    BH_ERROR_RANGE = 4,              /* an index or address outside the object */
    BH_ERROR_ALIGNMENT = 5,          /* an address that is not aligned to the size of the object */
    BH_ERROR_RIGHTS = 6,             /* the capability lacks a right that the operation needs */
    BH_ERROR_NOT_EMPTY = 7,          /* the destination slot, or the mapping, is occupied: delete first */
    BH_ERROR_NO_MEMORY = 8,          /* the Untyped is too small for the request */
    BH_ERROR_NO_TABLE = 9,           /* a page table is missing on the way to the address; result 0 is its level */
    BH_ERROR_BUSY = 10,              /* the resource is bound to something else */
    BH_ERROR_NO_TAG = 11,            /* all address-space identifiers, or LPIs, of the machine are in use */
    BH_ERROR_WOULD_BLOCK = 12,       /* a non-blocking operation found no partner */
    BH_ERROR_CANCELLED = 13,         /* the object waited upon, or the call's reply object, went away */
    BH_ERROR_NO_SYSCALL = 14,        /* no such system call */
    BH_ERROR_UNSUPPORTED = 15,       /* the machine lacks what this needs (an SMMU, an ITS) */
    BH_ERROR_CORE = 16,              /* the object belongs to another core: its threads are there */
    BH_ERROR_COUNT
};

#endif

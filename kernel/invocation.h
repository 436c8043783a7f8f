/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An invocation: an operation on the object that a capability names (BH_SYS_INVOKE). A handler first checks everything
 * and returns an error, having set `argument` where one is at fault; past its last check it cannot fail.
 */
#ifndef KERNEL_INVOCATION_H
#define KERNEL_INVOCATION_H

#include "tcb.h"

struct invocation {
    struct tcb *caller;
    struct slot *slot; /* of the invoked capability */
    struct cap cap;
    enum bh_operation operation;
    uint64_t word[8];    /* arguments 1 to 8 */
    uint64_t argument;   /* out: the argument at fault */
    uint64_t result[4];  /* out */
    enum bh_error error; /* the last that was found */
};

static inline enum bh_error invocation_fail(struct invocation *invocation, uint64_t argument, enum bh_error error)
{
    invocation->argument = argument;
    invocation->error = error;
    return error;
}

/* A condition in a list of them: false, and then `argument` (0: none) is at fault with `error`. */
static inline bool invocation_requires(struct invocation *invocation, uint64_t argument, enum bh_error error,
                                       bool condition)
{
    if (!condition) {
        (void)invocation_fail(invocation, argument, error);
    }
    return condition;
}

/* All operations but those that invoke_local in invocation.c knows. */
enum bh_error invoke_object(struct all_cores *all, struct invocation *invocation);

/* Of objects that have no header of their own. */
enum bh_error untyped_invoke(struct all_cores *all, struct invocation *invocation);
enum bh_error io_control_invoke(struct all_cores *all, struct invocation *invocation);
enum bh_error io_space_invoke(struct all_cores *all, struct invocation *invocation);

/* The system call. The own lock is held. */
void syscall_invoke(struct core *core, struct tcb *tcb);

/* The capability that argument `n` (1 to 8) names, if it has `type` and `rights`; sets `argument` on error. */
enum bh_error invocation_cap(struct invocation *invocation, uint64_t n, enum bh_type type, uint64_t rights,
                             struct slot **slot);

/* The same, and a copy of it with all of its rights for a slot of the kernel's. */
enum bh_error invocation_copy(struct invocation *invocation, uint64_t n, enum bh_type type, uint64_t rights,
                              struct slot **slot, struct cap *copy);

#endif

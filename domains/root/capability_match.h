/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares the capabilities that a domain holds with those that it must hold. Pure: lists in,
 * differences out.
 */
#ifndef ROOT_CAPABILITY_MATCH_H
#define ROOT_CAPABILITY_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#define CAPABILITY_WHAT_MAX 80u

struct capability {
    uint64_t type; /* enum bh_type */
    uint64_t rights;
    uint64_t value;  /* badge, or number of an interrupt; of an expected one, 0 if `any_bit` */
    uint64_t object; /* physical address; 0 for interrupts */
};

struct capability_expected {
    struct capability capability;
    bool any_bit; /* the value is one bit from BH_SIGNAL_RESOURCE_SHIFT on: which one is a matter of
                     order */
    bool found;
    char what[CAPABILITY_WHAT_MAX];
};

/* The first expected capability not yet found that `held` is, now found; or NULL: nothing explains
 * it. */
const struct capability_expected *capability_explain(const struct capability *held,
                                                     struct capability_expected *expected,
                                                     uint32_t count);

/* "untyped", "notification" and so on. */
const char *capability_type_name(uint64_t type);

/* Four characters and a NUL: r w g c, or - for each right that is missing. */
void capability_rights_text(uint64_t rights, char text[5]);

#endif

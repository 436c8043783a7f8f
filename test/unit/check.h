/* SPDX-License-Identifier: BSD-2-Clause */
/* What every host test is written with: a failed CHECK says where and aborts. */
#ifndef TEST_UNIT_CHECK_H
#define TEST_UNIT_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition);  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define CHECK_EQUAL(left, right)                                                                   \
    do {                                                                                           \
        unsigned long long left_ = (unsigned long long)(left);                                     \
        unsigned long long right_ = (unsigned long long)(right);                                   \
        if (left_ != right_) {                                                                     \
            fprintf(stderr, "%s:%d: %s: %s is %#llx, %s is %#llx\n", __FILE__, __LINE__, __func__, \
                    #left, left_, #right, right_);                                                 \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif

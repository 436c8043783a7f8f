/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/tree.h"

#include <libfdt.h>

bool tree_valid(const void *tree, size_t size)
{
    /* libfdt leaves alignment to its callers (Devicetree Specification 5.1: 8 and 4 bytes). */
    return size >= sizeof(struct fdt_header) && fdt_off_mem_rsvmap(tree) % 8 == 0 &&
           fdt_off_dt_struct(tree) % 4 == 0 && fdt_check_full(tree, size) == 0;
}

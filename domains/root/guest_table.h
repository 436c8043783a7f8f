/* SPDX-License-Identifier: BSD-2-Clause */
/* The guests region (ipc/root.h), which root writes and others read. */
#ifndef ROOT_GUEST_TABLE_H
#define ROOT_GUEST_TABLE_H

#include "domains/root/space.h"
#include "ipc/root.h"

/* Makes the region. False: no memory. */
bool guest_table_init(void);

struct region *guest_table_region(void);

/* Writes one entry, and the memory figures. */
void guest_table_write(uint32_t index, const struct bh_guest_info *info);

/* Writes the memory figures alone. */
void guest_table_refresh(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 (Arm IHI 0070). Streams of bus 0 have an entry in a linear table; one that no IOSpace is bound to aborts.
 * An IOSpace is a stage-1 translation with its own context descriptor and ASID (struct space); an SMMU that offers
 * stage 2 alone gets the same tables as stage 2.
 */
#ifndef KERNEL_SMMU_H
#define KERNEL_SMMU_H

#include "space.h"

#define SMMU_STREAMS 256
#define SMMU_FAULTS_RECORDED 4096 /* of a stream since it was bound; further ones are stopped but not counted */

/* Takes over the SMMU at `base` (its registers are in the direct map). */
void smmu_init(paddr_t base);
bool smmu_present(void);

/* Whether IOSpaces hold stage-2 descriptors: the SMMU has no stage 1. */
bool smmu_is_stage2(void);

/* BH_OK, RANGE (no such stream), BUSY (the stream has a space) or NO_TAG (the SMMU's identifiers are shorter than the
 * space's). `space` is an IOSpace that is not bound. */
enum bh_error smmu_bind(struct space *space, uint64_t stream);
void smmu_unbind(struct space *space);

/* Nothing of what was removed is used any more when these return. */
void smmu_invalidate_asid(uint32_t asid);
void smmu_invalidate_address(uint32_t asid, vaddr_t address);

/* Books the faults in the event queue to their IOSpaces. Called on the event interrupt and before a fault is read. */
void smmu_handle_events(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/placement.h"

#include <bh/syscall.h>

#include "domains/root/root.h"

/* How many vCPUs of guests each core has. */
static void count_vcpus(uint32_t load[BH_CORES_MAX])
{
    for (uint32_t i = 0; i < BH_CORES_MAX; i++) {
        load[i] = 0;
    }
    for (uint32_t i = 1 + DOMAINS_DESCRIBED; i < DOMAINS_MAX; i++) {
        const struct domain *vmm = domain_get(i);
        for (uint32_t j = 0; vmm != NULL && j < vmm->thread_count; j++) {
            load[vmm->thread[j].core]++;
        }
    }
}

/* Core 0, which has the services, only when all others have more. */
static uint32_t least_loaded(const uint32_t load[BH_CORES_MAX], uint32_t core_count)
{
    uint32_t best = 0;
    for (uint32_t i = core_count; i-- > 1;) {
        if (load[i] <= load[best]) {
            best = i;
        }
    }
    return best;
}

const char *placement_choose(const struct guest_settings *settings, uint32_t count,
                             uint32_t core[DOMAIN_THREADS_MAX])
{
    uint32_t load[BH_CORES_MAX];
    count_vcpus(load);
    for (uint32_t i = 0; i < count; i++) {
        core[i] = settings->core_count != 0 ? settings->core[i % settings->core_count]
                                            : least_loaded(load, root.boot->core_count);
        if (core[i] >= root.boot->core_count) {
            return "one of its cores is not there";
        }
        load[core[i]]++;
    }
    return NULL;
}

bool thread_place(bh_cptr tcb, uint32_t core)
{
    return root.boot->core_count == 1 || bh_tcb_set_affinity(tcb, core).error == BH_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/capabilities.h"

#include <bh/syscall.h>

#include "domains/root/log.h"
#include "domains/root/root.h"
#include "libs/runtime/argument.h"

static struct capability_expected expected[EXPECTED_MAX];

struct capability capability_read(bh_cptr cnode, uint64_t slot)
{
    struct bh_result result = bh_cnode_inspect(cnode, slot);
    if (result.error != BH_OK) {
        return (struct capability){.type = BH_TYPE_NULL};
    }
    struct capability capability = {.type = result.value[0],
                                    .rights = result.value[1],
                                    .value = result.value[2],
                                    .object = result.value[3]};
    if (capability.type == BH_TYPE_IRQ_HANDLER) {
        capability.object = 0;
    }
    return capability;
}

static void print(const struct domain *domain, uint32_t slot, const struct capability *held,
                  const char *what)
{
    char rights[5];
    capability_rights_text(held->rights, rights);
    log_plain("cap %s %u %s %s 0x%llx %s", domain->name, slot, capability_type_name(held->type),
              rights, (unsigned long long)held->value, what);
}

/* Checks one domain; returns how many capabilities it holds. */
static uint32_t check(const struct domain *domain, bool printing, uint32_t *differences)
{
    uint32_t count = 0;
    uint32_t expected_count = capabilities_expected(domain, expected);
    for (uint32_t slot = 0; slot < domain->slots.count; slot++) {
        struct capability held = capability_read(domain->cnode, slot);
        if (held.type == BH_TYPE_NULL) {
            continue;
        }
        count++;
        const struct capability_expected *reason =
            capability_explain(&held, expected, expected_count);
        if (printing) {
            print(domain, slot, &held, reason == NULL ? "unexpected" : reason->what);
        }
        if (reason == NULL) {
            (*differences)++;
            log_event("capability difference: %s holds an unexpected %s in slot %u", domain->name,
                      capability_type_name(held.type), slot);
        }
    }
    for (uint32_t i = 0; i < expected_count; i++) {
        if (!expected[i].found) {
            (*differences)++;
            log_event("capability difference: %s lacks %s (%s)", domain->name, expected[i].what,
                      capability_type_name(expected[i].capability.type));
        }
    }
    return count;
}

void capabilities_check(void)
{
    bool printing = argument_find(root.description.root_arguments, "print-capabilities", NULL, 0);
    uint32_t count = 0;
    uint32_t differences = 0;
    for (uint32_t i = 1; i < DOMAINS_MAX; i++) {
        const struct domain *domain = domain_get(i);
        if (domain_is_whole(domain)) {
            count += check(domain, printing, &differences);
        }
    }
    log_event("capability distribution: %u capabilities, %u differences", count, differences);
}

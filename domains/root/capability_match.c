/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/capability_match.h"

#include <bh/object.h>
#include <stddef.h>

#include "ipc/domain.h"

static bool value_matches(const struct capability *held, const struct capability_expected *expected)
{
    if (!expected->any_bit) {
        return held->value == expected->capability.value;
    }
    return held->value >> BH_SIGNAL_RESOURCE_SHIFT != 0 && (held->value & (held->value - 1)) == 0;
}

const struct capability_expected *capability_explain(const struct capability *held,
                                                     struct capability_expected *expected,
                                                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct capability_expected *candidate = &expected[i];
        if (!candidate->found && held->type == candidate->capability.type &&
            held->rights == candidate->capability.rights &&
            held->object == candidate->capability.object && value_matches(held, candidate)) {
            candidate->found = true;
            return candidate;
        }
    }
    return NULL;
}

const char *capability_type_name(uint64_t type)
{
    static const char *const names[BH_TYPE_COUNT] = {
        [BH_TYPE_NULL] = "null",
        [BH_TYPE_UNTYPED] = "untyped",
        [BH_TYPE_DEVICE_UNTYPED] = "device-untyped",
        [BH_TYPE_CNODE] = "cnode",
        [BH_TYPE_TCB] = "tcb",
        [BH_TYPE_ENDPOINT] = "endpoint",
        [BH_TYPE_REPLY] = "reply",
        [BH_TYPE_NOTIFICATION] = "notification",
        [BH_TYPE_SCHED_CONTEXT] = "sched-context",
        [BH_TYPE_FRAME] = "frame",
        [BH_TYPE_PAGE_TABLE] = "page-table",
        [BH_TYPE_VSPACE] = "vspace",
        [BH_TYPE_GUEST_SPACE] = "guest-space",
        [BH_TYPE_IO_SPACE] = "io-space",
        [BH_TYPE_VCPU] = "vcpu",
        [BH_TYPE_IRQ_CONTROL] = "irq-control",
        [BH_TYPE_IRQ_HANDLER] = "irq",
        [BH_TYPE_SCHED_CONTROL] = "sched-control",
        [BH_TYPE_IO_CONTROL] = "io-control",
        [BH_TYPE_MACHINE] = "machine",
    };
    return type < BH_TYPE_COUNT ? names[type] : "unknown";
}

void capability_rights_text(uint64_t rights, char text[5])
{
    static const char letters[] = "rwgc";
    for (unsigned i = 0; i < 4; i++) {
        text[i] = '-';
        if ((rights >> i & 1) != 0) {
            text[i] = letters[i];
        }
    }
    text[4] = 0;
}

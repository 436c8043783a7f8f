/* SPDX-License-Identifier: BSD-2-Clause */
/* Which held capability is explained by which expected one. */
#include <bh/object.h>
#include <string.h>

#include "domains/root/capability_match.h"
#include "test/unit/check.h"

int main(void)
{
    struct capability_expected expected[] = {
        {.capability = {BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL, 3, 0x1000}},
        {.capability = {BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, 0, 0x2000}, .any_bit = true},
        {.capability = {BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, 0, 0x2000}, .any_bit = true},
    };
    struct capability held = expected[0].capability;
    struct capability other;

    other = held;
    other.value = 4; /* another badge */
    CHECK(capability_explain(&other, expected, 3) == NULL);
    other = held;
    other.rights |= BH_RIGHT_GRANT; /* more rights */
    CHECK(capability_explain(&other, expected, 3) == NULL);
    other = held;
    other.rights = BH_RIGHT_WRITE; /* fewer */
    CHECK(capability_explain(&other, expected, 3) == NULL);
    other = held;
    other.object = 0x3000; /* another object */
    CHECK(capability_explain(&other, expected, 3) == NULL);
    CHECK(capability_explain(&held, expected, 3) == &expected[0]);
    CHECK(capability_explain(&held, expected, 3) == NULL); /* each explains one */

    held = (struct capability){BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, 1, 0x2000};
    CHECK(capability_explain(&held, expected, 3) == NULL); /* a reserved bit */
    held.value = 0x300;
    CHECK(capability_explain(&held, expected, 3) == NULL); /* two bits */
    held.value = 0x100;
    CHECK(capability_explain(&held, expected, 3) == &expected[1]);
    held.value = UINT64_C(1) << 63;
    CHECK(capability_explain(&held, expected, 3) == &expected[2]);
    CHECK(capability_explain(&held, expected, 3) == NULL);

    char rights[5];
    capability_rights_text(BH_RIGHT_READ | BH_RIGHT_GRANT, rights);
    CHECK(strcmp(rights, "r-g-") == 0);
    for (uint64_t type = 0; type < BH_TYPE_COUNT; type++) {
        CHECK(capability_type_name(type) != NULL);
    }
    CHECK(strcmp(capability_type_name(BH_TYPE_COUNT), "unknown") == 0);
    return 0;
}

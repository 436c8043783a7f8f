/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of volumes, as an honest and as a hostile server writes it. */
#include <string.h>

#include "domains/root/volumes.h"
#include "test/unit/check.h"

int main(void)
{
    struct bh_volume_table *table = calloc(1, sizeof(*table));
    struct bh_volume volume;
    CHECK(table != NULL);
    CHECK(!volume_find("a", &volume));
    volumes_set(table);
    CHECK(!volume_find("a", &volume));

    table->volume_count = 2;
    table->volume[0] = (struct bh_volume){.name = "a", .sectors = 10};
    table->volume[1] = (struct bh_volume){.name = "b", .sectors = 20, .read_only = 1};
    CHECK(volume_find("b", &volume) && volume.sectors == 20 && volume.read_only == 1);
    CHECK(!volume_find("c", &volume));
    CHECK(!volume_find("", &volume)); /* an empty entry is no volume */

    table->version = 1; /* being written, for ever */
    CHECK(!volume_find("b", &volume));
    table->version = 2;
    table->volume_count = UINT32_MAX; /* only what fits is looked at */
    CHECK(volume_find("b", &volume));
    CHECK(!volume_find("c", &volume));
    memset(table->volume[1].name, 'x', sizeof(table->volume[1].name)); /* no NUL */
    CHECK(!volume_find("b", &volume));
    CHECK(volume_find("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &volume));
    free(table);
    return 0;
}

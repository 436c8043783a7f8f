/* SPDX-License-Identifier: BSD-2-Clause */
/* Which guests may be: configurations, quotas, and volumes that two want at once. */
#include <string.h>

#include "domains/root/guest_config.h"
#include "test/unit/check.h"

static struct bh_guest_config good(void)
{
    struct bh_guest_config config = {.name = "web-1",
                                     .memory = UINT64_C(64) << 20,
                                     .vcpu_count = 1,
                                     .kernel_volume = "kernel",
                                     .initrd_volume = "initrd",
                                     .command_line = "console=ttyAMA0",
                                     .disk_count = 2,
                                     .net_count = 1};
    strcpy(config.disk[0].volume, "guest-1");
    strcpy(config.disk[1].volume, "shared");
    config.disk[1].read_only = 1;
    strcpy(config.net[0].network, "lan");
    return config;
}

#define REFUSED(change)                             \
    do {                                            \
        struct bh_guest_config config = good();     \
        change;                                     \
        CHECK(guest_config_check(&config) != NULL); \
    } while (0)

static void checks_configurations(void)
{
    struct bh_guest_config config = good();
    CHECK(guest_config_check(&config) == NULL);
    config.initrd_volume[0] = 0;
    CHECK(guest_config_check(&config) == NULL);

    REFUSED(config.name[0] = 0);
    REFUSED(strcpy(config.name, "Web"));
    REFUSED(strcpy(config.name, "-web"));
    REFUSED(strcpy(config.name, "web-"));
    REFUSED(strcpy(config.name, "a b"));
    REFUSED(strcpy(config.name, "root"));
    REFUSED(memset(config.name, 'a', sizeof(config.name)));
    REFUSED(config.memory += 4096);
    REFUSED(config.memory = 0);
    REFUSED(config.memory = UINT64_C(14) << 20);
    REFUSED(config.memory = UINT64_C(1) << 62);
    REFUSED(config.vcpu_count = 0);
    REFUSED(config.vcpu_count = BH_GUEST_VCPUS_MAX + 1);
    REFUSED(config.autostart = 7);
    REFUSED(config.kernel_volume[0] = 0);
    REFUSED(strcpy(config.kernel_volume, "ker\nnel"));
    REFUSED(memset(config.initrd_volume, 'x', sizeof(config.initrd_volume)));
    REFUSED(config.initrd_size = UINT64_C(65) << 20);
    REFUSED(memset(config.command_line, 'x', sizeof(config.command_line)));
    REFUSED(strcpy(config.command_line, "a\x1b[2Jb"));
    REFUSED(config.disk_count = BH_GUEST_DISKS_MAX + 1);
    REFUSED(config.disk_count = UINT32_MAX);
    REFUSED(config.disk_count = 3); /* the third has no name */
    REFUSED(config.disk[0].read_only = 2);
    REFUSED(config.net_count = BH_GUEST_NETS_MAX + 1);
    REFUSED(memset(config.net[0].network, 'n', sizeof(config.net[0].network)));
    REFUSED(config.net[0].mac[0] = 1);
}

static struct description description = {
    .volume_count = 2,
    .volume = {{.name = "shared", .present = true, .partition = "common", .read_only = true},
               {.name = "kernel", .present = true, .partition = "linux"}},
    .quota = {.guests = 2,
              .memory = UINT64_C(128) << 20,
              .guest_memory = UINT64_C(64) << 20,
              .guest_vcpus = 2,
              .volumes = {1, {"guest-*"}},
              .read_only_volumes = {3, {"linux", "initrd", "common"}},
              .networks = {1, {"lan"}}},
};

static bool allowed(const struct bh_guest_config *config, uint32_t guests, uint64_t memory)
{
    struct quota_use use = {guests, memory << 20};
    return guest_quota_check(&description, &use, config) == NULL;
}

static void checks_quotas(void)
{
    struct bh_guest_config config = good();
    CHECK(allowed(&config, 0, 0));
    CHECK(allowed(&config, 1, 64));
    CHECK(!allowed(&config, 2, 64));
    CHECK(!allowed(&config, 1, 66));
    CHECK(!allowed(&config, 1, 1000)); /* more in use than the quota: no wrap-around */
    config.memory = UINT64_C(66) << 20;
    CHECK(!allowed(&config, 0, 0));
    config = good();
    config.vcpu_count = 2;
    CHECK(allowed(&config, 0, 0));
    config.vcpu_count = 3;
    CHECK(!allowed(&config, 0, 0));

    config = good();
    strcpy(config.disk[0].volume, "other");
    CHECK(!allowed(&config, 0, 0));
    strcpy(config.disk[0].volume, "initrd"); /* for reading only */
    CHECK(!allowed(&config, 0, 0));
    config.disk[0].read_only = 1;
    CHECK(allowed(&config, 0, 0));
    strcpy(config.disk[0].volume, "guest-");
    CHECK(allowed(&config, 0, 0));
    strcpy(config.disk[0].volume, "linux"); /* the partition, by its own name */
    CHECK(allowed(&config, 0, 0));
    strcpy(config.net[0].network, "dmz");
    CHECK(!allowed(&config, 0, 0));
}

static void resolves_volumes(void)
{
    bool read_only = false;
    CHECK(strcmp(volume_resolve(&description, "kernel", &read_only), "linux") == 0 && !read_only);
    CHECK(strcmp(volume_resolve(&description, "x", &read_only), "x") == 0 && !read_only);
    CHECK(strcmp(volume_resolve(&description, "shared", &read_only), "common") == 0 && read_only);
    read_only = false;
    /* No way around the protection by the partition's own name. */
    CHECK(strcmp(volume_resolve(&description, "common", &read_only), "common") == 0 && read_only);

    struct bh_guest_config config = good();
    struct volume_use use[BH_GUEST_DISKS_MAX + 2];
    config.disk[1].read_only = 0; /* the alias says so */
    CHECK_EQUAL(guest_volumes(&description, &config, use), 4);
    CHECK(use[0].read_only && strcmp(use[0].name, "linux") == 0);
    CHECK(use[1].read_only);
    CHECK(!use[2].read_only && strcmp(use[2].name, "guest-1") == 0);
    CHECK(use[3].read_only && strcmp(use[3].name, "common") == 0);
    CHECK(!guest_volumes_conflict(use, 4));
    strcpy(config.disk[0].volume, "linux");
    CHECK_EQUAL(guest_volumes(&description, &config, use), 4);
    CHECK(guest_volumes_conflict(use, 4)); /* writes its kernel */

    struct volume_use reading = {"a", true};
    struct volume_use writing = {"a", false};
    struct volume_use other = {"b", false};
    CHECK(!volume_uses_conflict(&reading, &reading));
    CHECK(volume_uses_conflict(&reading, &writing));
    CHECK(volume_uses_conflict(&writing, &reading));
    CHECK(volume_uses_conflict(&writing, &writing));
    CHECK(!volume_uses_conflict(&writing, &other));
}

int main(void)
{
    checks_configurations();
    checks_quotas();
    resolves_volumes();
    return 0;
}

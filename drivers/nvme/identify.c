/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/nvme/identify.h"

#include <string.h>

#include "drivers/block_device.h"
#include "drivers/nvme/registers.h"

/* Offsets in Identify Controller (figure 247) and Identify Namespace (figure 245) */
#define CONTROLLER_MODEL      24
#define CONTROLLER_MODEL_SIZE 40
#define CONTROLLER_MDTS       77
#define NAMESPACE_SIZE        0
#define NAMESPACE_FORMATS     25
#define NAMESPACE_FORMAT      26
#define NAMESPACE_ATTRIBUTES  99
#define NAMESPACE_FORMAT_LIST 128

static uint32_t read32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

void nvme_read_controller(const uint8_t *page, struct nvme_controller_data *data)
{
    size_t length = 0;
    for (size_t i = 0; i < CONTROLLER_MODEL_SIZE; i++) {
        uint8_t c = page[CONTROLLER_MODEL + i];
        data->model[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
        if (c != ' ' && c != 0) {
            length = i + 1;
        }
    }
    data->model[length] = 0;
    uint8_t mdts = page[CONTROLLER_MDTS]; /* a power of two, in pages; 0: no limit */
    data->transfer_max = BLOCK_TRANSFER_MAX;
    if (mdts != 0 && mdts < 32 && ((uint64_t)NVME_PAGE << mdts) < BLOCK_TRANSFER_MAX) {
        data->transfer_max = NVME_PAGE << mdts;
    }
}

uint32_t nvme_read_namespace_list(const uint8_t *page)
{
    return read32(page);
}

const char *nvme_read_namespace(const uint8_t *page, struct nvme_namespace_data *data)
{
    uint32_t format = page[NAMESPACE_FORMAT] & 0xf;
    if (format > page[NAMESPACE_FORMATS]) {
        return "the namespace's format is not in its list of formats";
    }
    uint32_t entry = read32(page + NAMESPACE_FORMAT_LIST + format * 4);
    if ((entry & 0xffff) != 0) {
        return "the namespace is formatted with metadata, which is not supported";
    }
    if ((entry >> 16 & 0xff) != 9) {
        return "the namespace's logical blocks do not have 512 bytes, which is not supported";
    }
    memcpy(&data->blocks, page + NAMESPACE_SIZE, sizeof data->blocks);
    data->read_only = (page[NAMESPACE_ATTRIBUTES] & 1) != 0;
    return NULL;
}

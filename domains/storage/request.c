/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/request.h"

static enum bh_block_status check_transfer(const struct bh_block_request *request, uint64_t sectors,
                                           uint64_t data_size)
{
    uint32_t length = request->length;
    uint64_t offset = request->offset;
    if (length == 0 || length % BH_BLOCK_SECTOR != 0 || length > BH_BLOCK_LENGTH_MAX ||
        offset % BH_BLOCK_SECTOR != 0 || offset > data_size || length > data_size - offset) {
        return BH_BLOCK_BAD_REQUEST;
    }
    if (request->sector > sectors || length / BH_BLOCK_SECTOR > sectors - request->sector) {
        return BH_BLOCK_RANGE;
    }
    return BH_BLOCK_OK;
}

enum bh_block_status request_check(const struct bh_block_request *request, uint64_t sectors,
                                   bool read_only, uint64_t data_size)
{
    switch (request->operation) {
    case BH_BLOCK_READ:
        return check_transfer(request, sectors, data_size);
    case BH_BLOCK_WRITE: {
        enum bh_block_status status = check_transfer(request, sectors, data_size);
        return status == BH_BLOCK_OK && read_only ? BH_BLOCK_READ_ONLY : status;
    }
    case BH_BLOCK_FLUSH:
        return request->length == 0 && request->sector == 0 && request->offset == 0
                   ? BH_BLOCK_OK
                   : BH_BLOCK_BAD_REQUEST;
    default:
        return BH_BLOCK_BAD_REQUEST;
    }
}

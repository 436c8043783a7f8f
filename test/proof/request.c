/* SPDX-License-Identifier: BSD-2-Clause */
/* Which block requests the storage domain carries out, for all requests and all volumes. */
#include "domains/storage/request.c"

#define UNWIND 1

/* An accepted transfer lies in the client's data and in the volume, in whole sectors; nothing is written to a volume
 * that may only be read; a flush names no memory. */
void prove_request_check(void)
{
    struct bh_block_request request = {.id = ANY(uint64_t), .operation = ANY(uint32_t), .length = ANY(uint32_t),
                                       .sector = ANY(uint64_t), .offset = ANY(uint64_t)};
    uint64_t sectors = any_within(0, UINT64_MAX / BH_BLOCK_SECTOR), data_size = ANY(uint64_t);
    bool read_only = any_bool();
    if (request_check(&request, sectors, read_only, data_size) != BH_BLOCK_OK) {
        REACHED("a request that is refused");
        return;
    }
    if (request.operation == BH_BLOCK_FLUSH) {
        REACHED("a flush");
        PROVE(request.length == 0 && request.offset == 0);
        return;
    }
    REACHED("a transfer");
    PROVE(request.operation == BH_BLOCK_READ || (request.operation == BH_BLOCK_WRITE && !read_only));
    PROVE(request.length % BH_BLOCK_SECTOR == 0 && request.length != 0 && request.length <= BH_BLOCK_LENGTH_MAX);
    PROVE(request.offset <= data_size && request.length <= data_size - request.offset);
    PROVE(request.sector <= sectors && request.length <= (sectors - request.sector) * BH_BLOCK_SECTOR);
}

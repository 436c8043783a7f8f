/* SPDX-License-Identifier: BSD-2-Clause */
/* Which requests may be carried out. */
#include "domains/storage/request.h"
#include "test/unit/check.h"

#define SECTORS   1000u
#define DATA_SIZE (4096u * 16)

static enum bh_block_status check(uint32_t operation, uint32_t length, uint64_t sector,
                                  uint64_t offset)
{
    struct bh_block_request request = {
        .operation = operation, .length = length, .sector = sector, .offset = offset};
    return request_check(&request, SECTORS, false, DATA_SIZE);
}

static void test_transfers(void)
{
    for (uint32_t operation = BH_BLOCK_READ; operation <= BH_BLOCK_WRITE; operation++) {
        CHECK_EQUAL(check(operation, 512, 0, 0), BH_BLOCK_OK);
        CHECK_EQUAL(check(operation, 512, 999, DATA_SIZE - 512), BH_BLOCK_OK);
        CHECK_EQUAL(check(operation, DATA_SIZE, 1000 - 128, 0), BH_BLOCK_OK);
        CHECK_EQUAL(check(operation, 0, 0, 0), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 511, 0, 0), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 513, 0, 0), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 512, 0, 1), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 512, 0, 256), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 512, 0, DATA_SIZE), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 1024, 0, DATA_SIZE - 512), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 512, 0, UINT64_MAX - 511), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 0xfffffe00, 0, 512), BH_BLOCK_BAD_REQUEST);
        CHECK_EQUAL(check(operation, 512, 1000, 0), BH_BLOCK_RANGE);
        CHECK_EQUAL(check(operation, 1024, 999, 0), BH_BLOCK_RANGE);
        CHECK_EQUAL(check(operation, 512, UINT64_MAX, 0), BH_BLOCK_RANGE);
        CHECK_EQUAL(check(operation, 1024, UINT64_MAX - 1, 0), BH_BLOCK_RANGE);
    }
    struct bh_block_request largest = {.operation = BH_BLOCK_READ, .length = BH_BLOCK_LENGTH_MAX};
    CHECK_EQUAL(request_check(&largest, 1 << 20, false, UINT64_C(1) << 30), BH_BLOCK_OK);
    largest.length += 512;
    CHECK_EQUAL(request_check(&largest, 1 << 20, false, UINT64_C(1) << 30), BH_BLOCK_BAD_REQUEST);
}

static void test_flush_and_unknown(void)
{
    CHECK_EQUAL(check(BH_BLOCK_FLUSH, 0, 0, 0), BH_BLOCK_OK);
    CHECK_EQUAL(check(BH_BLOCK_FLUSH, 512, 0, 0), BH_BLOCK_BAD_REQUEST);
    CHECK_EQUAL(check(BH_BLOCK_FLUSH, 0, 1, 0), BH_BLOCK_BAD_REQUEST);
    CHECK_EQUAL(check(BH_BLOCK_FLUSH, 0, 0, 512), BH_BLOCK_BAD_REQUEST);
    CHECK_EQUAL(check(0, 512, 0, 0), BH_BLOCK_BAD_REQUEST);
    CHECK_EQUAL(check(4, 512, 0, 0), BH_BLOCK_BAD_REQUEST);
    CHECK_EQUAL(check(UINT32_MAX, 512, 0, 0), BH_BLOCK_BAD_REQUEST);
}

static void test_read_only(void)
{
    struct bh_block_request request = {.operation = BH_BLOCK_WRITE, .length = 512};
    CHECK_EQUAL(request_check(&request, SECTORS, true, DATA_SIZE), BH_BLOCK_READ_ONLY);
    request.operation = BH_BLOCK_READ;
    CHECK_EQUAL(request_check(&request, SECTORS, true, DATA_SIZE), BH_BLOCK_OK);
    request = (struct bh_block_request){.operation = BH_BLOCK_FLUSH};
    CHECK_EQUAL(request_check(&request, SECTORS, true, DATA_SIZE), BH_BLOCK_OK);
}

int main(void)
{
    test_transfers();
    test_flush_and_unknown();
    test_read_only();
    return 0;
}

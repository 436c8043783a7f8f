/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a disk request once it is understood: its pieces on the channel, their answers,
 * and its own. */
#ifndef DOMAINS_VMM_VIRTIO_BLK_TRANSFER_H
#define DOMAINS_VMM_VIRTIO_BLK_TRANSFER_H

#include "domains/vmm/virtio_blk.h"
#include "ipc/statistics.h"

#define VIRTIO_BLK_F_FLUSH (UINT64_C(1) << 9) /* 5.2.3 */

/* 5.2.6 */
enum virtio_blk_status {
    STATUS_OK = 0,
    STATUS_IO_ERROR = 1,
    STATUS_UNSUPPORTED = 2,
};

static inline struct bh_io_counters *blk_counters(const struct virtio_blk *blk)
{
    return &vm_statistics(blk->vm)->block;
}

/* Back to the free ones; the guest hears nothing. */
void blk_request_free(struct virtio_blk *blk, struct virtio_blk_request *request);

/* Answers the guest with request->status, and frees the request. */
void blk_request_finish(struct virtio_blk *blk, struct virtio_blk_request *request);

/* Sends what is left of a request. False: some of it must wait for answers. */
bool blk_request_send(struct virtio_blk *blk, struct virtio_blk_request *request);

/* The service has answered a piece, maybe the last. */
void blk_piece_answered(struct virtio_blk *blk, const struct bh_block_done *done);

#endif

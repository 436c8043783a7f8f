/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/boot.h"

#include <string.h>

#include "domains/vmm/device_tree.h"
#include "domains/vmm/system.h"
#include "domains/vmm/volume_reader.h"
#include "libs/runtime/runtime.h"

static struct volume_reader kernel_reader;
static struct volume_reader initrd_reader;

static enum image_error refuse(enum image_error error)
{
    bh_log("kernel volume \"%s\" %s", kernel_reader.volume, image_error_text(error));
    return error;
}

/* Bytes of the initrd, or 0 if there is none; UINT64_MAX if more are configured than the volume
 * has. */
static uint64_t initrd_bytes(struct vm *vm)
{
    if (vm->config->initrd_volume[0] == '\0' || !volume_open(&initrd_reader, vm, "initrd")) {
        return 0;
    }
    uint64_t wanted = vm->config->initrd_size;
    if (wanted == 0) {
        return initrd_reader.bytes;
    }
    return wanted <= initrd_reader.bytes ? wanted : UINT64_MAX;
}

static bool write_device_tree(struct vm *vm, const struct image_layout *layout,
                              uint64_t initrd_size)
{
    static struct device_tree_range memory[VM_RAM_REGIONS];
    static struct device_tree tree;
    static char command_line[BH_GUEST_COMMAND_LINE_MAX];
    for (unsigned i = 0; i < vm->ram_count; i++) {
        memory[i] = (struct device_tree_range){vm->ram[i].ipa, vm->ram[i].size};
    }
    memcpy(command_line, vm->config->command_line, sizeof(command_line) - 1);
    tree = (struct device_tree){.memory = memory,
                                .memory_count = vm->ram_count,
                                .vcpu_count = vm->vcpu_count,
                                .command_line = command_line,
                                .initrd_start = layout->initrd,
                                .initrd_end = layout->initrd + initrd_size};
    bool secret = system_random(tree.random, sizeof(tree.random));
    secret = system_random(&tree.kaslr_seed, sizeof(tree.kaslr_seed)) && secret;
    if (!secret) {
        bh_log("the machine has no random number generator: the guest's seeds are no secret");
    }
    void *buffer = guest_memory(vm, layout->device_tree, IMAGE_DEVICE_TREE_SIZE);
    return buffer != NULL && device_tree_write(&tree, buffer, IMAGE_DEVICE_TREE_SIZE);
}

enum image_error boot_load(struct vm *vm)
{
    static uint8_t header[BH_BLOCK_SECTOR];
    struct image image;
    struct image_layout layout;
    const struct vm_ram *ram = &vm->ram[0];

    if (!volume_open(&kernel_reader, vm, "kernel") || kernel_reader.bytes < sizeof(header)) {
        return refuse(IMAGE_NO_VOLUME);
    }
    if (!volume_read(&kernel_reader, 0, header, sizeof(header))) {
        return refuse(IMAGE_UNREADABLE);
    }
    enum image_error error = image_parse(header, sizeof(header), &image);
    if (error != IMAGE_OK) {
        return refuse(error);
    }
    uint64_t initrd_size = initrd_bytes(vm);
    error = image_place(&image, kernel_reader.bytes, initrd_size, ram->ipa, ram->size, &layout);
    if (error != IMAGE_OK) {
        return refuse(error);
    }
    uint8_t *kernel = guest_memory(vm, layout.kernel, layout.kernel_bytes);
    if (kernel == NULL || !volume_read(&kernel_reader, 0, kernel, layout.kernel_bytes)) {
        return refuse(IMAGE_UNREADABLE);
    }
    if (initrd_size > 0) {
        uint8_t *initrd = guest_memory(vm, layout.initrd, initrd_size);
        if (initrd == NULL || !volume_read(&initrd_reader, 0, initrd, initrd_size)) {
            return refuse(IMAGE_INITRD_UNREADABLE);
        }
    }
    if (!write_device_tree(vm, &layout, initrd_size)) {
        return refuse(IMAGE_DEVICE_TREE);
    }
    vcpu_reset(&vm->vcpu[0], layout.kernel, layout.device_tree);
    return IMAGE_OK;
}

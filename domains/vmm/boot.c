/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/boot.h"

#include <string.h>

#include "domains/vmm/device_tree.h"
#include "domains/vmm/system.h"
#include "domains/vmm/volume_reader.h"
#include "libs/runtime/runtime.h"

static enum image_error refuse(const struct boot *boot, enum image_error error)
{
    bh_log("kernel volume \"%s\" %s", boot->kernel.volume, image_error_text(error));
    return error;
}

/* Opens the initrd's volume if there is to be one, and finds its size. */
static enum image_error open_initrd(struct boot *boot, struct vm *vm, uint64_t *size)
{
    *size = 0;
    if (vm->config->initrd_volume[0] == '\0') {
        return IMAGE_OK;
    }
    if (!volume_open(&boot->initrd, vm, "initrd")) {
        return IMAGE_INITRD_UNREADABLE;
    }
    uint64_t wanted = vm->config->initrd_size;
    *size = wanted != 0 ? wanted : boot->initrd.bytes;
    return *size <= boot->initrd.bytes ? IMAGE_OK : IMAGE_INITRD_SIZE;
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

/* Puts kernel, initrd and device tree into the guest's memory. */
static enum image_error load(struct boot *boot, struct vm *vm, struct image_layout *layout)
{
    static uint8_t header[BH_BLOCK_SECTOR];
    const struct vm_ram *ram = &vm->ram[0];
    struct image image;
    uint64_t initrd_size;

    if (!volume_open(&boot->kernel, vm, "kernel") || boot->kernel.bytes < sizeof(header)) {
        return IMAGE_NO_VOLUME;
    }
    if (!volume_read(&boot->kernel, 0, header, sizeof(header))) {
        return IMAGE_UNREADABLE;
    }
    enum image_error error;
    if ((error = image_parse(header, sizeof(header), &image)) != IMAGE_OK ||
        (error = open_initrd(boot, vm, &initrd_size)) != IMAGE_OK ||
        (error = image_place(&image, boot->kernel.bytes, initrd_size, ram->ipa, ram->size,
                             layout)) != IMAGE_OK) {
        return error;
    }
    uint8_t *kernel = guest_memory(vm, layout->kernel, layout->kernel_bytes);
    if (kernel == NULL || !volume_read(&boot->kernel, 0, kernel, layout->kernel_bytes)) {
        return IMAGE_UNREADABLE;
    }
    if (initrd_size > 0) {
        uint8_t *initrd = guest_memory(vm, layout->initrd, initrd_size);
        if (initrd == NULL || !volume_read(&boot->initrd, 0, initrd, initrd_size)) {
            return IMAGE_INITRD_UNREADABLE;
        }
    }
    return write_device_tree(vm, layout, initrd_size) ? IMAGE_OK : IMAGE_DEVICE_TREE;
}

enum image_error boot_load(struct boot *boot, struct vm *vm)
{
    struct image_layout layout;
    enum image_error error = load(boot, vm, &layout);
    if (error != IMAGE_OK) {
        return refuse(boot, error);
    }
    vcpu_reset(&vm->vcpu[0], layout.kernel, layout.device_tree);
    return IMAGE_OK;
}

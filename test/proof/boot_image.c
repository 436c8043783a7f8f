/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's readers of the bundle and of root's ELF headers, for any bytes. */
#include "kernel/boot_image.c"

#define BOUND_BUNDLE  256 /* bytes of the bundle: its first header, name and data */
#define UNWIND        9

void cannot_start(const char *why_not, ...)
{
    (void)why_not;
    REACHED("a refusal");
    ASSUME(false);
    __builtin_unreachable();
}

/* The bundle is read within its size, and the file that is found lies in it. */
void prove_bundle(void)
{
    uint8_t memory[BOUND_BUNDLE];
    uint64_t size = any_within(0, BOUND_BUNDLE);
    uint8_t *bundle = memory + BOUND_BUNDLE - size; /* ends where the memory ends */
    struct boot_image image = bundle_first(bundle, size);
    REACHED("a file");
    PROVE(image.data >= bundle);
    PROVE((uint64_t)(image.data - bundle) <= size);
    PROVE(image.size <= size - (uint64_t)(image.data - bundle));
}

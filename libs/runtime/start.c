/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/runtime/start.h"

#include <elf.h>
#include <stddef.h>

#include "libs/runtime/runtime.h"

int main(void);

/* musl's: sets up TLS, errno, the allocator's secret and stdio, runs constructors, calls
 * exit(main(...)). It finds the auxiliary vector behind the environment, which is behind the
 * arguments. */
int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*ldso)(void));

/* From the linker script. */
extern const unsigned char __tdata_start[], __tdata_end[], __tbss_end[], __tls_align[];

struct arguments {
    char *argv[2];
    char *envp[1];
    Elf64_auxv_t auxv[6];
};

_Static_assert(offsetof(struct arguments, envp) == sizeof(char *[2]),
               "the environment follows the arguments");
_Static_assert(offsetof(struct arguments, auxv) == sizeof(char *[3]),
               "the vector follows the environment");

static const struct bh_boot_info *boot_info;

const struct bh_boot_info *bh_boot_info(void)
{
    return boot_info;
}

/* TPIDR_EL0 of the first thread. */
static uintptr_t thread_pointer;

static int call_main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    __asm__("mrs %0, tpidr_el0" : "=r"(thread_pointer));
    return main();
}

void bh_thread_adopt(void)
{
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(thread_pointer));
}

__attribute__((weak)) void bh_thread_main(unsigned number)
{
    bh_panic("has no use for thread %u", number);
}

void bh_thread_start(uint64_t number)
{
    bh_thread_main((unsigned)number);
    bh_panic("thread %u has ended", (unsigned)number);
}

void bh_start(uint64_t boot)
{
    boot_info = (const struct bh_boot_info *)boot;
    const struct bh_domain_page *page = bh_domain();
    if (page != NULL) {
        if (page->magic != BH_DOMAIN_MAGIC) {
            bh_panic("no domain page at 0x%llx", (unsigned long long)BH_DOMAIN_PAGE);
        }
        bh_heap_set((void *)BH_DOMAIN_HEAP, page->heap_size);
    } else if (boot_info->magic != BH_BOOT_INFO_MAGIC) {
        bh_panic("no boot information at 0x%llx", (unsigned long long)boot);
    }

    /* These outlive the call: musl keeps pointers to the vector and to the image of the
     * thread-local variables. */
    static unsigned char random[16];
    static Elf64_Phdr tls;
    static struct arguments arguments;
    (void)bh_random(random, sizeof(random));
    tls = (Elf64_Phdr){
        .p_type = PT_TLS,
        .p_flags = PF_R,
        .p_vaddr = (uintptr_t)__tdata_start,
        .p_filesz = (uintptr_t)(__tdata_end - __tdata_start),
        .p_memsz = (uintptr_t)(__tbss_end - __tdata_start),
        .p_align = (uintptr_t)__tls_align,
    };
    arguments = (struct arguments){
        .argv = {(char *)(page != NULL ? page->name : "root")},
        .auxv = {{AT_PAGESZ, {BH_PAGE_SIZE}},
                 {AT_PHDR, {(uintptr_t)&tls}},
                 {AT_PHENT, {sizeof(tls)}},
                 {AT_PHNUM, {tls.p_memsz != 0}},
                 {AT_RANDOM, {(uintptr_t)random}},
                 {AT_NULL, {0}}},
    };
    (void)__libc_start_main(call_main, 1, arguments.argv, NULL, NULL, NULL);
    __builtin_unreachable();
}

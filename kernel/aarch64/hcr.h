/* SPDX-License-Identifier: BSD-2-Clause */
/* HCR_EL2 (Arm ARM D17.2.48) for native code and for guests; also read by vectors.S. */
#ifndef KERNEL_HCR_H
#define KERNEL_HCR_H

#ifdef __ASSEMBLER__
#define HCR_BIT(n) (1 << (n))
#else
#define HCR_BIT(n) (UINT64_C(1) << (n))
#endif

#define HCR_VM HCR_BIT(0)
#define HCR_SWIO HCR_BIT(1)
#define HCR_FMO HCR_BIT(3)
#define HCR_IMO HCR_BIT(4)
#define HCR_AMO HCR_BIT(5)
#define HCR_FB HCR_BIT(9)
#define HCR_BSU_INNER HCR_BIT(10)
#define HCR_TWI HCR_BIT(13)
#define HCR_TID3 HCR_BIT(18)
#define HCR_TSC HCR_BIT(19)
#define HCR_TIDCP HCR_BIT(20)
#define HCR_TACR HCR_BIT(21)
#define HCR_TGE HCR_BIT(27)
#define HCR_RW HCR_BIT(31)
#define HCR_E2H HCR_BIT(34)
#define HCR_TLOR HCR_BIT(35)
#define HCR_TERR HCR_BIT(36)
#define HCR_APK HCR_BIT(40)
#define HCR_API HCR_BIT(41)

#define HCR_HOST (HCR_E2H | HCR_TGE | HCR_RW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_API | HCR_APK)
#define HCR_GUEST                                                                                                      \
    (HCR_E2H | HCR_RW | HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_INNER | HCR_TWI |         \
     HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TLOR | HCR_TERR | HCR_APK | HCR_API)

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
// handler_amd64.s - where the kernel enters Go's handler, without C
#include "textflag.h"

// Called like a C function: signal number, siginfo, context.
TEXT ·handler(SB),NOSPLIT|TOPFRAME,$24-0
	MOVQ DI, 0(SP)
	MOVQ SI, 8(SP)
	MOVQ DX, 16(SP)
	CALL ·handle(SB)
	RET

TEXT ·handlerAddress(SB),NOSPLIT,$0-8
	LEAQ ·handler(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·wake_(SB),NOSPLIT|NOFRAME,$0-0
	RET

TEXT ·wakeAddress(SB),NOSPLIT,$0-8
	LEAQ ·wake_(SB), AX
	MOVQ AX, ret+0(FP)
	RET

/*
 * The part of a siginfo_t that carries something: the kernel queues and passes on this, 48 bytes
 * instead of 128. The members have the names of siginfo_t (si_pid, si_value, ...).
 *
 * The rest of a siginfo_t is padding, and reads as zero wherever a program gets one from us. Both
 * kinds have holes and unions that an initializer need not fill, and which would carry bytes of the
 * kernel's stack out: they are made by siginfo_init() and siginfo_core_init() only.
 */
#pragma once

#include <asm/siginfo.h>

#include "lib/string.h"
#include "lib/types.h"

struct siginfo_core {
	__SIGINFO;
};

static_assert(sizeof(struct siginfo_core) == 48, "ABI");
static_assert(offsetof(struct siginfo_core, _sifields) == offsetof(siginfo_t, _sifields), "ABI");

static inline void siginfo_core_init(struct siginfo_core *core, int signo, int code)
{
	uint64_t *words = (uint64_t *)(void *)core;

	/* Not by memset(): a string instruction costs more than these six stores. */
	words[0] = words[1] = words[2] = words[3] = words[4] = words[5] = 0;
	core->si_signo = signo;
	core->si_code = code;
}

static inline void siginfo_init(siginfo_t *info, int signo, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
}

static inline void siginfo_narrow(struct siginfo_core *core, const siginfo_t *info)
{
	memcpy(core, info, sizeof(*core));
}

static inline void siginfo_widen(siginfo_t *info, const struct siginfo_core *core)
{
	memset((char *)info + sizeof(*core), 0, sizeof(*info) - sizeof(*core));
	memcpy(info, core, sizeof(*core));
}

/*
 * Signals: <asm/signal.h> says NSIG 32 for old C libraries and leaves _NSIG to the kernel. There
 * are 64, and sigset_t (one unsigned long) has a bit for each: bit n - 1 for signal n.
 */
#pragma once

#include <asm/signal.h>
#include <asm/siginfo.h>

#undef NSIG
#define NSIG  64
#define _NSIG 64

#define SIGSET_SIZE 8 /* the only sigsetsize that the rt_sig* calls take */

/*
 * Signal frames: formats and reads them in kernel memory. No user memory is touched here: proc
 * copies.
 *
 * Delivery:  arch_signal_frame_build(&frame, regs, &request);
 *            copy frame.size of frame.image to user frame.address, save the FPU's to
 *            frame.fpu_address;
 *            arch_signal_frame_enter(&frame, &request, regs);  the handler starts in user mode.
 * Return:    image = copy from arch_signal_frame_address(regs);
 *            arch_signal_frame_read(regs, &image, &result): then the FPU image by arch/fpu.h.
 *
 * The layout is ABI: uc_mcontext at offset 40 of the ucontext, uc_sigmask at 296 (asserted).
 */
#pragma once

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#include "abi/siginfo.h"
#include "arch/thread.h"

/* What the user finds at the stack pointer when the handler starts. */
struct rt_sigframe {
	uint64_t        return_address; /* the restorer */
	struct ucontext uc;
	siginfo_t       info;
};

struct arch_signal_request {
	int              signal;
	/* NULL: the handler does not ask for it (no SA_SIGINFO), and the frame ends before it */
	const struct siginfo_core *info;
	uint64_t         old_mask;    /* blocked signals, restored by rt_sigreturn */
	uaddr_t          handler;
	uaddr_t          restorer;
	/* start at the top of the alternate stack (SA_ONSTACK, not on it yet) */
	bool             on_altstack;
	const stack_t   *altstack;    /* as sigaltstack(2) shows it, saved in the frame */
	/* of the last exception, for the mcontext */
	uint64_t         trap_number, error_code, fault_address;
};

struct arch_signal_frame {
	struct rt_sigframe image;
	size_t             size;        /* of the image, as much of it as is meant */
	uaddr_t            address;     /* where the image goes; also the handler's stack pointer */
	uaddr_t            fpu_address; /* where the FPU image goes, above it */
	size_t             fpu_size;
};

/* What a frame says when the handler returns. */
struct arch_signal_restore {
	uint64_t mask;
	const stack_t *altstack; /* in the image */
	uaddr_t  fpu_address; /* 0: none, the FPU starts over */
};

/*
 * Formats a frame below the stack pointer (red zone skipped) or on the alternate stack. The
 * caller checks that [address, ...) lies on the alternate stack when that is in use. -EFAULT if the
 * stack pointer is no user address.
 */
__must_check int arch_signal_frame_build(struct arch_signal_frame *frame,
                                         const struct pt_regs *regs,
                                         const struct arch_signal_request *request);

/* Points the registers at the handler. Cannot fail. */
void arch_signal_frame_enter(const struct arch_signal_frame *frame,
			     const struct arch_signal_request *request, struct pt_regs *regs);

/* Where the frame must be when rt_sigreturn(2) is called with these registers. */
static inline uaddr_t arch_signal_frame_address(const struct pt_regs *regs)
{
	return regs->rsp - sizeof(uint64_t);
}

/*
 * Sets regs from the frame; flags and rip are made harmless. orig_rax becomes -1. -EFAULT:
 * selectors that are not those of 64-bit user mode; there are no others here.
 */
int __must_check arch_signal_frame_read(struct pt_regs *regs, const struct rt_sigframe *image,
                            struct arch_signal_restore *restore);

/* AT_MINSIGSTKSZ: the most that a frame takes. */
size_t arch_signal_frame_size_max(void);

/*
 * Signal frames in Linux's layout (struct rt_sigframe of the x86-64 ABI).
 *
 * On the user's stack, from the top down: red zone; FPU image, aligned to 64; the frame, placed so
 * that the stack pointer is 8 below a multiple of 16, as after a call.
 */
#include <arch/signal.h>

#include <linux/errno.h>

#include <arch/fpu.h>
#include <arch/layout.h>

#include "arch/x86_64/entry.h"
#include "arch/x86_64/regs.h"
#include "lib/string.h"

enum { RED_ZONE = 128, STACK_ALIGN = 16 };

static_assert(__builtin_offsetof(struct ucontext, uc_mcontext) == 40, "ABI");
static_assert(__builtin_offsetof(struct ucontext, uc_sigmask) == 296, "ABI");
static_assert(sizeof(((struct sigcontext *)0)->reserved1) == 8 * 8, "cleared word by word");
static_assert(sizeof(struct rt_sigframe) == 8 + 304 + 128, "ABI");

/* Segment selectors that a frame keeps are shown, never taken back. */
static void put_registers(struct sigcontext *c, const struct pt_regs *regs)
{
	c->r8 = regs->r8;
	c->r9 = regs->r9;
	c->r10 = regs->r10;
	c->r11 = regs->r11;
	c->r12 = regs->r12;
	c->r13 = regs->r13;
	c->r14 = regs->r14;
	c->r15 = regs->r15;
	c->rdi = regs->rdi;
	c->rsi = regs->rsi;
	c->rbp = regs->rbp;
	c->rbx = regs->rbx;
	c->rdx = regs->rdx;
	c->rax = regs->rax;
	c->rcx = regs->rcx;
	c->rsp = regs->rsp;
	c->rip = regs->rip;
	c->eflags = regs->eflags;
	c->cs = (uint16_t)regs->cs;
	c->gs = 0;
	c->fs = 0;
	c->ss = (uint16_t)regs->ss;
}

static void take_registers(struct pt_regs *regs, const struct sigcontext *c)
{
	regs->r8 = c->r8;
	regs->r9 = c->r9;
	regs->r10 = c->r10;
	regs->r11 = c->r11;
	regs->r12 = c->r12;
	regs->r13 = c->r13;
	regs->r14 = c->r14;
	regs->r15 = c->r15;
	regs->rdi = c->rdi;
	regs->rsi = c->rsi;
	regs->rbp = c->rbp;
	regs->rbx = c->rbx;
	regs->rdx = c->rdx;
	regs->rax = c->rax;
	regs->rcx = c->rcx;
	regs->rsp = c->rsp;
	regs->rip = c->rip;
	regs->eflags = c->eflags;
}

/* Sets address and fpu_address; -EFAULT if they do not lie in user space. */
static int place(struct arch_signal_frame *frame, const struct pt_regs *regs,
                 const struct arch_signal_request *request)
{
	uaddr_t sp = regs->rsp - RED_ZONE;

	if (request->on_altstack)
		sp = (uaddr_t)request->altstack->ss_sp + request->altstack->ss_size;
	size_t room = frame->fpu_size + FPU_IMAGE_ALIGN + sizeof(frame->image) + STACK_ALIGN;

	if (sp > USER_MAX || sp < room)
		return -EFAULT;
	sp = (sp - frame->fpu_size) & ~(FPU_IMAGE_ALIGN - 1ul);
	frame->fpu_address = sp;
	sp = (sp - sizeof(frame->image)) & ~(STACK_ALIGN - 1ul);
	frame->address = sp - 8;
	return 0;
}

int arch_signal_frame_build(struct arch_signal_frame *frame, const struct pt_regs *regs,
                            const struct arch_signal_request *request)
{
	struct ucontext *uc = &frame->image.uc;
	uint64_t *reserved = (uint64_t *)uc->uc_mcontext.reserved1;

	frame->fpu_size = fpu_image_size();
	if (place(frame, regs, request) < 0)
		return -EFAULT;
	frame->image.return_address = request->restorer;
	frame->size = offsetof(struct rt_sigframe, info);
	if (request->info) {
		siginfo_widen(&frame->image.info, request->info);
		frame->size = sizeof(frame->image);
	}
	uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	uc->uc_flags |= frame->fpu_size > sizeof(struct _fpstate) ? UC_FP_XSTATE : 0;
	uc->uc_link = NULL;
	memcpy(&uc->uc_stack, request->altstack, sizeof(uc->uc_stack)); /* with its hole */
	put_registers(&uc->uc_mcontext, regs);
	uc->uc_mcontext.err = request->error_code;
	uc->uc_mcontext.trapno = request->trap_number;
	uc->uc_mcontext.cr2 = request->fault_address;
	uc->uc_mcontext.oldmask = request->old_mask;
	uc->uc_mcontext.fpstate = (void *)frame->fpu_address;
	reserved[0] = reserved[1] = reserved[2] = reserved[3] = 0;
	reserved[4] = reserved[5] = reserved[6] = reserved[7] = 0;
	memcpy(&uc->uc_sigmask, &request->old_mask, sizeof(request->old_mask));
	return 0;
}

void arch_signal_frame_enter(const struct arch_signal_frame *frame,
			     const struct arch_signal_request *request, struct pt_regs *regs)
{
	regs->rip = request->handler;
	regs->rsp = frame->address;
	regs->rdi = (uint64_t)request->signal;
	regs->rsi = frame->address + __builtin_offsetof(struct rt_sigframe, info);
	regs->rdx = frame->address + __builtin_offsetof(struct rt_sigframe, uc);
	regs->rax = 0;
	regs->eflags &= ~(EFLAGS_DF | EFLAGS_RF | EFLAGS_TF);
	arch_regs_sanitize(regs);
}

/* The privilege level is not looked at, as on Linux; ss counts only if the frame says so. */
static bool selectors_are_valid(const struct ucontext *uc)
{
	return (uc->uc_mcontext.cs | 3) == USER_CS &&
	       (!(uc->uc_flags & UC_STRICT_RESTORE_SS) || (uc->uc_mcontext.ss | 3) == USER_DS);
}

int arch_signal_frame_read(struct pt_regs *regs, const struct rt_sigframe *image,
                            struct arch_signal_restore *restore)
{
	take_registers(regs, &image->uc.uc_mcontext);
	regs->orig_rax = ~0ul;
	arch_regs_sanitize(regs);
	memcpy(&restore->mask, &image->uc.uc_sigmask, sizeof(restore->mask));
	restore->altstack = &image->uc.uc_stack;
	restore->fpu_address = (uaddr_t)image->uc.uc_mcontext.fpstate;
	return selectors_are_valid(&image->uc) ? 0 : -EFAULT;
}

size_t arch_signal_frame_size_max(void)
{
	return sizeof(struct rt_sigframe) + fpu_image_size() + FPU_IMAGE_ALIGN + STACK_ALIGN +
	       RED_ZONE;
}

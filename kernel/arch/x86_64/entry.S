/*
 * All ways into the kernel and out of it, and the switch between threads.
 *
 * GS: user mode has its own base; every entry from user mode swaps in the per-CPU base, every exit
 * swaps it out; an entry from the kernel leaves it alone. The four exceptions that may come between
 * (debug, NMI, double fault, machine check) have stacks of their own, at whose very top stands the
 * per-CPU base.
 *
 * A system call saves what the ABI lets the handler change and leaves a gap for the six
 * callee-saved registers (filled on the slow ways only); rcx, r11 and rax are filled there too.
 * Every other entry saves all. Exits come together in exit_check: interrupts off, thread flags 0,
 * iretq. What iretq loads is always valid (arch_regs_sanitize), so it cannot fault.
 *
 * Interrupts that hit the kernel run on the CPU's interrupt stack.
 */
#include "arch/x86_64/entry.h"

#define ENOSYS_RESULT -38

	.macro PATCH_SITE kind  /* a nop that usercopy_init() replaces: enum patch_kind */
771:	.byte	0x0f, 0x1f, 0x00
	.pushsection .patch_sites, "a", @progbits
	.long	771b - .
	.long	\kind
	.popsection
	.endm

	.macro CLEAR_AC
	PATCH_SITE 0
	.endm

	/* No guess about whether GS was swapped may lead to loads by the wrong one. */
	.macro SWAPGS_FENCE
	PATCH_SITE 2
	.endm

	.macro ASSERT_NO_LOCKS  /* on the way to user mode; loses all but rax that a call may */
	.if	DEBUG
	push	%rax
	call	lockdep_assert_none_held
	pop	%rax
	.endif
	.endm

	.macro SAVE_CALLEE_SAVED
	mov	%rbx, REGS_RBX(%rsp)
	mov	%rbp, REGS_RBP(%rsp)
	mov	%r12, REGS_R12(%rsp)
	mov	%r13, REGS_R13(%rsp)
	mov	%r14, REGS_R14(%rsp)
	mov	%r15, REGS_R15(%rsp)
	.endm

	/* Of a system call: what syscall_entry left out. Clobbers r11. */
	.macro COMPLETE_SYSCALL_REGS
	SAVE_CALLEE_SAVED
	mov	REGS_RIP(%rsp), %r11
	mov	%r11, REGS_RCX(%rsp)
	mov	REGS_EFLAGS(%rsp), %r11
	mov	%r11, REGS_R11(%rsp)
	.endm

	/* After rdi: the rest of struct pt_regs. */
	.macro PUSH_REGS_BELOW_RDI
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.endm

	.macro POP_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	.endm

	.section .text.entry, "ax", @progbits

/* ---- system calls ------------------------------------------------------------------------- */
	.globl syscall_entry
	.type syscall_entry, @function
	.balign 64
syscall_entry:
	swapgs
	mov	%rsp, %gs:cpu_user_sp
	mov	%gs:cpu_kernel_sp, %rsp
	push	$USER_DS
	push	%gs:cpu_user_sp
	push	%r11
	push	$USER_CS
	push	%rcx
	push	%rax
	push	%rdi
	push	%rsi
	push	%rdx
	sub	$16, %rsp               /* rcx, rax */
	push	%r8
	push	%r9
	push	%r10
	sub	$56, %rsp               /* r11, the callee-saved six */
	sti
	mov	%gs:current_thread, %r11
	cmpl	$0, THREAD_TRACED(%r11)
	jne	syscall_traced
	.if	DEBUG
	mov	%rsp, %rdi
	call	upcall_syscall_record
	mov	REGS_ORIG_RAX(%rsp), %rax
	mov	REGS_RDI(%rsp), %rdi
	mov	REGS_RSI(%rsp), %rsi
	mov	REGS_RDX(%rsp), %rdx
	mov	REGS_R10(%rsp), %r10
	mov	REGS_R8(%rsp), %r8
	mov	REGS_R9(%rsp), %r9
	.endif
	mov	%eax, %eax
	cmp	syscall_table_size(%rip), %rax
	jae	syscall_out_of_table
	mov	%r10, %rcx
	call	*syscall_table(, %rax, 8)
syscall_return:
	cli
	ASSERT_NO_LOCKS
	mov	%gs:current_thread, %r11
	cmpl	$0, THREAD_FLAGS(%r11)
	jne	syscall_exit_slow
	mov	REGS_RDI(%rsp), %rdi
	mov	REGS_RSI(%rsp), %rsi
	mov	REGS_RDX(%rsp), %rdx
	mov	REGS_R8(%rsp), %r8
	mov	REGS_R9(%rsp), %r9
	mov	REGS_R10(%rsp), %r10
	mov	REGS_RIP(%rsp), %rcx    /* canonical: the CPU itself put it there */
	mov	REGS_EFLAGS(%rsp), %r11
	mov	REGS_RSP(%rsp), %rsp
	swapgs
	sysretq
	.size syscall_entry, . - syscall_entry

syscall_out_of_table:
	mov	%rax, %rdi
	call	upcall_syscall_unknown
	jmp	syscall_return

syscall_exit_slow:
	mov	%rax, REGS_RAX(%rsp)
	COMPLETE_SYSCALL_REGS
	jmp	exit_check

syscall_traced:
	movq	$ENOSYS_RESULT, REGS_RAX(%rsp)
	COMPLETE_SYSCALL_REGS
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	upcall_syscall_traced
	cli
	jmp	exit_check

/* From a SYSCALL_FULL_ENTRY: rax is the handler, the return address lies on the registers. */
	.globl syscall_call_full
	.type syscall_call_full, @function
syscall_call_full:
	add	$8, %rsp
	COMPLETE_SYSCALL_REGS
	xor	%ebp, %ebp
	call	*%rax
	mov	%rax, REGS_RAX(%rsp)
	cli
	jmp	exit_check
	.size syscall_call_full, . - syscall_call_full

/* ---- the way out -------------------------------------------------------------------------- */
/* Registers complete at rsp, interrupts off, going to user mode. */
	.type exit_check, @function
exit_check:
	ASSERT_NO_LOCKS
	mov	%gs:current_thread, %rax
	cmpl	$0, THREAD_FLAGS(%rax)
	jne	1f
2:	POP_REGS
	add	$8, %rsp                /* orig_rax */
	swapgs
	iretq
1:	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	exit_to_user
	jmp	2b
	.size exit_check, . - exit_check

	.type exit_kernel, @function
exit_kernel:
	POP_REGS
	add	$8, %rsp
	iretq
	.size exit_kernel, . - exit_kernel

	.globl arch_enter_user
	.type arch_enter_user, @function
arch_enter_user:
	cli
	mov	%gs:cpu_kernel_sp, %rsp
	sub	$REGS_SIZE, %rsp
	jmp	exit_check
	.size arch_enter_user, . - arch_enter_user

/* ---- exceptions --------------------------------------------------------------------------- */
	.macro EXCEPTION_STUB vector, entry, has_error=0
	.balign 16
	.if \has_error == 0
	push	$0
	.endif
	push	$\vector
	jmp	\entry
	.endm

	.globl exception_stubs
	.balign 16
exception_stubs:
	EXCEPTION_STUB 0, exception_entry
	EXCEPTION_STUB 1, paranoid_entry
	EXCEPTION_STUB 2, nmi_entry
	EXCEPTION_STUB 3, exception_entry
	EXCEPTION_STUB 4, exception_entry
	EXCEPTION_STUB 5, exception_entry
	EXCEPTION_STUB 6, exception_entry
	EXCEPTION_STUB 7, exception_entry
	EXCEPTION_STUB 8, paranoid_entry, 1
	EXCEPTION_STUB 9, exception_entry
	EXCEPTION_STUB 10, exception_entry, 1
	EXCEPTION_STUB 11, exception_entry, 1
	EXCEPTION_STUB 12, exception_entry, 1
	EXCEPTION_STUB 13, exception_entry, 1
	EXCEPTION_STUB 14, exception_entry, 1
	EXCEPTION_STUB 15, exception_entry
	EXCEPTION_STUB 16, exception_entry
	EXCEPTION_STUB 17, exception_entry, 1
	EXCEPTION_STUB 18, paranoid_entry
	EXCEPTION_STUB 19, exception_entry
	EXCEPTION_STUB 20, exception_entry
	EXCEPTION_STUB 21, exception_entry, 1
	.altmacro
	.macro REST_STUB n
	EXCEPTION_STUB \n, exception_entry
	.endm
	.set	rest, 22
	.rept	10
	REST_STUB %rest
	.set	rest, rest + 1
	.endr
	.noaltmacro

/* On the stack: vector, error code, iretq frame. The vector's slot becomes rdi's. */
	.balign 16
	.type exception_entry, @function
exception_entry:
	cld
	CLEAR_AC
	xchg	%rdi, (%rsp)
	PUSH_REGS_BELOW_RDI
	mov	%rdi, %rsi
	mov	%rsp, %rdi
	testb	$3, REGS_CS(%rsp)
	jz	1f
	swapgs
	SWAPGS_FENCE
exception_from_user:
	xor	%ebp, %ebp
	call	exception_handle
	cli
	jmp	exit_check
1:	SWAPGS_FENCE
	call	exception_handle
	cli
	jmp	exit_kernel
	.size exception_entry, . - exception_entry

/*
 * The same on a stack of its own. From user mode it moves to the thread's stack and is like any
 * other.
 */
	.type paranoid_entry, @function
paranoid_entry:
	cld
	CLEAR_AC
	xchg	%rdi, (%rsp)
	PUSH_REGS_BELOW_RDI
	mov	%rdi, %rsi
	testb	$3, REGS_CS(%rsp)
	jz	1f
	swapgs
	SWAPGS_FENCE
	mov	%rsi, %rbx
	mov	%rsp, %rsi
	mov	%gs:cpu_kernel_sp, %rdi
	sub	$REGS_SIZE, %rdi
	mov	%rdi, %rsp
	mov	$(REGS_SIZE / 8), %ecx
	rep	movsq
	mov	%rsp, %rdi
	mov	%rbx, %rsi
	jmp	exception_from_user

1:	call	paranoid_handle
	jmp	exit_kernel
	.size paranoid_entry, . - paranoid_entry

/*
 * An NMI, from wherever it comes, is served on its own stack and leaves by its own iretq: until one
 * is executed no other NMI comes. So user mode too is left and entered the paranoid way.
 */
	.type nmi_entry, @function
nmi_entry:
	cld
	CLEAR_AC
	xchg	%rdi, (%rsp)
	PUSH_REGS_BELOW_RDI
	mov	%rdi, %rsi
	call	paranoid_handle
	jmp	exit_kernel
	.size nmi_entry, . - nmi_entry

/* Registers on one of the four stacks, rsi: the vector. With the per-CPU base, and back. */
	.type paranoid_handle, @function
paranoid_handle:
	mov	$0xc0000101, %ecx       /* MSR_GS_BASE */
	rdmsr
	shl	$32, %rdx
	mov	%eax, %ebx
	or	%rdx, %rbx              /* whatever the interrupted code had */
	mov	REGS_SIZE+8(%rsp), %rax /* the per-CPU base, at the top of this stack */
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
	lea	8(%rsp), %rdi
	call	exception_handle_paranoid
	mov	$0xc0000101, %ecx
	mov	%ebx, %eax
	mov	%rbx, %rdx
	shr	$32, %rdx
	wrmsr
	ret
	.size paranoid_handle, . - paranoid_handle

/* ---- interrupts --------------------------------------------------------------------------- */
	.globl interrupt_stubs
	.balign 16
interrupt_stubs:
	.set	vector, 32
	.rept	224
	.balign 8
	.byte	0x6a, vector - VECTOR_BIAS /* push imm8, sign-extended */
	jmp	interrupt_entry
	.set	vector, vector + 1
	.endr

	.balign 16
	.type interrupt_entry, @function
interrupt_entry:
	cld
	CLEAR_AC
	push	%rdi
	PUSH_REGS_BELOW_RDI
	mov	REGS_ORIG_RAX(%rsp), %rsi
	add	$VECTOR_BIAS, %rsi
	movq	$-1, REGS_ORIG_RAX(%rsp)
	mov	%rsp, %rdi
	testb	$3, REGS_CS(%rsp)
	jz	1f
	swapgs
	SWAPGS_FENCE
	xor	%ebp, %ebp
	call	interrupt_handle
	jmp	exit_check
1:	SWAPGS_FENCE
	mov	%rsp, %rbx
	mov	%gs:cpu_irq_stack_top, %rsp
	call	interrupt_handle
	mov	%rbx, %rsp
	jmp	exit_kernel
	.size interrupt_entry, . - interrupt_entry

/* ---- threads ------------------------------------------------------------------------------ */
/* struct arch_thread *switch_stacks(prev, next): gives back prev, on next's stack. */
	.globl switch_stacks
	.type switch_stacks, @function
	.balign 16
switch_stacks:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, THREAD_KERNEL_SP(%rdi)
	mov	THREAD_KERNEL_SP(%rsi), %rsp
	mov	THREAD_CANARY(%rsi), %rcx
	mov	%rcx, %gs:stack_canary
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	mov	%rdi, %rax
	ret
	.size switch_stacks, . - switch_stacks

/* The first return of switch_stacks() in a new thread. rbx: function, r12: its argument. */
	.globl thread_start_kernel
	.type thread_start_kernel, @function
thread_start_kernel:
	mov	%rax, %rdi
	call	upcall_thread_first_run
	sti
	mov	%r12, %rdi
	call	*%rbx
	jmp	arch_enter_user
	.size thread_start_kernel, . - thread_start_kernel

	.globl thread_start_user
	.type thread_start_user, @function
thread_start_user:
	mov	%rax, %rdi
	call	upcall_thread_first_run
	jmp	arch_enter_user
	.size thread_start_user, . - thread_start_user

	.section .note.GNU-stack, "", @progbits

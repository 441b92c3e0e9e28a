/*
 * The way from an inline spin_lock() to its slow path, spin_wait(), that loses no register: the
 * compiler may keep everything where it is, as if the slow path were not there.
 */
	.text
	.globl	arch_spin_wait_entry
	.type	arch_spin_wait_entry, @function
arch_spin_wait_entry:
	push	%rbp
	mov	%rsp, %rbp
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	sub	$8, %rsp
	call	spin_wait
	add	$8, %rsp
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	pop	%rbp
	ret
	.size	arch_spin_wait_entry, . - arch_spin_wait_entry
	.section .note.GNU-stack, "", @progbits

/*
 * The last step, copied to a page below 4 GiB that old and new page tables both map at its own
 * address: void jump(cr3, entry, bootinfo, kernel_start) in rdi, rsi, rdx, rcx, interrupts off.
 * The kernel gets bootinfo in rdi and its own physical start in rsi.
 */
	.text
	.globl jump_start, jump_end
jump_start:
	mov	%rdi, %cr3
	mov	%rsi, %rax
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	jmp	*%rax
jump_end:
	.section .note.GNU-stack, "", @progbits

/*
 * first.S - a first program whose first system call writes the byte 1, so that whoever watches the
 * console knows when the kernel has come so far. Then it waits to be ended.
 */
	.globl	_start
_start:
	mov	$1, %eax		/* write */
	mov	$1, %edi
	lea	byte(%rip), %rsi
	mov	$1, %edx
	syscall
1:	mov	$34, %eax		/* pause */
	syscall
	jmp	1b

	.section .rodata
byte:	.byte	1
	.section .note.GNU-stack, "", @progbits

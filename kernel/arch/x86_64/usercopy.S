/*
 * Copies between kernel and user memory that survive a fault at any byte.
 *
 * size_t user_copy_rep(void *to, const void *from, size_t size)    rdi, rsi, rdx
 * size_t user_fill_zero(void *to, size_t size)                     rdi, rsi
 *     Ranges checked by the caller. Result: bytes not done. Small sizes go by moves; large ones by
 *     `rep movsq`, or `rep movsb` where the CPU says that it is fast (FSRM): usercopy.c patches
 *     the jump at user_copy_choice. A fault in a string instruction leaves rcx at what was left.
 */
	.macro EXTABLE at, to
	.pushsection .extable, "a", @progbits
	.balign 4
	.long	\at - .
	.long	\to - .
	.popsection
	.endm

	.macro PATCH_SITE kind   /* 0: clac, 1: stac; three bytes, patched where the CPU has SMAP */
771:	.byte	0x0f, 0x1f, 0x00
	.pushsection .patch_sites, "a", @progbits
	.long	771b - .
	.long	\kind
	.popsection
	.endm

	.section .text.usercopy, "ax", @progbits
	.globl user_copy_rep
	.type user_copy_rep, @function
	.balign 16
user_copy_rep:
	PATCH_SITE 1
	cmp	$64, %rdx
	jb	3f
	.globl user_copy_choice
user_copy_choice:
	jmp	1f                      /* two bytes; two-byte nop: fall into rep movsb */
	mov	%rdx, %rcx
10:	rep	movsb
	mov	%rcx, %rax
	PATCH_SITE 0
	ret
1:	mov	%rdx, %rcx
	shr	$3, %rcx
	and	$7, %edx
11:	rep	movsq
3:	mov	%rdx, %rcx              /* fewer than 64 bytes: words, then bytes */
	cmp	$8, %rcx
	jb	5f
4:
12:	mov	(%rsi), %rax
13:	mov	%rax, (%rdi)
	add	$8, %rsi
	add	$8, %rdi
	sub	$8, %rcx
	cmp	$8, %rcx
	jae	4b
5:	test	%ecx, %ecx
	jz	7f
6:
14:	mov	(%rsi), %al
15:	mov	%al, (%rdi)
	inc	%rsi
	inc	%rdi
	dec	%ecx
	jnz	6b
7:	xor	%eax, %eax
	PATCH_SITE 0
	ret

9:	mov	%rcx, %rax
	PATCH_SITE 0
	ret
21:	lea	(%rdx, %rcx, 8), %rcx   /* in rep movsq: words left, and the tail */
20:	call	bytes_that_fit          /* a word did not go whole: byte by byte up to the fault */
	jmp	9b
	EXTABLE	10b, 9b
	EXTABLE	11b, 21b
	EXTABLE	12b, 20b
	EXTABLE	13b, 20b
	EXTABLE	14b, 9b
	EXTABLE	15b, 9b
	.size user_copy_rep, . - user_copy_rep

/* Copies up to rcx bytes singly; rcx is what is left at the fault. */
	.type bytes_that_fit, @function
bytes_that_fit:
1:	mov	(%rsi), %al
2:	mov	%al, (%rdi)
	inc	%rsi
	inc	%rdi
	dec	%rcx
	jnz	1b
3:	ret
	EXTABLE	1b, 3b
	EXTABLE	2b, 3b
	.size bytes_that_fit, . - bytes_that_fit

	.globl user_fill_zero
	.type user_fill_zero, @function
	.balign 16
user_fill_zero:
	PATCH_SITE 1
	xor	%eax, %eax
	mov	%rsi, %rcx
	mov	%esi, %edx
	shr	$3, %rcx
	and	$7, %edx
1:	rep	stosq
	mov	%edx, %ecx
2:	rep	stosb
	xor	%eax, %eax
	PATCH_SITE 0
	ret
3:	lea	(%rdx, %rcx, 8), %rcx
4:	rep	stosb
5:	mov	%rcx, %rax
	PATCH_SITE 0
	ret
	EXTABLE	1b, 3b
	EXTABLE	2b, 5b
	EXTABLE	4b, 5b
	.size user_fill_zero, . - user_fill_zero

	.section .note.GNU-stack, "", @progbits

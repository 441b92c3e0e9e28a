/*
 * The first instructions of every CPU but the first. A CPU that gets a start-up interrupt begins in
 * real mode at a page boundary below 1 MiB; smp.c copies what lies between trampoline_start and
 * trampoline_end there and fills in the values at the end. Real mode goes straight to 64-bit mode
 * on the kernel's own page tables, which map this page for the purpose, read-only and executable.
 *
 * smp_entry is ordinary kernel text: it takes a stack that nobody has yet and goes on in C. A CPU
 * that comes when all stacks are taken stops for good.
 */
#define CR4_PAE_PGE     0xa0
#define MSR_EFER        0xc0000080
#define CR0_PG_WP_NE_PE 0x80010033      /* with MP and ET; caches on */
#define AT(label)       ((label) - trampoline_start)

	.section .rodata, "a", @progbits
	.balign 16
	.globl trampoline_start, trampoline_end, trampoline_values
	.code16
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	AT(gdtr)
	mov	$CR4_PAE_PGE, %eax
	mov	%eax, %cr4
	mov	AT(root), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	mov	AT(efer), %eax
	xor	%edx, %edx
	wrmsr
	mov	$CR0_PG_WP_NE_PE, %eax
	mov	%eax, %cr0
	ljmpl	*AT(far_pointer)

	.code64
trampoline_64:
	jmp	*entry(%rip)

	.balign 8
gdt:    .quad	0, 0x00af9b000000ffff
gdt_end:

	/* struct trampoline_values in smp.c */
	.balign 8
trampoline_values:
entry:  .quad	0
root:   .long	0
efer:   .long	0
far_pointer:
	.long	AT(trampoline_64)       /* smp.c adds the page's address */
	.word	8
gdtr:   .word	gdt_end - gdt - 1
	.long	AT(gdt)                 /* here too */
trampoline_end:

	.section .text, "ax", @progbits
	.globl smp_entry
	.type smp_entry, @function
smp_entry:
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$1, %eax
	lock xadd %eax, smp_stacks_taken(%rip)
	cmp	smp_nr_stacks(%rip), %eax
	jae	1f
	lea	smp_stack_tops(%rip), %rdx
	mov	(%rdx, %rax, 8), %rsp
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	call	smp_cpu_main
1:	cli
	hlt
	jmp	1b
	.size smp_entry, . - smp_entry

	.section .note.GNU-stack, "", @progbits

/*
 * The first instructions of the kernel.
 *
 * pvh_entry      from a PVH loader (qemu -kernel, Firecracker, Cloud Hypervisor): 32-bit protected
 *                mode, no paging, ebx = physical address of struct hvm_start_info. Makes boot page
 *                tables and goes on in 64-bit mode. Linked high, run low: every address less BASE.
 * kernel_entry   from the UEFI application: 64-bit mode, its page tables, rdi = bootinfo, rsi =
 *                physical start of the image.
 *
 * Both go on with rdi = physical start of the image, r12 = bootinfo or 0, r13 = hvm_start_info or
 * 0, r14 = entry_tsc. boot_relocate() makes new page tables (a UEFI loader's lie in memory that
 * counts as free), moves the image to another address, and there boot_start() is called.
 * All these tables map the first 4 GiB twice (at 0 and in the direct map) and the image.
 */
#define BASE            0xffffffff80000000
#define LINK_OFFSET     0x200000
#define PAGE_RW         0x003
#define PAGE_RW_2M      0x083
#define CR0_PG_WP_PE    0x80010001
#define CR4_PAE         0x20
#define MSR_EFER        0xc0000080
#define EFER_LME        0x100
#define MSR_GS_BASE     0xc0000101

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 4, 18                  /* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long pvh_entry - BASE

	.section .init.head, "ax", @progbits
	.code32
	.globl pvh_entry
	.type pvh_entry, @function
pvh_entry:
	cli
	cld
	mov	%ebx, %esi              /* hvm_start_info, kept for boot_start() */
	rdtsc
	mov	%eax, %ebp              /* entry_tsc: low in ebp, high in ebx */
	mov	%edx, %ebx

	mov	$(boot_pd - BASE), %edi
	mov	$PAGE_RW_2M, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	movl	$0, 4(%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b

	mov	$(boot_pdpt - BASE), %edi
	mov	$(boot_pd - BASE + PAGE_RW), %eax
	mov	$4, %ecx
2:	mov	%eax, (%edi)
	add	$0x1000, %eax
	add	$8, %edi
	loop	2b

	movl	$(boot_pdpt - BASE + PAGE_RW), boot_pml4 - BASE              /* identity */
	movl	$(boot_pdpt - BASE + PAGE_RW), boot_pml4 - BASE + 273 * 8    /* direct map */
	movl	$(boot_pdpt_high - BASE + PAGE_RW), boot_pml4 - BASE + 511 * 8
	movl	$(boot_pd - BASE + PAGE_RW), boot_pdpt_high - BASE + 510 * 8 /* image */

	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$(boot_pml4 - BASE), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	$CR0_PG_WP_PE, %eax
	mov	%eax, %cr0
	lgdt	boot_gdtr - BASE
	ljmp	$8, $(3f - BASE)
	.code64
3:	movabs	$pvh_entry_64, %rax
	jmp	*%rax

pvh_entry_64:
	xor	%r12d, %r12d
	mov	%esi, %r13d
	shl	$32, %rbx
	mov	%ebp, %r14d
	or	%rbx, %r14
	mov	$LINK_OFFSET, %edi
	jmp	1f
	.size pvh_entry, . - pvh_entry

	.globl kernel_entry
	.type kernel_entry, @function
kernel_entry:
	cli
	cld
	mov	%rdi, %r12
	xor	%r13d, %r13d
	xor	%r14d, %r14d            /* its bootinfo has the time */
	mov	%rsi, %rdi
1:	lea	boot_stack_top(%rip), %rsp
	xor	%ebp, %ebp
	mov	%r12, %rsi
	mov	%r13, %rdx
	call	boot_relocate
	lea	2f(%rip), %rcx
	add	%rax, %rcx
	jmp	*%rcx
2:	xor	%eax, %eax              /* at the new address */
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$MSR_GS_BASE, %ecx      /* the boot CPU uses the per-CPU section in place */
	xor	%edx, %edx
	wrmsr
	mov	%r12, %rdi
	mov	%r13, %rsi
	mov	%r14, %rdx
	lea	boot_stack_top(%rip), %rsp
	xor	%ebp, %ebp
	call	boot_start
	ud2
	.size kernel_entry, . - kernel_entry

	.section .init.data, "aw", @progbits
	.balign 8
boot_gdt:
	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdtr:
	.word	23
	.long	boot_gdt - BASE

	.section .init.bss, "aw", @nobits
	.balign 4096
	.globl boot_pml4, boot_pdpt, boot_pdpt_direct, boot_pdpt_high, boot_pd_high, boot_pd
boot_pml4:      .skip 4096
boot_pdpt:      .skip 4096
boot_pdpt_direct: .skip 4096
boot_pdpt_high: .skip 4096
boot_pd_high:   .skip 4096              /* the image, from wherever it lies to wherever it goes */
boot_pd:        .skip 4 * 4096

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl boot_stack_guard, boot_stack, boot_stack_top
boot_stack_guard: .skip 4096            /* paging_init() unmaps it */
boot_stack:     .skip 16384 << KASAN
boot_stack_top:

	.section .note.GNU-stack, "", @progbits

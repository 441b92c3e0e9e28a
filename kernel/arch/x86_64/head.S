/*
 * The first instructions of the kernel.
 *
 * pvh_entry      from a PVH loader (qemu -kernel, Firecracker, Cloud Hypervisor): 32-bit protected
 *                mode, no paging, ebx = physical address of struct hvm_start_info. Makes boot page
 *                tables and goes on in 64-bit mode. Linked high, run low: every address less BASE.
 * kernel_entry   from the UEFI application: 64-bit mode, its page tables, rdi = bootinfo, rsi =
 *                physical start of the image. Its tables lie in memory that counts as free, so
 *                boot_map_again() makes our own at once.
 *
 * All these tables map the first 4 GiB twice (at 0 and in the direct map) and the image. Both ways
 * end in boot_start(bootinfo, hvm_start_info, entry_tsc), of which exactly one pointer is not 0.
 */
#define BASE            0xffffffff80000000
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
	xor	%edi, %edi
	mov	%esi, %esi
	shl	$32, %rbx
	mov	%ebp, %edx
	or	%rbx, %rdx
	jmp	enter_c
	.size pvh_entry, . - pvh_entry

	.globl kernel_entry
	.type kernel_entry, @function
kernel_entry:
	cli
	cld
	lea	boot_stack_top(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rdi, %rbx
	mov	%rsi, %rdi
	call	boot_map_again
	mov	%rbx, %rdi
	xor	%esi, %esi
	xor	%edx, %edx              /* its bootinfo has the time */
enter_c:
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%rdx, %r8
	mov	$MSR_GS_BASE, %ecx      /* the boot CPU uses the per-CPU section in place */
	xor	%edx, %edx
	wrmsr
	mov	%r8, %rdx
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
	.globl boot_pml4, boot_pdpt, boot_pdpt_high, boot_pd_high, boot_pd
boot_pml4:      .skip 4096
boot_pdpt:      .skip 4096
boot_pdpt_high: .skip 4096
boot_pd_high:   .skip 4096              /* by UEFI only: the image at any address */
boot_pd:        .skip 4 * 4096

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl boot_stack_guard, boot_stack, boot_stack_top
boot_stack_guard: .skip 4096            /* paging_init() unmaps it */
boot_stack:     .skip 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits

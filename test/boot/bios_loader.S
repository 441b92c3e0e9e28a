/*
 * Starts a PVH kernel from a disk by an old BIOS, for machines that can do neither UEFI nor
 * `-kernel`: Bochs. tools/harness/bochs.py puts it into the first sectors of an image, fills in
 * what stands at `values`, and lays the kernel's memory image behind it, then the initramfs.
 *
 * The BIOS reads 32 KiB at a time to BUFFER; protected mode carries it up. Then memory is asked
 * for (E820), the ACPI root pointer looked for, and the kernel entered as the PVH interface wants.
 * A letter on the first serial line says what went wrong: D disk, M memory map.
 */
#define SECTORS     8       /* of this loader */
#define BUFFER      0x10000
#define CHUNK       0x8000
#define MAP         0x6000  /* E820 entries of 24 bytes, which is what PVH wants */
#define START_INFO  0x5000
#define PVH_MAGIC   0x336ec578

	.code16
	.globl _start
_start:
	cli
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7c00, %sp
	mov	%dl, drive
	mov	$packet, %si
	mov	$0x42, %ah
	int	$0x13
	mov	$'D', %al
	jc	fail
	jmp	second

fail:
	mov	$0x3f8, %dx
	outb	%al, %dx
1:	hlt
	jmp	1b

drive:
	.byte 0
	.align 4
packet:
	.word 16, SECTORS - 1, second, 0
	.quad 1
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 8: 32-bit code */
	.quad 0x00cf93000000ffff /* 16: data */
	.quad 0x00009b000000ffff /* 24: 16-bit code */
	.quad 0x000093000000ffff /* 32: 16-bit data */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt

	.org 510
	.word 0xaa55

second:
	in	$0x92, %al
	or	$2, %al
	out	%al, $0x92
	movw	$CHUNK / 512, packet + 2
	movw	$0, packet + 4
	movw	$BUFFER >> 4, packet + 6
	movl	$SECTORS, packet + 8
next_chunk:
	mov	$packet, %si
	mov	drive, %dl
	mov	$0x42, %ah
	int	$0x13
	mov	$'D', %al
	jc	fail
	call	carry_up
	addl	$CHUNK / 512, packet + 8
	addl	$CHUNK, destination
	decl	chunks
	jnz	next_chunk
	xor	%eax, %eax
	xchg	%eax, initrd_chunks
	mov	%eax, chunks
	mov	initrd, %ecx
	mov	%ecx, destination
	test	%eax, %eax
	jnz	next_chunk

	xor	%ebx, %ebx
	mov	$MAP, %di
next_range:
	movl	$0, 20(%di)
	mov	$0xe820, %eax
	mov	$24, %ecx
	mov	$0x534d4150, %edx
	int	$0x15
	mov	$'M', %al
	jc	fail
	movl	$0, 20(%di)
	add	$24, %di
	incl	ranges
	test	%ebx, %ebx
	jnz	next_range

	cli
	lgdt	gdt_pointer
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmp	$8, $enter

/* What BUFFER holds, to where it belongs. */
carry_up:
	cli
	lgdt	gdt_pointer
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmp	$8, $1f
	.code32
1:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	$BUFFER, %esi
	mov	destination, %edi
	mov	$CHUNK / 4, %ecx
	cld
	rep movsl
	mov	$32, %eax
	mov	%eax, %ds
	mov	%eax, %es
	ljmp	$24, $2f
	.code16
2:	mov	%cr0, %eax
	and	$~1, %eax
	mov	%eax, %cr0
	ljmp	$0, $3f
3:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	sti
	ret

	.code32
enter:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$0x7c00, %esp
	mov	$0xe0000, %esi
1:	cmpl	$0x20445352, (%esi) /* "RSD " */
	jne	2f
	cmpl	$0x20525450, 4(%esi) /* "PTR " */
	je	3f
2:	add	$16, %esi
	cmp	$0x100000, %esi
	jb	1b
	xor	%esi, %esi
3:	mov	$START_INFO, %ebx
	mov	%ebx, %edi
	xor	%eax, %eax
	mov	$14, %ecx
	cld
	rep stosl
	movl	$PVH_MAGIC, (%ebx)
	movl	$1, 4(%ebx)
	movl	$command_line, 24(%ebx)
	mov	%esi, 32(%ebx)
	movl	$MAP, 40(%ebx)
	mov	ranges, %eax
	mov	%eax, 48(%ebx)
	cmpl	$0, initrd
	je	4f
	movl	$1, 12(%ebx)
	movl	$initrd, 16(%ebx)
4:
	jmp	*kernel_entry

	.align 4
ranges:
	.long 0
	.align 8
	.globl values
values:
destination:
	.long 0
chunks:
	.long 0
kernel_entry:
	.long 0
initrd_chunks:
	.long 0
initrd: /* as PVH lists modules: address, size, command line, nothing */
	.quad 0, 0, 0, 0
command_line:
	.space 256
	.org SECTORS * 512

/*
 * firmware.S - a kernel that does nothing: started by its PVH note as ours is, it writes the byte 1
 * to the first serial port and stops. What QEMU has used by then is the firmware's share of a boot.
 */
	.code32
	.globl	_start
_start:
	mov	$0x3f8, %dx
	mov	$1, %al
	out	%al, %dx
1:	hlt
	jmp	1b

	.section .note.pvh, "a", @note
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start
	.section .note.GNU-stack, "", @progbits

/*
 * The image of the vDSO, as vdso/vdso.mk builds it. Read once, at start-up.
 */
	.section .rodata.vdso_image, "a", @progbits
	.balign 16
	.globl vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin "vdso.so"
vdso_image_end:

	.section .note.GNU-stack, "", @progbits

/*
 * The stripped kernel, as bytes: KERNEL is its path. It is page aligned so that the loader can map
 * it where it lies, and read-only.
 */
	.section .rdata, "a"
	.globl embedded_kernel, embedded_kernel_end
	.balign 4096
embedded_kernel:
	.incbin KERNEL
embedded_kernel_end:
	.section .note.GNU-stack, "", @progbits

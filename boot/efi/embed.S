/* The stripped kernel, as bytes. */
	.section .rdata, "a"
	.globl embedded_kernel, embedded_kernel_end
	.balign 4096
embedded_kernel:
	.incbin KERNEL
embedded_kernel_end:
	.section .note.GNU-stack, "", @progbits

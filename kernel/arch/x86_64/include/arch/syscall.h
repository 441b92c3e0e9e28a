/*
 * System calls: what the generated table must provide, and what the entry code does with it.
 *
 * The fast path takes the number from eax, arguments from rdi rsi rdx r10 r8 r9, calls
 * syscall_table[nr] with interrupts on and returns by sysret. It saves neither rbx, rbp nor r12 to
 * r15: handlers that read or replace user registers (fork, vfork, clone, clone3, execve, execveat,
 * rt_sigreturn, ...) are marked full; their table entry is a SYSCALL_FULL_ENTRY, and they return by
 * the slow exit. syscall_handlers[] holds the C functions themselves, for traced calls.
 */
#pragma once

#include "lib/types.h"

typedef long (*syscall_handler)(long, long, long, long, long, long);

/* Provided by the generated table. A number past the end goes to upcall_syscall_unknown(). */
extern const syscall_handler syscall_table[];
extern const syscall_handler syscall_handlers[];
extern const uint64_t syscall_table_size; /* entries in both */

/*
 * Written at file scope in C: defines entry as the table entry of the handler that is marked full.
 */
#define SYSCALL_FULL_ENTRY(entry, handler) \
	__asm__(".pushsection .text.entry, \"ax\", @progbits\n" \
	        ".globl " #entry "\n.type " #entry ", @function\n" #entry ":\n" \
	        "leaq " #handler "(%rip), %rax\n" \
	        "jmp syscall_call_full\n" \
	        ".size " #entry ", . - " #entry "\n.popsection\n")

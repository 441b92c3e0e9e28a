/*
 * Registers as ptrace(2) and core dumps show them (NT_PRSTATUS).
 */
#pragma once

#include <linux/types.h>

struct user_regs_struct {
	__u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	__u64 rax, rcx, rdx, rsi, rdi, orig_rax;
	__u64 rip, cs, eflags, rsp, ss;
	__u64 fs_base, gs_base;
	__u64 ds, es, fs, gs;
};

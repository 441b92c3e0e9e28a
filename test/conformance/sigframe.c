/*
 * The frame of a signal handler: registers, floating-point state, alternate stacks, what the
 * handler may change, and what a fault tells.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <time.h>

#define USES_AVX __attribute__((target("avx")))
#define NOINLINE __attribute__((noinline))

#define PAGE 4096

static volatile ucontext_t seen;
static volatile siginfo_t info_seen;
static volatile uintptr_t sp_seen;
static volatile int calls;

static void remember(int sig, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)sig;
	sp_seen = (uintptr_t)__builtin_frame_address(0);
	seen = *user;
	info_seen = *info;
	calls++;
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };

	action.sa_sigaction = handler;
	sigaction(sig, &action, NULL);
	calls = 0;
}

static int raw_kill(int sig)
{
	return (int)syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
}

/* ---- registers ------------------------------------------------------------------------------ */

static volatile bool clobber_ran;

/* Spoils every register that a handler can. */
static void clobber(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	clobber_ran = true;
	__asm__ volatile("xor %%eax, %%eax\n\tmov %%rax, %%rcx\n\tmov %%rax, %%rdx\n\t"
			 "mov %%rax, %%rsi\n\tmov %%rax, %%rdi\n\tmov %%rax, %%r8\n\t"
			 "mov %%rax, %%r9\n\tmov %%rax, %%r10\n\tmov %%rax, %%r11\n\t"
			 "pxor %%xmm0, %%xmm0\n\tpxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15\n\t"
			 "fninit\n\tstd\n\tcld\n\t" ::
				 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
				   "xmm0", "xmm7", "xmm15");
}

static void check_registers(void)
{
	uint64_t before[6] = { 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666 }, after[6];
	double x = 1.5, y;
	uint64_t red, flags;

	install(SIGUSR1, clobber, 0);
	/* An int3 lands here with all registers as they were. */
	install(SIGTRAP, clobber, 0);
	__asm__ volatile("movsd %8, %%xmm7\n\tmovsd %8, %%xmm15\n\t"
			 "mov $0x12345678, %%rax\n\tmov %%rax, -64(%%rsp)\n\t"
			 "mov 0(%9), %%rbx\n\tmov 8(%9), %%rsi\n\tmov 16(%9), %%r8\n\t"
			 "mov 24(%9), %%r9\n\tmov 32(%9), %%r10\n\tmov 40(%9), %%r11\n\t"
			 "stc\n\tint3\n\tpushfq\n\tpop %7\n\t"
			 "mov %%rbx, %0\n\tmov %%rsi, %1\n\tmov %%r8, %2\n\tmov %%r9, %3\n\t"
			 "mov %%r10, %4\n\tmov %%r11, %5\n\tmovsd %%xmm15, %6\n\t"
			 : "=m"(after[0]), "=m"(after[1]), "=m"(after[2]), "=m"(after[3]),
			   "=m"(after[4]), "=m"(after[5]), "=m"(y), "=&r"(flags)
			 : "m"(x), "r"(before)
			 : "rax", "rbx", "rsi", "r8", "r9", "r10", "r11", "xmm7", "xmm15", "memory",
			   "cc");
	CHECK(handler_ran, clobber_ran);
	CHECK_EQ(registers_survive_a_handler, memcmp(before, after, sizeof(before)), 0);
	CHECK(vector_registers_survive_a_handler, y == 1.5);
	CHECK(flags_survive_a_handler, flags & 1);
	__asm__ volatile("movq $0x77, -8(%%rsp)\n\tmovq $0x78, -128(%%rsp)\n\tint3\n\t"
			 "mov -8(%%rsp), %%rax\n\tadd -128(%%rsp), %%rax\n\tmov %%rax, %0"
			 : "=r"(red)
			 :
			 : "rax", "memory");
	CHECK_EQ(red_zone_survives_a_handler, red, 0x77 + 0x78);
}

static bool has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

USES_AVX static void spoil_ymm(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	__asm__ volatile("vzeroall" ::: "memory");
}

USES_AVX static bool ymm_survives(void)
{
	uint64_t in[4] = { 1, 2, 3, 4 }, out[4];

	__asm__ volatile("vmovdqu (%0), %%ymm3\n\tvmovdqu (%0), %%ymm12\n\tint3\n\t"
			 "vpxor %%xmm0, %%xmm0, %%xmm0\n\tvmovdqu %%ymm12, (%1)\n\t" ::"r"(in),
			 "r"(out)
			 : "memory", "xmm0", "xmm3", "xmm12");
	return memcmp(in, out, sizeof(in)) == 0;
}

static void check_fpu(void)
{
	unsigned short control = 0x027f, got = 0;
	unsigned mxcsr = 0x1f80 | 0x6000, mxcsr_got = 0;

	install(SIGTRAP, clobber, 0);
	__asm__ volatile("fldcw %2\n\tldmxcsr %3\n\tint3\n\tfnstcw %0\n\tstmxcsr %1"
			 : "=m"(got), "=m"(mxcsr_got)
			 : "m"(control), "m"(mxcsr));
	CHECK_EQ(x87_control_word_survives, got, 0x027f);
	CHECK_EQ(mxcsr_survives, mxcsr_got & 0xffc0, mxcsr);
	mxcsr = 0x1f80;
	control = 0x037f;
	__asm__ volatile("fldcw %0\n\tldmxcsr %1" ::"m"(control), "m"(mxcsr));
	install(SIGTRAP, spoil_ymm, 0);
	CHECK(upper_halves_of_ymm_survive, !has_avx() || ymm_survives());

	install(SIGUSR1, remember, 0);
	raw_kill(SIGUSR1);
	struct _fpstate *fpu = (void *)(uintptr_t)seen.uc_mcontext.fpregs;
	CHECK(frame_points_to_the_fpu_state, fpu != NULL && (uintptr_t)fpu % 64 == 0);
	uint32_t *extra = (uint32_t *)((char *)fpu + 464);
	OUT("magic 0x%x, end magic %s", extra[0],
	    *(uint32_t *)((char *)fpu + extra[1] - 4) == 0x46505845 ? "right" : "wrong");
	OUT("uc_flags 0x%lx", (unsigned long)seen.uc_flags);
}

static void change_result(int sig, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)sig;
	(void)info;
	user->uc_mcontext.gregs[REG_RBX] = 0xabcdef;
	user->uc_mcontext.gregs[REG_RIP] += 0;
	((double *)((char *)user->uc_mcontext.fpregs + 160))[2 * 9] = 2.25; /* xmm9 */
	sigaddset(&user->uc_sigmask, SIGHUP);
	sigaddset(&user->uc_sigmask, SIGKILL);
}

static void check_changes(void)
{
	uint64_t rbx;
	double x;
	sigset_t set;

	install(SIGTRAP, change_result, 0);
	__asm__ volatile(
		"xor %%ebx, %%ebx\n\tpxor %%xmm9, %%xmm9\n\tint3\n\tmov %%rbx, %0\n\tmovsd %%xmm9, %1"
		: "=r"(rbx), "=m"(x)
		:
		: "rbx", "xmm9");
	CHECK_EQ(handler_may_change_registers, rbx, 0xabcdef);
	CHECK(handler_may_change_vector_registers, x == 2.25);
	sigprocmask(SIG_BLOCK, NULL, &set);
	CHECK(handler_may_change_the_mask,
	      sigismember(&set, SIGHUP) && !sigismember(&set, SIGKILL));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void check_context(void)
{
	install(SIGUSR1, remember, 0);
	raw_kill(SIGUSR1);
	CHECK_EQ(handlers_stack_is_aligned, sp_seen % 16, 0);
	CHECK(context_tells_the_result_of_the_call, seen.uc_mcontext.gregs[REG_RAX] == 0);
	CHECK(context_tells_the_place,
	      seen.uc_mcontext.gregs[REG_RIP] == seen.uc_mcontext.gregs[REG_RCX]);
	OUT("segments 0x%llx", (unsigned long long)seen.uc_mcontext.gregs[REG_CSGSFS]);
	OUT("stack state %d", seen.uc_stack.ss_flags);
	CHECK(no_link, seen.uc_link == NULL);
}

/* ---- alternate stacks ------------------------------------------------------------------------ */

static char *alternate;
static volatile stack_t stack_inside;
static volatile int nested_error;

static void look_at_stack(int sig, siginfo_t *info, void *context)
{
	stack_t now, fresh = { .ss_sp = alternate, .ss_size = 8192 };

	(void)sig;
	(void)info;
	(void)context;
	sp_seen = (uintptr_t)__builtin_frame_address(0);
	sigaltstack(NULL, &now);
	stack_inside = now;
	nested_error = sigaltstack(&fresh, NULL) == -1 ? errno : 0;
	calls++;
}

static bool on_alternate(void)
{
	return sp_seen > (uintptr_t)alternate && sp_seen <= (uintptr_t)alternate + 65536;
}

static void check_altstack(void)
{
	alternate = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = alternate, .ss_size = 65536 }, old;
	stack_t small = { .ss_sp = alternate, .ss_size = 1024 };
	stack_t wrong = { .ss_sp = alternate, .ss_size = 65536, .ss_flags = 64 };
	void *volatile bad = (void *)8;

	CHECK_EQ(no_alternate_stack_at_first, (sigaltstack(NULL, &old), old.ss_flags), SS_DISABLE);
	CHECK_ERRNO(small_stack_fails, syscall(SYS_sigaltstack, &small, NULL), ENOMEM);
	CHECK_ERRNO(unknown_flag_fails, syscall(SYS_sigaltstack, &wrong, NULL), EINVAL);
	CHECK_ERRNO(bad_new_stack_fails, syscall(SYS_sigaltstack, bad, NULL), EFAULT);
	CHECK_ERRNO(bad_old_stack_fails, syscall(SYS_sigaltstack, NULL, bad), EFAULT);
	CHECK_EQ(stack_is_set, sigaltstack(&stack, NULL), 0);
	sigaltstack(NULL, &old);
	CHECK(stack_is_told, old.ss_sp == alternate && old.ss_size == 65536 && old.ss_flags == 0);
	install(SIGUSR1, look_at_stack, 0);
	raw_kill(SIGUSR1);
	CHECK(without_SA_ONSTACK_it_is_not_used, !on_alternate());
	install(SIGUSR1, look_at_stack, SA_ONSTACK);
	raw_kill(SIGUSR1);
	CHECK(with_SA_ONSTACK_it_is_used, on_alternate());
	CHECK_EQ(stack_in_use_is_told, stack_inside.ss_flags, SS_ONSTACK);
	CHECK_EQ(stack_in_use_cannot_be_changed, nested_error, EPERM);
	pid_t pid = fork();
	if (pid == 0) {
		sigaltstack(NULL, &old);
		_exit(old.ss_sp == alternate && old.ss_size == 65536 ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	CHECK_EQ(child_inherits_the_stack, status, 0);
	stack.ss_flags = (int)(1u << 31); /* SS_AUTODISARM */
	CHECK_EQ(autodisarm_is_allowed, sigaltstack(&stack, NULL), 0);
	install(SIGUSR1, look_at_stack, SA_ONSTACK);
	raw_kill(SIGUSR1);
	CHECK(autodisarmed_stack_is_used, on_alternate());
	CHECK_EQ(and_disabled_in_the_handler, stack_inside.ss_flags, SS_DISABLE);
	sigaltstack(NULL, &old);
	OUT("afterwards size %zu flags 0x%x", old.ss_size, (unsigned)old.ss_flags);
	old.ss_flags = SS_DISABLE;
	CHECK_EQ(stack_can_be_disabled, sigaltstack(&old, NULL), 0);
}

/* What the handler leaves in the frame, and what sigaltstack(2) says after the return. */
static stack_t stack_to_leave;

static void leave_stack(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	((ucontext_t *)context)->uc_stack = stack_to_leave;
}

/* Runs on the alternate stack, so that the inner frame's return is to there. */
static void leave_stack_from_inside(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	raw_kill(SIGUSR2);
}

static void show_stack(const char *what)
{
	stack_t now;

	sigaltstack(NULL, &now);
	OUT("%s: at %ld size %zu flags 0x%x", what,
	    now.ss_sp ? (long)((char *)now.ss_sp - alternate) : -1, now.ss_size,
	    (unsigned)now.ss_flags);
}

static void check_stack_in_the_frame(void)
{
	static const struct {
		const char *what;
		long offset;
		size_t size;
		unsigned flags;
	} left[] = {
		{ "a smaller part", 4096, 32768, 0 },
		{ "too small", 0, 2047, 0 },
		{ "smallest", 0, 2048, 0 },
		{ "unknown flag", 0, 65536, 64 },
		{ "disabled and on stack", 0, 65536, SS_DISABLE | SS_ONSTACK },
		{ "marked as in use", 8192, 16384, SS_ONSTACK },
		{ "disarming itself", 0, 65536, 1u << 31 },
		{ "disabled", 4096, 65536, SS_DISABLE },
		{ "disabled, disarming itself", 4096, 65536, SS_DISABLE | 1u << 31 },
		{ "whole", 0, 65536, 0 },
	};
	stack_t stack = { .ss_sp = alternate, .ss_size = 65536 };

	sigaltstack(&stack, NULL);
	install(SIGUSR2, leave_stack, 0);
	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++) {
		stack_to_leave.ss_sp = alternate + left[i].offset;
		stack_to_leave.ss_size = left[i].size;
		stack_to_leave.ss_flags = (int)left[i].flags;
		raw_kill(SIGUSR2);
		show_stack(left[i].what);
	}
	install(SIGUSR1, leave_stack_from_inside, SA_ONSTACK);
	stack_to_leave.ss_size = 4096;
	raw_kill(SIGUSR1);
	show_stack("left while in use");
	stack.ss_flags = SS_ONSTACK;
	CHECK_EQ(stack_may_be_marked_as_in_use, syscall(SYS_sigaltstack, &stack, NULL), 0);
	show_stack("marked as in use");
	stack.ss_flags = SS_DISABLE;
	CHECK_EQ(and_still_be_changed, sigaltstack(&stack, NULL), 0);
}

static volatile int deep;

static void overflow_once(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	_exit(info->si_code == SEGV_MAPERR ? 42 : info->si_code == SEGV_ACCERR ? 43 : 44);
}

NOINLINE static int recurse(int level)
{
	volatile char room[2048];

	room[0] = (char)level;
	deep = level;
	return level < 100000000 ? recurse(level + 1) + room[0] : 0;
}

static int overflow(void *data)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = 65536 };

	if (data) {
		sigaltstack(&stack, NULL);
		install(SIGSEGV, overflow_once, SA_ONSTACK);
	} else {
		install(SIGSEGV, overflow_once, 0);
	}
	return recurse(0) & 1;
}

static void on_bad_stack(void)
{
	__asm__ volatile("mov $8, %%rsp\n\tint3" ::: "memory");
}

static int die_on_bad_stack(void *data)
{
	(void)data;
	install(SIGTRAP, remember, 0);
	on_bad_stack();
	return 0;
}

static int ignore_and_fault(void *data)
{
	sigset_t set;

	if (data) {
		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		install(SIGSEGV, remember, 0);
	} else {
		signal(SIGSEGV, SIG_IGN);
	}
	*(volatile int *)(uintptr_t)(8 + (calls & 0)) = 1;
	return 0;
}

static int bad_return(void *data)
{
	(void)data;
	__asm__ volatile("mov $8, %%rsp\n\tmov $15, %%eax\n\tsyscall" ::: "memory");
	return 0;
}

static void check_bad_stacks(void)
{
	int status;

	CHECK_EQ(overflow_is_handled_on_the_alternate_stack, check_in_child(overflow, alternate),
		 42 << 8);
	status = check_in_child(overflow, NULL);
	CHECK(overflow_without_one_kills, WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = check_in_child(die_on_bad_stack, NULL);
	CHECK(handler_without_a_stack_kills_by_SIGSEGV,
	      WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = check_in_child(ignore_and_fault, NULL);
	CHECK(ignored_fault_kills, WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = check_in_child(ignore_and_fault, alternate);
	CHECK(blocked_fault_kills, WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = check_in_child(bad_return, NULL);
	CHECK(sigreturn_from_nowhere_kills, WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static int wild_context(void *data)
{
	static ucontext_t user;
	static const struct {
		int reg;
		unsigned long value;
	} wild[] = {
		{ REG_RIP, 0xffffffff80000000 },
		{ REG_RIP, 0x8000000000000000 },
		{ REG_RSP, 0x8000000000000000 },
		{ REG_EFL, ~0ul },
		{ REG_CSGSFS, 0 },
		{ REG_CSGSFS, ~0ul },
		{ REG_CSGSFS, 0x10 },
	};
	int i = *(int *)data;

	install(SIGUSR1, remember, 0);
	raw_kill(SIGUSR1);
	memcpy(&user, (void *)&seen, sizeof(user));
	user.uc_mcontext.fpregs = i % 2 ? NULL : (void *)0xffffffff80000000;
	user.uc_mcontext.gregs[wild[i].reg] = (long long)wild[i].value;
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall" ::"r"(&user) : "memory");
	return 0;
}

static void check_wild_contexts(void)
{
	for (int i = 0; i < 7; i++) {
		int status = check_in_child(wild_context, &i);
		if (i != 3)
			OUT("wild context %d: 0x%x", i, status & 0x7f);
	}
}

/* ---- faults --- */

static sigjmp_buf back;

static void jump_back(int sig, siginfo_t *info, void *context)
{
	remember(sig, info, context);
	siglongjmp(back, 1);
}

#define FAULT(what, statement)                                                                     \
	do {                                                                                       \
		static const int all[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };             \
		for (int i = 0; i < 5; i++)                                                        \
			install(all[i], jump_back, 0);                                             \
		info_seen.si_signo = 0;                                                            \
		if (!sigsetjmp(back, 1)) {                                                         \
			statement;                                                                 \
		}                                                                                  \
		OUT("%s: signal %d code %d trap %d", what, info_seen.si_signo, info_seen.si_code,  \
		    info_seen.si_signo ? (int)seen.uc_mcontext.gregs[REG_TRAPNO] : -1);            \
	} while (0)

static void check_faults(void)
{
	char *page =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/tmp/short", O_RDWR | O_CREAT, 0600);
	char *file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	volatile int zero = 0, one = 1, least = -2147483647 - 1;

	mprotect(page + PAGE, PAGE, PROT_READ);
	munmap(page + 2 * PAGE, PAGE);
	FAULT("read of nothing", (void)*(volatile char *)(page + 2 * PAGE));
	CHECK(address_of_the_fault_is_told, info_seen.si_addr == page + 2 * PAGE);
	CHECK_EQ(cr2_is_told, seen.uc_mcontext.gregs[REG_CR2], (uintptr_t)page + 2 * PAGE);
	OUT("error code 0x%llx", (unsigned long long)seen.uc_mcontext.gregs[REG_ERR]);
	FAULT("write to nothing", *(volatile char *)(page + 2 * PAGE + 5) = 1);
	OUT("error code 0x%llx", (unsigned long long)seen.uc_mcontext.gregs[REG_ERR]);
	FAULT("write to read-only", *(volatile char *)(page + PAGE + 7) = 1);
	CHECK(address_of_the_write_is_told, info_seen.si_addr == page + PAGE + 7);
	FAULT("jump to data", ((void (*)(void))(uintptr_t)page)());
	CHECK(address_of_the_jump_is_told, info_seen.si_addr == page);
	FAULT("jump to null", ((void (*)(void))(uintptr_t)(unsigned)zero)());
	FAULT("kernel address", (void)*(volatile char *)0xffffffff80000000);
	CHECK(address_in_the_kernel_is_told, info_seen.si_addr == (void *)0xffffffff80000000);
	FAULT("address that is none", (void)*(volatile char *)0x8000000000000000);
	CHECK(address_that_is_none_is_not_told, info_seen.si_addr == NULL);
	FAULT("beyond the end of a file", (void)*(volatile char *)file);
	CHECK(address_in_the_file_is_told, info_seen.si_addr == file);
	FAULT("division by zero", one = one / zero);
	FAULT("division overflow", one = least / (zero - 1));
	FAULT("undefined instruction", __asm__ volatile("ud2"));
	FAULT("privileged instruction", __asm__ volatile("hlt"));
	FAULT("interrupts off", __asm__ volatile("cli"));
	FAULT("port", __asm__ volatile("outb %%al, $0x80" ::: "memory"));
	FAULT("control register", __asm__ volatile("mov %%cr0, %%rax" ::: "rax"));
	FAULT("breakpoint", __asm__ volatile("int3"));
	FAULT("interrupt 0x03 by number", __asm__ volatile(".byte 0xcd, 3"));
	FAULT("interrupt 4", __asm__ volatile("int $4"));
	FAULT("interrupt 13", __asm__ volatile("int $13"));
	FAULT("interrupt 0x60", __asm__ volatile("int $0x60"));
	FAULT("icebp", __asm__ volatile(".byte 0xf1"));
	FAULT("single step",
	      __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop" ::
				       : "memory", "cc"));
	unsigned mxcsr = 0x1f80 & ~0x200u, plain = 0x1f80;
	FAULT("vector division by zero", {
		__asm__ volatile("ldmxcsr %0\n\tpxor %%xmm0, %%xmm0\n\tmov $1, %%eax\n\t"
				 "cvtsi2sd %%eax, %%xmm1\n\tdivsd %%xmm0, %%xmm1" ::"m"(mxcsr)
				 : "xmm0", "xmm1", "eax");
	});
	__asm__ volatile("ldmxcsr %0" ::"m"(plain));
	unsigned short control = 0x037f & ~4;
	FAULT("x87 division by zero",
	      __asm__ volatile(
		      "fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(control)));
	__asm__ volatile("fninit");
	signal(SIGSEGV, SIG_DFL);
}

/* ---- the system-call way out keeps everything under a rain of signals --- */

static void check_rain(void)
{
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec often = { { 0, 200000 }, { 0, 200000 } };
	volatile double sum = 0;
	long sums = 0, wrong = 0;

	install(SIGUSR1, clobber, SA_RESTART);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &often, NULL);
	for (int i = 0; i < 300000; i++) {
		sum += 0.5;
		sums += i & 3;
		if (i % 100 == 0 && getpid() <= 0)
			wrong++;
	}
	timer_delete(timer);
	CHECK(floating_point_survives_a_rain_of_signals, sum == 150000.0);
	CHECK(integers_survive_a_rain_of_signals, sums == 450000 && wrong == 0);
}

int main(void)
{
	struct rlimit no_core = { 0, 0 }, stack = { 1 << 20, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_STACK, &stack);
	check_registers();
	check_fpu();
	check_changes();
	check_context();
	check_altstack();
	check_stack_in_the_frame();
	check_bad_stacks();
	check_wild_contexts();
	check_faults();
	check_rain();
	return 0;
}

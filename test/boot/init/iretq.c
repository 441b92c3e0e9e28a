/*
 * A program may execute iretq to come back to itself. An emulator with SMAP may read the frame as
 * if the kernel did, and fault with an error code that says so; the fault is the program's all the
 * same. A child does it, on its own stack; whether it comes back or hangs, the machine lives.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

static void return_to_self(void)
{
	__asm__ volatile(
		"mov %%rsp, %%rax\n"
		"mov %%ss, %%ecx\n"
		"push %%rcx\n"
		"push %%rax\n"
		"pushfq\n"
		"mov %%cs, %%ecx\n"
		"push %%rcx\n"
		"lea 1f(%%rip), %%rcx\n"
		"push %%rcx\n"
		"iretq\n"
		"1:"
		: : : "rax", "rcx", "memory", "cc");
}

int main(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		alarm(1);
		return_to_self();
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("iretq: the child was ended by signal %d\n", WTERMSIG(status));
	else
		printf("iretq: the child came back\n");
	printf("iretq: the machine lives\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}

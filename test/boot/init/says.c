/*
 * An init that says what it was given and powers off: the least that proves a boot.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
	printf("init: pid %d\n", getpid());
	for (int i = 0; i < argc; i++)
		printf("init: argument %d: %s\n", i, argv[i]);
	for (; *envp; envp++)
		printf("init: environment: %s\n", *envp);
	printf("init: %ld pages\n", sysconf(_SC_PHYS_PAGES));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}

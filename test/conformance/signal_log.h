/*
 * signal_log.h - a handler that remembers what it was called for, and what goes with it.
 */
#pragma once

#include "check.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { LOG_MAX = 64 };

static volatile int log_signal[LOG_MAX], log_value[LOG_MAX], log_code[LOG_MAX];
static volatile sig_atomic_t log_count;
static volatile siginfo_t last;

static inline void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	last = *info;
	log_signal[log_count % LOG_MAX] = sig;
	log_value[log_count % LOG_MAX] = info->si_value.sival_int;
	log_code[log_count % LOG_MAX] = info->si_code;
	log_count++;
}

static void catch (int sig, int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };

	action.sa_sigaction = on_signal;
	sigaction(sig, &action, NULL);
	log_count = 0;
}

static inline void mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(how, &set, NULL);
}

static inline bool pends(int sig)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, sig);
}

static inline void pause_ms(long ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&span, &span) == -1 && errno == EINTR)
		;
}

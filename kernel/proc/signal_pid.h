/*
 * Signals that floors below send by a struct pid (id/pid.h, pid_signal()): owners of open files.
 */
#pragma once

/* Registers the operation. */
void signal_pid_init(void);

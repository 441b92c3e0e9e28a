/*
 * Error numbers that never reach a program: the exit path of a system call turns them into a
 * restart or into EINTR. The public ones come from <linux/errno.h>, which this header includes.
 */
#pragma once

#include <linux/errno.h>

#define ERESTARTSYS           512 /* restart if the handler has SA_RESTART, else EINTR */
#define ERESTARTNOINTR        513 /* always restart */
#define ERESTARTNOHAND        514 /* restart only if no handler ran, else EINTR */
#define ENOIOCTLCMD           515 /* this layer does not know the ioctl; ENOTTY if nobody does */
#define ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall(2), else EINTR */

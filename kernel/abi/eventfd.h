/*
 * Flags of eventfd2(2).
 */
#pragma once

#include <linux/fcntl.h>

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC   O_CLOEXEC
#define EFD_NONBLOCK  O_NONBLOCK

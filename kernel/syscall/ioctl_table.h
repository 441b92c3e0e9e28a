/*
 * The ioctls that this kernel knows and the memory that each means: the one place where an ioctl's
 * argument becomes a user pointer.
 *
 * Files get kernel memory: copied in before for IOCTL_IN, copied out after success for IOCTL_OUT;
 * commands without memory get their argument as a number. What is not in the table is ENOTTY
 * without asking the file.
 */
#pragma once

#include "lib/types.h"

enum { IOCTL_VALUE = 0, IOCTL_IN = 1 << 0, IOCTL_OUT = 1 << 1 };

struct ioctl_entry {
	uint32_t command;
	uint16_t size;      /* bytes behind the pointer; 0 with IOCTL_VALUE */
	uint16_t direction; /* IOCTL_* */
};

/* Up to this, the buffer is on the stack; larger ones are allocated. */
#define IOCTL_SMALL_SIZE 128

/* NULL: unknown. */
const struct ioctl_entry *ioctl_find(unsigned int command);

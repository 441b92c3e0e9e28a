/*
 * Names of error numbers, for messages.
 */
#pragma once

/* "EINVAL" for EINVAL or -EINVAL, the kernel-internal ones included; NULL if there is no name. */
const char *errno_name(int err);

/*
 * The kernel's side of abi_test: compiled with the kernel's headers and none of the C library's.
 */
#include "abi_names.h"

#include "abi/access.h"
#include "abi/dirent.h"
#include "abi/elf.h"
#include "abi/eventfd.h"
#include "abi/mount.h"
#include "abi/signal.h"
#include "abi/socket.h"
#include "abi/user.h"

const struct abi_value abi_of_kernel[] = { ABI_NAMES(ABI_V, ABI_S, ABI_O) { 0, NSIG } };

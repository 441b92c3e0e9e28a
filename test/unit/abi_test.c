/*
 * kernel/abi: what we add to UAPI agrees with the C library, name by name.
 *
 * links: build/unit/abi_kernel.o
 */
#define _GNU_SOURCE
#include "unit.h"

#include <dirent.h>
#include <elf.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <unistd.h>

#include "abi_names.h"

#define linux_dirent64 dirent64 /* the C library's record has the same layout */
#define SOL_TCP        IPPROTO_TCP
#define SOL_UDP        IPPROTO_UDP
#define sigaltstack    sigaltstack_type
struct sigaltstack_type {
	stack_t stack;
};

static const struct abi_value abi_of_library[] = { ABI_NAMES(ABI_V, ABI_S, ABI_O) { 0, NSIG - 1 } };

TEST(every_value_agrees_with_the_C_library)
{
	size_t i;

	for (i = 0; abi_of_library[i].name; i++) {
		if (abi_of_kernel[i].value != abi_of_library[i].value)
			print_error("%s is %ld here and %ld in the C library\n",
			            abi_of_kernel[i].name, abi_of_kernel[i].value,
			            abi_of_library[i].value);
		assert_int_equal(abi_of_kernel[i].value, abi_of_library[i].value);
	}
	assert_true(i > 100);
}

TEST(there_are_64_signals)
{
	size_t last = sizeof(abi_of_library) / sizeof(*abi_of_library) - 1;

	assert_null(abi_of_kernel[last].name);
	assert_int_equal(abi_of_kernel[last].value, 64);
	assert_int_equal(abi_of_library[last].value, 64);
}

UNIT_TESTS(T(every_value_agrees_with_the_C_library), T(there_are_64_signals))

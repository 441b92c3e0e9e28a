/*
 * lwipopts.h - the kernel's options of lwIP for the fuzzer on this machine, with all that differs:
 * where it asks us (the kernel's rooms are not there), and checks of its own state.
 */
#pragma once

#include "../../../kernel/net/stack/port/lwipopts.h"

#undef LWIP_HOOK_FILENAME
#define LWIP_HOOK_FILENAME "host_hooks.h"
#undef LWIP_HOOK_IP4_ROUTE_SRC
#undef LWIP_DISABLE_TCP_SANITY_CHECKS
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

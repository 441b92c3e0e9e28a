/*
 * What setting (options.c) and asking (options_get.c) of SOL_SOCKET's options share: those that are
 * one bit.
 */
#pragma once

#include "net/socket.h"

/* SOCKET_* for the name; 0: it is not one bit. */
uint32_t socket_option_flag(int name);

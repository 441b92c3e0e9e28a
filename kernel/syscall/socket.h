/*
 * The socket calls' part of start-up.
 */
#pragma once

/* Once: net/ learns how to find out who calls. */
void socket_calls_init(void);

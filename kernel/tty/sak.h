/*
 * The secure attention key, SysRq `k`: whatever uses the console's terminal is killed, so that what
 * asks for a password next is no impostor (Linux's Documentation/security/sak.rst).
 */
#pragma once

struct tty;

/* Registers the key; tty: that of /dev/console, or NULL. */
void sak_init(struct tty *tty);

/*
 * Between the files of this folder: a terminal's open file.
 */
#pragma once

#include "tty/tty.h"

struct file;
struct io;
struct poller;

void tty_file_release(struct file *file);

/* tty_ioctl() for a file of the terminal itself. */
long tty_file_ioctl(struct file *file, unsigned int command, void *arg);
/* The settings part of it, tty_settings.c; -ENOIOCTLCMD: not one of its commands. */
long tty_settings_ioctl(struct tty *tty, unsigned int command, void *arg);

/* Lines: serial_tty.c. Console and log: console.c. */
void serial_tty_init(void);
/* The terminal of ttyS<number>, borrowed for ever; NULL: there is none. */
struct tty *serial_tty_find(unsigned int number);
/* Speed and frame of a console, as its default. */
void serial_tty_set_console(struct tty *tty, uint32_t baud, tcflag_t cflag);

void console_init(void);

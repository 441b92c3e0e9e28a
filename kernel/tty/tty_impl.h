/*
 * Between the files of this folder: a terminal's open file.
 */
#pragma once

#include "dev/uart.h"
#include "tty/tty.h"

struct file;
struct inode;
struct io;
struct poller;

void tty_file_release(struct file *file);

/* tty_ioctl() for a file of the terminal itself. */
long tty_file_ioctl(struct file *file, unsigned int command, void *arg);
/* The settings part of it, tty_settings.c; -ENOIOCTLCMD: not one of its commands. */
long tty_settings_ioctl(struct tty *tty, unsigned int command, void *arg);

/* Lines: serial_tty.c. Console and log: console.c. */
void serial_tty_init(void);
/* The terminal of ttyS<number> or hvc<number>, borrowed for ever; NULL: there is none. */
struct tty *serial_tty_find(enum uart_kind kind, unsigned int number);
/* Opening the node of such a line. */
int serial_tty_file_open(struct inode *inode, struct file *file);
/* Speed and frame of a console, as its default. */
void serial_tty_set_console(struct tty *tty, uint32_t baud, tcflag_t cflag);

void console_init(void);
/* A line that a console= may name, after console_init() perhaps. */
void console_line_came(const struct uart *uart);

/*
 * Pseudo-terminals: pty(7). The slave is a terminal like any other (struct tty); the master, made
 * by opening ptmx, is its driver: what the master writes is typed, what the slave's programs write
 * the master reads.
 *
 * Life: open of ptmx makes both sides, the slave locked (TIOCSPTLCK) and not yet open. When the
 * last slave file closes, the master's reads end in EIO until the slave is opened again; when the
 * master closes, the node vanishes and the slave is hung up for ever.
 *
 * Locking: tty.lock over everything here, too. Master reads and writes touch the caller's memory
 * without it.
 */
#pragma once

#include "lib/ring.h"
#include "tty/tty.h"

struct devpts;
struct file_ops;

enum { PTY_INPUT_SIZE = 8192, PTY_OUTPUT_SIZE = 16384, PTY_READ_MAX = 4095 };

struct pty {
	struct tty        tty;
	struct devpts    *devpts __const_after_init;
	uint32_t          index __const_after_init;
	struct ring       input __guarded_by(tty.lock);  /* to the slave */
	struct ring       output __guarded_by(tty.lock); /* to the master */
	struct wait_queue readers, writers; /* of the master; own locks */
	bool              is_locked __guarded_by(tty.lock);      /* the slave cannot be opened */
	bool              is_master_gone __guarded_by(tty.lock);
	bool              is_slave_gone __guarded_by(tty.lock);  /* it was open, and is not now */
	bool              is_packet __guarded_by(tty.lock);      /* TIOCPKT */
	uint8_t           packet_status __guarded_by(tty.lock);  /* TIOCPKT_* since the last read */
};

/* Opening of ptmx, and of a node of devpts. */
extern const struct file_ops ptmx_ops, pts_ops;

/* /dev/ptmx, the numbers of slaves, devpts. */
__must_check int pty_init(void);

/* A pty whose master is open; one reference. */
__must_check int pty_create(struct pty **out);
/* Makes something known to a master in packet mode. tty.lock held. */
void pty_tell(struct pty *pty, unsigned int status);
/* The ioctl() of an open master. */
long pty_master_ioctl(struct file *master, unsigned int command, void *arg);

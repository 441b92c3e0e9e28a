/*
 * The root file system on a disk: `root=`, `rootfstype=`, `rootflags=`, `ro`, `rw`, `rootwait`,
 * `rootdelay=`, as in Linux's Documentation/admin-guide/kernel-parameters.
 *
 * root= names a device: /dev/NAME, MAJOR:MINOR, a number in hexadecimal, PARTUUID= (with
 * /PARTNROFF=), PARTLABEL=, and, which Linux leaves to its initramfs, LABEL= and UUID= of an ext2,
 * ext3 or ext4 file system.
 */
#pragma once

#include "lib/types.h"

struct mount_namespace;
struct task;

/* The command line has a root=. */
bool root_is_wanted(void);
/*
 * Waits for disks, mounts the device, puts devtmpfs on its /dev if it has one, and makes it the
 * root of the task and of its mount namespace. Panics in Linux's words if it cannot. Sleeps.
 */
void root_mount(struct mount_namespace *mounts, struct task *task);

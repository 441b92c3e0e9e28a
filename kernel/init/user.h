/*
 * From a kernel to a running system: the root file system, the console, the first program.
 */
#pragma once

/*
 * Unpacks the initramfs into the root file system and starts the first task, which runs the first
 * program that can be run: `rdinit=` (/init by default) when there is an initramfs with it, else
 * `init=`, else /sbin/init, /etc/init, /bin/init,
 * /bin/sh. Panics in Linux's words when there is none. Returns; the calling thread becomes idle.
 * The first task calls `unpacked` when nothing of what starts the kernel is needed any more.
 */
void user_start(void (*unpacked)(void));

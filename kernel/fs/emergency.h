/*
 * SysRq for file systems: `s` writes everything out, `u` makes what is on devices read-only.
 */
#pragma once

/* Registers the keys. */
void fs_emergency_init(void);

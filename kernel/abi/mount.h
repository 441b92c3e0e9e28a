/*
 * Flags of umount2(2). Those of mount(2) are in <linux/mount.h>.
 */
#pragma once

#include <linux/mount.h>

#define MNT_FORCE       0x00000001
#define MNT_DETACH      0x00000002
#define MNT_EXPIRE      0x00000004
#define UMOUNT_NOFOLLOW 0x00000008

/*
 * What the mode bits alone allow: the part of a permission check that nearly always suffices.
 */
#pragma once

#include "fs/inode.h"
#include "fs/namei.h"
#include "id/cred.h"

enum { MAY_RWX = MAY_READ | MAY_WRITE | MAY_EXEC };

static inline bool inode_mode_allows(const struct inode *inode, const struct cred *cred,
                                     unsigned int mask)
{
	mode_t mode = inode->mode;

	if (cred->fsuid == inode->uid)
		mode >>= 6;
	else if ((mode >> 3 & 7) != (mode & 7) && cred_in_group(cred, inode->gid))
		mode >>= 3;
	return !(mask & MAY_RWX & ~mode);
}

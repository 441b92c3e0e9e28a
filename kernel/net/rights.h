/*
 * Open files on their way from one process to another: SCM_RIGHTS of unix(7).
 *
 * They are counted for the user who sent them while they are in a queue. When a queue is destroyed
 * with files in it they are put; sockets among them by a thread of their own, since each may hold a
 * queue with further ones. Sockets that only hold each other in their queues are found by
 * unix_garbage.c.
 */
#pragma once

#include "lib/types.h"

struct file;
struct user;

struct rights {
	struct user   *user; /* whose files_in_flight they count for; NULL: not in flight */
	struct rights *next; /* of those that wait to be put */
	uint32_t       nr;
	struct file   *files[]; /* references */
};

/* Room for `max` files, none in it. ENOMEM. */
int __must_check rights_alloc(uint32_t max, struct rights **out);
/* Files go into a queue. ETOOMANYREFS over `limit`. */
int __must_check rights_send(struct rights *rights, struct user *user, uint64_t limit);
/* They come out of a queue. */
void rights_receive(struct rights *rights);
/* Another set of references on the same files: for MSG_PEEK. ENOMEM. */
int __must_check rights_copy(const struct rights *rights, struct rights **out);
/* Puts what is still there. NULL does nothing. */
void rights_free(struct rights *rights);

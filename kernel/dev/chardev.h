/*
 * Character devices: who answers when a node with this number is opened.
 *
 * A driver or class registers a range of numbers with its file operations; with a name it also gets
 * a node in
 * /dev, at once or as soon as devfs exists. Opening a node finds the operations here
 * and calls their open() with the file's inode telling the number.
 *
 * Locking: a mutex over registration, during which the node is made; a spinlock over the list, so
 * that lookup does not sleep.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct file_ops;

struct chardev {
	dev_t       first __const_after_init;
	uint32_t    count __const_after_init;  /* of minors; 0 means 1 */
	const char *name __const_after_init;   /* node in /dev; NULL: none is made */
	const char *class_name __const_after_init; /* for /proc/devices; NULL: name */
	mode_t      mode __const_after_init;   /* permissions of the node */
	const struct file_ops *ops __const_after_init;
	void       *private __const_after_init; /* the driver's; found by chardev_find() */
	struct list link __guarded_by(chardevs);
};

/* The structure stays the caller's and must live on. EBUSY: numbers are taken. */
int chardev_register(struct chardev *device);
void chardev_unregister(struct chardev *device);
/* Who answers for this number; NULL: nobody (ENXIO). */
struct chardev *chardev_find(dev_t dev);
/* The index-th registered, NULL behind the last. For /proc/devices. */
struct chardev *chardev_at(unsigned int index);

/* devfs hooks itself in; called for every device registered before and after. */
struct chardev_hooks {
	void (*added)(const struct chardev *device);
	void (*removed)(const struct chardev *device);
};
void chardev_set_hooks(const struct chardev_hooks *hooks);

/*
 * The lock order of the whole kernel, outermost first. A lock may be taken only while every lock
 * already held has a smaller rank; the debug kernel panics otherwise (core/lockdep.h). A new lock
 * brings its line here, with the name of what it protects; from this enum come the names in
 * messages and /proc/lock_stat, and the table in docs/locking.md, which explains the order.
 *
 * Two locks of one rank may nest only with an explicit, growing subclass (spin_lock_nested()):
 * parent directory before child, lower epoll depth before higher, lower CPU before higher.
 * RANK_NONE is exempt from the order (still checked for double locking and strangers).
 *
 * RANK_RECLAIM is no lock: an allocation with ALLOC_MAY_RECLAIM counts as taking it for a moment,
 * so that whatever reclaim itself may take (below it) is never held by one who allocates.
 *
 * The irq-safe ranks, which interrupt handlers may take, are the innermost. Their locks are taken
 * with interrupts off, always. So whatever is taken under a lock that a handler wants is irq-safe
 * too, by the order alone: nobody who holds one can be interrupted, and no handler ever waits for
 * somebody who can.
 */
#pragma once

enum lock_rank {
	RANK_NONE,

	/* Sleeping locks: mutex, rwlock. */
	RANK_EPOLL_NEST,      /* adding an epoll to an epoll: the graph of them */
	RANK_FILE_POSITION,   /* struct file: position of a shared open file */
	/* a pipe; splice does I/O on files under it; subclass 1: the second */
	RANK_PIPE,
	/* a bus: which driver has which device, while it probes; subclass 1: virtio on PCI */
	RANK_BUS,
	RANK_DISK_OPEN,       /* opening and closing of block devices; subclass 1 inside mounting */
	RANK_LOOP,            /* what is attached to a loop device */
	RANK_DISK_REGISTRY,   /* block devices, their partitions, openers and holders */
	RANK_SUPERBLOCK,      /* mounting, unmounting, freezing, one superblock */
	RANK_MOUNT,           /* the mount trees of all namespaces */
	RANK_RENAME,          /* renames of directories within one superblock */
	RANK_DIRECTORY_INODE, /* entries of a directory; subclass: parent 0, child 1, second 2 */
	RANK_FILE_INODE,      /* size and content of a file; subclass 1 for the second of two */
	RANK_FILE_PRIVATE,    /* a file's private state: pipe, event, timer, epoll instance */
	RANK_EXEC,            /* exec against ptrace and credentials of one process */
	RANK_NETLINK,         /* requests and the dump of one netlink socket */
	RANK_NETCONFIG,       /* interfaces, addresses, routes, neighbours of the network */
	RANK_DEVICE,          /* a device's configuration, open count */
	RANK_TTY,             /* line discipline and settings of one terminal */
	RANK_SOCKET,          /* state of one socket */
	RANK_SOCKETS_IN_FLIGHT, /* which sockets lie in queues of others */
	RANK_SPACE,           /* areas of one user address space */
	RANK_WRITEBACK,       /* who writes the dirty inodes of one super block */
	RANK_META_COMMIT,     /* a round of metadata on its way to the disk */
	RANK_META,            /* a file system's metadata operations */
	RANK_META_MAP,        /* where the blocks of one file lie */
	RANK_META_XATTR,      /* attributes shared by inodes */
	RANK_META_ALLOC,      /* bitmaps and counters */
	RANK_RECLAIM,         /* pseudo-rank, see above */
	RANK_OOM,             /* the choice of an OOM victim */
	RANK_AREA_TREE,       /* interval tree of the areas that map a file */
	RANK_ANON_ROOT,       /* reverse map of a fork lineage */
	RANK_SLEEPING,        /* any other leaf mutex */

	/* Spinning locks, in which nobody sleeps; taken with interrupts on. */
	RANK_SPIN_OUTER,      /* any other spinlock that encloses those below */
	RANK_FD_TABLE,        /* descriptors of one table */
	RANK_MOUNT_HASH,      /* hash of mount points */
	RANK_DENTRY_RENAME,   /* a dentry changes its place */
	RANK_DENTRY,          /* one dentry; subclass: parent 0, child 1 */
	RANK_DENTRY_HASH,     /* chains of the dentry hash */
	RANK_DENTRY_LRU,      /* unused dentries */
	RANK_INODE_CACHE,     /* hash and lists of inodes */
	RANK_INODE,           /* the short-lived fields of an inode */
	RANK_FILE_LOCKS,      /* record locks and flocks */
	RANK_PAGE_TABLE,      /* entries of one page-table page */
	RANK_PAGE_INDEX,      /* index of pages in one mapping */
	RANK_LRU,             /* reclaim's page lists */
	RANK_NOTIFY,          /* who watches which inode, queues of events */
	RANK_PROCESS_TREE,    /* parents, children, groups, sessions */
	RANK_TASK,            /* what others see of a task's resources */
	RANK_PID,             /* the pid index */
	RANK_FUTEX,           /* one futex bucket; subclass 1 for the second of a pair */
	RANK_BLOCK,           /* request queue of a block device */
	RANK_NETCORE,         /* the network stack's core */
	RANK_SOCKET_QUEUE,    /* receive and send queues of a socket */
	RANK_NETDEV,          /* rings and counters of a network device */
	RANK_KERNEL_TABLE,    /* page tables of the kernel's own half */
	RANK_VMALLOC,         /* ranges of the vmalloc area */
	RANK_SLEEP_WAITERS,   /* who waits for one mutex or rwlock */
	RANK_LEAF,            /* any other lock under which only irq-safe ones are taken */

	/* Spinning locks that interrupt handlers take, too: interrupts are off. */
	RANK_IRQ_OUTER,       /* any other irq-safe spinlock that encloses those below */
	RANK_UART,            /* receive and transmit rings of a serial line */
	RANK_SIGNAL,          /* handlers and pending signals of a process */
	RANK_CPU_ALARM,       /* alarms on the CPU time of a process */
	RANK_TIMER,           /* timer heap of a CPU */
	RANK_CLOCK,           /* wall clock offsets */
	RANK_WAITQUEUE,       /* one wait queue; subclass: epoll depth */
	RANK_EPOLL_READY,     /* ready list of an epoll, from callbacks of wait queues */
	RANK_DEFER,           /* deferred work queued to another CPU */
	RANK_RUNQUEUE,        /* run queue of a CPU; lower CPU first */
	RANK_RCU,             /* grace-period bookkeeping */
	RANK_SLAB_LIST,       /* the list of all caches */
	RANK_SLAB,            /* slabs of one cache */
	RANK_SECTION,         /* which sections of memory are brought in */
	RANK_BUDDY,           /* free lists of page frames */
	RANK_IRQ_LINE,        /* handlers of interrupt lines */
	RANK_IRQ_LEAF,        /* any other lock under which nothing is taken but the log */
	RANK_RANDOM,          /* entropy pool */
	RANK_LOG,             /* the log ring */
	RANK_SINK,            /* a console's registers */
	RANK_COUNT,
};

#define RANK_FIRST_SPINNING RANK_SPIN_OUTER
#define RANK_FIRST_IRQ_SAFE RANK_IRQ_OUTER

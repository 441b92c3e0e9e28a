/*
 * Files over the page cache: read, write, mmap, seek. See pagecache.h.
 *
 * Copies to and from user memory happen while holding a page reference (reads) or the inode's lock
 * (writes), never a page lock: a page fault in the copy takes neither, even if it is for the same
 * file. A whole new page is filled before it enters the cache, so that nobody sees what was in it
 * before.
 */
#include <linux/fs.h>

#include "fs/attr.h"
#include "fs/pagecache_impl.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/page.h"
#include "vm/area.h"
#include "vm/space.h"

static size_t page_bytes(pos_t position)
{
	return PAGE_SIZE - ((uint64_t)position & (PAGE_SIZE - 1));
}

/* Out of one page, or of a hole: bytes copied, short on a fault. */
static size_t read_from_page(struct mapping *mapping, pos_t position, struct uio *uio, size_t n)
{
	struct page *page = mapping_find(mapping, (uint64_t)position >> PAGE_SHIFT);
	size_t copied;

	if (!page)
		return uio_zero(uio, n);
	copied = uio_copy_out(uio, (char *)page_to_virt(page) + PAGE_SIZE - page_bytes(position),
	                      n);
	page_put(page);
	return copied;
}

ssize_t mapping_read(struct io *io)
{
	struct mapping *mapping = io->file->mapping;
	struct uio *uio = io->uio;
	const size_t wanted = uio->remaining;
	bool failed = false;
	pos_t end;

	if (!checked_add(io->position, (pos_t)wanted, &end))
		return -EINVAL;

	while (uio->remaining && !failed) {
		pos_t left = READ_ONCE(mapping->host->size) - io->position;
		size_t n, copied;

		if (left <= 0)
			break;
		n = min(page_bytes(io->position), uio->remaining);
		n = min(n, (size_t)left);
		copied = read_from_page(mapping, io->position, uio, n);
		io->position += (pos_t)copied;
		failed = copied < n || mapping_is_interrupted(io->position);
	}
	file_accessed(io->file);
	if (failed && uio->remaining == wanted)
		return -EFAULT;
	return (ssize_t)(wanted - uio->remaining);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Into a page that is not cached: filled first, then inserted. Bytes written, or -errno. */
static ssize_t write_new_page(struct mapping *mapping, pos_t position, struct uio *uio, size_t n)
{
	const size_t from = PAGE_SIZE - page_bytes(position);
	struct page *page = page_alloc(ALLOC_FILE | (n < PAGE_SIZE ? ALLOC_ZERO : 0));
	size_t copied;
	char *at;
	int err;

	if (!page)
		return -ENOMEM;
	at = page_to_virt(page);
	copied = uio_copy_in(uio, at + from, n);
	if (copied < n)
		memset(at + from + copied, 0, n - copied);
	err = copied ? mapping_insert(mapping, (uint64_t)position >> PAGE_SHIFT, page) : -EFAULT;
	if (err == -EEXIST) {
		/* A fault was faster: its page gets the bytes. */
		struct page *other;

		err = mapping_get_page(mapping, (uint64_t)position >> PAGE_SHIFT, &other);
		if (!err) {
			memcpy((char *)page_to_virt(other) + from, at + from, copied);
			page_put(other);
		}
	}
	page_put(page);
	if (!err)
		return (ssize_t)copied;
	uio_revert(uio, copied);
	return err;
}

static ssize_t write_to_page(struct mapping *mapping, pos_t position, struct uio *uio, size_t n)
{
	struct page *page = mapping_find(mapping, (uint64_t)position >> PAGE_SHIFT);
	size_t copied;

	if (!page)
		return write_new_page(mapping, position, uio, n);
	copied = uio_copy_in(uio, (char *)page_to_virt(page) + PAGE_SIZE - page_bytes(position), n);
	page_put(page);
	return copied ? (ssize_t)copied : -EFAULT;
}

static void size_grow(struct inode *inode, pos_t size)
{
	if (size > inode->size)
		WRITE_ONCE(inode->size, size);
}

/* The loop of all writes; inode's lock held. */
static ssize_t write_pages(struct mapping *mapping, struct uio *uio, pos_t *position)
{
	const size_t wanted = uio->remaining;
	ssize_t copied = 0;

	while (uio->remaining) {
		size_t n = min(page_bytes(*position), uio->remaining);

		copied = write_to_page(mapping, *position, uio, n);
		if (copied < 0)
			break;
		*position += copied;
		size_grow(mapping->host, *position);
		if ((size_t)copied < n || mapping_is_interrupted(*position))
			break;
	}
	if (uio->remaining == wanted && copied < 0)
		return copied;
	return (ssize_t)(wanted - uio->remaining);
}

ssize_t mapping_write(struct io *io)
{
	struct file *file = io->file;
	struct mapping *mapping = file->mapping;
	struct inode *inode = mapping->host;
	ssize_t n;

	if (io->flags & IO_NOWAIT && !(file->flags & O_NONBLOCK)) {
		if (!rwlock_write_trylock(&inode->lock))
			return -EAGAIN;
	} else {
		rwlock_write_lock(&inode->lock);
	}
	n = mapping_write_check(io, mapping);
	if (!n && io->uio->remaining) {
		n = file_wrote(file);
		if (!n)
			n = write_pages(mapping, io->uio, &io->position);
	}
	rwlock_write_unlock(&inode->lock);
	if (n > 0 && io->flags & (IO_DSYNC | IO_SYNC)) {
		int err = file_sync(file, io->position - n, io->position - 1, io->flags & IO_DSYNC);

		if (err)
			return err;
	}
	return n;
}

/* ---- the rest ------------------------------------------------------------------------------ */

int mapping_mmap(struct file *file, struct map_request *request)
{
	struct mapping *mapping = file->mapping;

	if (mapping->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) &&
	    request->vm_flags & VM_SHARED) {
		if (request->vm_flags & VM_WRITE)
			return -EPERM;
		request->vm_flags &= ~VM_MAYWRITE;
	}
	request->backing = &mapping->backing;
	file_accessed(file);
	return 0;
}

pos_t mapping_seek(struct file *file, pos_t offset, int whence)
{
	struct inode *inode = file->inode;
	pos_t size, result;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_size(file, offset, whence, inode->size);
	rwlock_read_lock(&inode->lock);
	size = inode->size;
	if (offset < 0 || offset >= size) {
		result = -ENXIO;
	} else if (whence == SEEK_DATA) {
		result = mapping_next_data(file->mapping, offset, size);
		if (result == size)
			result = -ENXIO;
	} else {
		result = mapping_next_hole(file->mapping, offset, size);
	}
	rwlock_read_unlock(&inode->lock);
	if (result >= 0)
		file->position = result;
	return result;
}

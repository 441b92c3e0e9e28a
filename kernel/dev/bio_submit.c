/*
 * The life of a bio between bio_submit() and done(). See bio.h and disk_impl.h for its stages.
 *
 * Completion: block_request_complete() may come in an interrupt, so it only puts the request on a
 * list of its CPU; deferred work there ends requests and bios, frees requests for those that wait,
 * and calls done(). What fails before it reaches a request takes the same way, so that done() never
 * runs inside bio_submit().
 */
#include <arch/percpu.h>

#include <linux/errno.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/disk_impl.h"
#include "lib/math.h"
#include "sched/work.h"

struct done_cpu {
	struct list requests __owned_by_cpu; /* interrupts off */
	struct list bios __owned_by_cpu;     /* interrupts off */
	struct work work;
};

static DEFINE_PER_CPU(struct done_cpu, done_cpu);

static const char *const operation_names[] = {
	[BLOCK_READ] = "READ", [BLOCK_WRITE] = "WRITE", [BLOCK_FLUSH] = "FLUSH",
	[BLOCK_DISCARD] = "DISCARD", [BLOCK_WRITE_ZEROES] = "WRITE_ZEROES",
};

bool disk_has_failed(const struct disk *disk)
{
	return atomic_load_relaxed(&disk->state) & DISK_FAILED;
}

/* ---- done ---------------------------------------------------------------------------------- */

/* The disk's memory is freed after a grace period: it is there until this CPU's next switch. */
static void bio_end(struct bio *bio)
{
	struct disk *disk = bio->device->disk;

	bio->done(bio);
	if (!atomic_dec_return(&disk->in_flight))
		wake_up_all(&disk->idle);
}

static void bio_data_start(struct bio *bio);

void bio_stage_done(struct bio *bio)
{
	struct disk *disk = bio->device->disk;
	const bool flush_after = bio->flags & BIO_FUA && bio->operation != BLOCK_READ &&
	                         disk->flags & DISK_WRITE_CACHE && !(disk->flags & DISK_FUA);

	switch (bio->stage) {
	case STAGE_INTERNAL:
		disk_flush_done(disk);
		return;
	case STAGE_FLUSH_BEFORE:
		if (!bio->error && bio->operation != BLOCK_FLUSH) {
			bio_data_start(bio);
			return;
		}
		break;
	case STAGE_DATA:
		if (!bio->error && flush_after) {
			bio->stage = STAGE_FLUSH_AFTER;
			disk_flush_add(disk, bio);
			return;
		}
		break;
	default:
		break;
	}
	bio_end(bio);
}

static void bio_part_done(struct bio *bio, int error)
{
	if (error)
		atomic_store_relaxed(&bio->error, error);
	/* pairs with the same by other parts: the last sees the error of each */
	if (!atomic_dec_return(&bio->pending))
		bio_stage_done(bio);
}

static void report_error(const struct block_request *request)
{
	const struct bio *bio = request->slice
	                                ? request->slice
	                                : list_first_entry(&request->bios, struct bio, link);

	if (bio->flags & BIO_READAHEAD || request->error == -EOPNOTSUPP)
		return;
	pr_err_ratelimited("I/O error, dev %s, sector %lu op 0x%x:(%s) error %d\n",
	                   request->disk->whole->name, request->sector, request->operation,
	                   operation_names[request->operation], -request->error);
}

static void request_end(struct block_request *request)
{
	const int error = request->error;
	struct bio *slice = request->slice;
	struct list bios = LIST_INIT(bios);

	block_account_end(request);
	if (unlikely(error))
		report_error(request);
	list_splice_tail(&bios, &request->bios);
	disk_request_done(request);
	if (slice)
		bio_part_done(slice, error);
	while (!list_is_empty(&bios)) {
		struct bio *bio = list_first_entry(&bios, struct bio, link);

		list_remove_init(&bio->link);
		bio_part_done(bio, error);
	}
}

static void take(struct list *to, struct list *from)
{
	uint64_t flags = irq_save();

	list_splice_tail(to, from);
	irq_restore(flags);
}

static void run_done(struct work *work)
{
	struct done_cpu *own = container_of(work, struct done_cpu, work);
	struct list requests = LIST_INIT(requests), bios = LIST_INIT(bios);

	take(&requests, &own->requests);
	while (!list_is_empty(&requests)) {
		struct block_request *request =
			list_first_entry(&requests, struct block_request, link);

		list_remove(&request->link);
		request_end(request);
	}
	take(&bios, &own->bios);
	while (!list_is_empty(&bios)) {
		struct bio *bio = list_first_entry(&bios, struct bio, link);

		list_remove_init(&bio->link);
		bio_part_done(bio, 0);
	}
}

/* This CPU's, interrupts off; made when first used. */
static struct done_cpu *done_here(void)
{
	struct done_cpu *own = this_cpu_ptr(done_cpu);

	if (unlikely(!own->work.fn)) {
		list_init(&own->requests);
		list_init(&own->bios);
		work_init(&own->work, run_done);
	}
	return own;
}

void block_request_complete(struct block_request *request, int error)
{
	uint64_t flags = irq_save();
	struct done_cpu *own = done_here();

	request->error = error;
	list_add_tail(&own->requests, &request->link);
	work_queue(&own->work);
	irq_restore(flags);
}

void bio_end_later(struct bio *bio, int error)
{
	uint64_t flags = irq_save();
	struct done_cpu *own = done_here();

	if (error)
		atomic_store_relaxed(&bio->error, error);
	list_add_tail(&own->bios, &bio->link);
	work_queue(&own->work);
	irq_restore(flags);
}

/* ---- submission ---------------------------------------------------------------------------- */

static void bio_data_start(struct bio *bio)
{
	struct list one = LIST_INIT(one);

	bio->stage = STAGE_DATA;
	bio->pending = 1;
	if (bio->operation <= BLOCK_WRITE && block_plug_add(bio))
		return;
	list_add_tail(&one, &bio->link);
	disk_queue_send(bio->device->disk, &one);
}

static bool changes_content(const struct bio *bio)
{
	return bio->operation != BLOCK_READ && bio->operation != BLOCK_FLUSH;
}

static int check_range(struct bio *bio)
{
	const uint64_t size = block_device_sectors(bio->device);
	const uint32_t block = bio->device->disk->limits.logical_block >> SECTOR_SHIFT;
	const uint64_t bytes = bio_size(bio);

	if (bio->nr_segments) {
		if (!is_aligned(bytes, SECTOR_SIZE))
			return -EINVAL;
		bio->nr_sectors = bytes >> SECTOR_SHIFT;
	}
	if (bio->sector > size || bio->nr_sectors > size - bio->sector)
		return -EIO;
	if (!bio->nr_sectors || !is_aligned(bio->sector | bio->nr_sectors, block))
		return -EINVAL;
	if (bio->operation <= BLOCK_WRITE && !bio->nr_segments)
		return -EINVAL;
	return 0;
}

static int check(struct bio *bio)
{
	const struct disk *disk = bio->device->disk;

	if (disk_has_failed(disk) || atomic_load_relaxed(&bio->device->is_gone))
		return -EIO;
	if (changes_content(bio) && block_device_is_readonly(bio->device))
		return -EPERM;
	if (bio->operation == BLOCK_DISCARD && !disk->limits.max_discard_sectors)
		return -EOPNOTSUPP;
	return bio->operation == BLOCK_FLUSH ? 0 : check_range(bio);
}

void bio_submit(struct bio *bio)
{
	struct disk *disk = bio->device->disk;
	int err;

	debug_assert(bio->done);
	atomic_inc_return(&disk->in_flight); /* before the state is looked at: disk_remove() */
	bio->error = 0;
	bio->issued = 0;
	bio->issued_segment = bio->issued_offset = 0;
	bio->pending = 1;
	bio->stage = STAGE_DATA;
	err = check(bio);
	bio->start_sector = bio->device->first_sector + bio->sector;
	if (unlikely(err)) {
		bio->flags &= (uint8_t)~BIO_FUA;
		bio_end_later(bio, err);
	} else if (bio->operation != BLOCK_FLUSH && !(bio->flags & BIO_PREFLUSH &&
	                                              disk->flags & DISK_WRITE_CACHE)) {
		bio_data_start(bio);
	} else if (disk->flags & DISK_WRITE_CACHE) {
		bio->stage = STAGE_FLUSH_BEFORE;
		disk_flush_add(disk, bio);
	} else {
		bio_end_later(bio, 0);
	}
}

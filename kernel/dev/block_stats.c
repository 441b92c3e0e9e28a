/*
 * Statistics of block devices, as /proc/diskstats has them: for the partition that a request is for
 * and for the whole disk. The counters are atomic, each by itself.
 */
#include "dev/disk_impl.h"
#include "lib/math.h"
#include "sched/clock.h"

static struct block_device *device_of(const struct block_request *request)
{
	return request->slice ? request->slice->device
	                      : list_first_entry(&request->bios, struct bio, link)->device;
}

static unsigned int kind_of(const struct block_request *request)
{
	switch (request->operation) {
	case BLOCK_READ:
		return BLOCK_STAT_READ;
	case BLOCK_DISCARD:
		return BLOCK_STAT_DISCARD;
	case BLOCK_FLUSH:
		return BLOCK_STAT_FLUSH;
	default:
		return BLOCK_STAT_WRITE;
	}
}

static void start_one(struct block_statistics *stats, bool is_read, ns_t now)
{
	atomic_inc(&stats->in_flight[!is_read]);
	if (atomic_inc_return(&stats->in_flight_all) == 1)
		atomic_store_relaxed(&stats->busy_since, now);
}

static void end_one(struct block_statistics *stats, const struct block_request *request, ns_t now)
{
	const unsigned int kind = kind_of(request);
	const ns_t since = atomic_load_relaxed(&stats->busy_since);

	atomic_inc(&stats->ios[kind]);
	atomic_add(&stats->sectors[kind], request->nr_sectors);
	atomic_add(&stats->time_ns[kind], (uint64_t)(now - request->started_ns));
	atomic_dec(&stats->in_flight[request->operation != BLOCK_READ]);
	if (!atomic_dec_return(&stats->in_flight_all) && now > since)
		atomic_add(&stats->busy_ns, (uint64_t)(now - since));
}

void block_account_start(struct block_request *request)
{
	struct block_device *device = device_of(request);

	start_one(&device->stats, request->operation == BLOCK_READ, request->started_ns);
	if (device->partition)
		start_one(&device->disk->whole->stats, request->operation == BLOCK_READ,
		          request->started_ns);
}

void block_account_merge(struct block_request *request)
{
	struct block_device *device = device_of(request);

	atomic_inc(&device->stats.merges[kind_of(request)]);
	if (device->partition)
		atomic_inc(&device->disk->whole->stats.merges[kind_of(request)]);
}

void block_account_end(const struct block_request *request)
{
	struct block_device *device = device_of(request);
	const ns_t now = clock_monotonic();

	end_one(&device->stats, request, now);
	if (device->partition)
		end_one(&device->disk->whole->stats, request, now);
}

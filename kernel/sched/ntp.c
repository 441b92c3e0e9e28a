/*
 * The clock discipline: the kernel PLL of RFC 1589 as adjtimex(2) shows it.
 *
 * The rate of the clock is the sum of a frequency (ADJ_FREQUENCY, ADJ_TICK) that stays and of a
 * slew that takes away a part of the outstanding offset in each second (ADJ_OFFSET by PLL,
 * ADJ_OFFSET_SINGLESHOT at most 500 us a second). While something is outstanding, or a leap second
 * is ordered, a timer runs once a second and its work does the arithmetic in thread context, under
 * ntp.lock.
 *
 * The estimated maximum error grows by 500 us a second; it is computed when somebody asks.
 */
#include "sched/ntp.h"

#include <linux/timex.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "sched/clock.h"
#include "sched/mutex.h"
#include "sched/timer.h"
#include "sched/work.h"

#define RATE_ONE         (1ll << 32)                /* 1 ns a second */
#define FREQUENCY_MAX    (500000ll * RATE_ONE)      /* 500 ppm */
#define FREQUENCY_MAX_PPM16 (500ll << 16)           /* the same as adjtimex(2) counts it */
#define OFFSET_MAX       (500 * NS_PER_MSEC)
#define SINGLESHOT_SPEED 500ll                      /* us a second */
#define ERROR_GROWTH_US  500ll
#define ERROR_MAX_US     16000000ll
#define TICK_US          10000ll
#define DAY              86400ll

enum { PLL_SHIFT = 2, CONSTANT_MAX = 10, TAI_MAX = 100000 };

static void ntp_second(struct work *work);
static void ntp_timer_fire(struct timer *timer);

static struct {
	struct mutex lock;
	int      status __guarded_by(lock);       /* STA_* without the computed ones */
	int      state __guarded_by(lock);        /* TIME_OK, INS, DEL, OOP, WAIT */
	int64_t  frequency __guarded_by(lock);    /* 2^-32 ns a second */
	int64_t  tick_us __guarded_by(lock);
	int64_t  offset_ns __guarded_by(lock);    /* what the PLL has yet to take away */
	int64_t  singleshot_us __guarded_by(lock);
	int64_t  constant __guarded_by(lock);
	int64_t  max_error_us __guarded_by(lock);
	int64_t  estimated_error_us __guarded_by(lock);
	ns_t     error_since __guarded_by(lock);  /* monotonic time of max_error_us */
	ns_t     last_update __guarded_by(lock);  /* monotonic time of the last ADJ_OFFSET */
	struct timer timer;
	struct work  work;
} ntp = {
	.lock = MUTEX(ntp.lock, RANK_SLEEPING),
	.status = STA_UNSYNC,
	.tick_us = TICK_US,
	.constant = 2,
	.max_error_us = ERROR_MAX_US,
	.estimated_error_us = ERROR_MAX_US,
	.timer = { .callback = ntp_timer_fire },
	.work = WORK(ntp_second),
};

static int64_t max_error_now(void)
{
	int64_t grown = ntp.max_error_us +
	                (clock_monotonic() - ntp.error_since) / NS_PER_SEC * ERROR_GROWTH_US;

	return min(grown, ERROR_MAX_US);
}

static void ntp_timer_fire(struct timer *timer)
{
	(void)timer;
	work_queue_sleeping(&ntp.work);
}

static bool ntp_is_busy(void)
{
	return ntp.offset_ns || ntp.singleshot_us || ntp.state != TIME_OK ||
	       (ntp.status & (STA_INS | STA_DEL));
}

/* The second begins: sets the rate for it. */
static void ntp_apply(void)
{
	int64_t slew = ntp.offset_ns >> (PLL_SHIFT + ntp.constant);
	int64_t single = clamp(ntp.singleshot_us, -SINGLESHOT_SPEED, SINGLESHOT_SPEED);

	if (ntp.offset_ns && !slew)
		slew = ntp.offset_ns;
	ntp.offset_ns -= slew;
	ntp.singleshot_us -= single;
	clock_set_rate(ntp.frequency + (ntp.tick_us - TICK_US) * 100000 * RATE_ONE +
	               (slew + single * 1000) * RATE_ONE);
	if (ntp_is_busy() || slew || single)
		timer_start(&ntp.timer, clock_monotonic() + NS_PER_SEC);
}

/* Steps the clock at the end of the day if that was ordered; the states of RFC 1589. */
static void ntp_leap(void)
{
	ns_t now = clock_realtime();
	int64_t to_midnight = DAY - now / NS_PER_SEC % DAY;

	if (ntp.state == TIME_OK && (ntp.status & STA_INS))
		ntp.state = TIME_INS;
	else if (ntp.state == TIME_OK && (ntp.status & STA_DEL))
		ntp.state = TIME_DEL;
	else if ((ntp.state == TIME_INS || ntp.state == TIME_DEL) &&
	         !(ntp.status & (STA_INS | STA_DEL)))
		ntp.state = TIME_OK;
	else if (ntp.state == TIME_INS && to_midnight == DAY) {
		(void)!clock_set_realtime(now - NS_PER_SEC);
		clock_set_tai_offset(clock_tai_offset() + 1);
		ntp.state = TIME_OOP;
	} else if (ntp.state == TIME_DEL && to_midnight == 1) {
		(void)!clock_set_realtime(now + NS_PER_SEC);
		clock_set_tai_offset(clock_tai_offset() - 1);
		ntp.state = TIME_WAIT;
	} else if (ntp.state == TIME_OOP) {
		ntp.state = TIME_WAIT;
	} else if (ntp.state == TIME_WAIT && !(ntp.status & (STA_INS | STA_DEL))) {
		ntp.state = TIME_OK;
	}
}

static void ntp_second(struct work *work)
{
	(void)work;
	mutex_lock(&ntp.lock);
	ntp_leap();
	ntp_apply();
	mutex_unlock(&ntp.lock);
}

/* ADJ_OFFSET: the phase is taken away by slewing, and the frequency learns from it. */
static void ntp_set_offset(int64_t offset_ns)
{
	ns_t now = clock_monotonic();
	int64_t seconds = (now - ntp.last_update) / NS_PER_SEC;
	int64_t limit = 1ll << (PLL_SHIFT + 1 + ntp.constant);
	int64_t shift = 32 - 2 * (PLL_SHIFT + 2 + ntp.constant);
	int64_t product;

	if (!(ntp.status & STA_PLL))
		return;
	offset_ns = clamp(offset_ns, -OFFSET_MAX, OFFSET_MAX);
	seconds = ntp.status & STA_FREQHOLD || !ntp.last_update ? 0 : min(seconds, limit);
	product = offset_ns * seconds;
	product = shift >= 0 ? product << shift : product >> -shift;
	ntp.frequency = clamp(ntp.frequency + product, -FREQUENCY_MAX, FREQUENCY_MAX);
	ntp.last_update = now;
	ntp.offset_ns = offset_ns;
}

static int ntp_check(const struct __kernel_timex *tx)
{
	int64_t unit = tx->modes & ADJ_NANO ? NS_PER_SEC : 1000000;

	if ((tx->modes & ADJ_TICK) && (tx->tick < TICK_US * 9 / 10 || tx->tick > TICK_US * 11 / 10))
		return -EINVAL;
	if ((tx->modes & ADJ_SETOFFSET) && (tx->time.tv_usec < 0 || tx->time.tv_usec >= unit))
		return -EINVAL;
	return 0;
}

static void ntp_set_status(int status)
{
	bool was_pll = ntp.status & STA_PLL;

	if (was_pll && !(status & STA_PLL)) {
		ntp.state = TIME_OK;
		ntp.status = STA_UNSYNC | (ntp.status & STA_NANO);
	}
	if (!was_pll && (status & STA_PLL))
		ntp.last_update = clock_monotonic();
	ntp.status = (ntp.status & STA_RONLY) | (status & ~STA_RONLY);
}

static int ntp_step(const struct __kernel_timex *tx)
{
	int64_t fraction = tx->time.tv_usec * (tx->modes & ADJ_NANO ? 1 : 1000);
	int64_t step, now;

	if (!checked_mul(tx->time.tv_sec, NS_PER_SEC, &step) ||
	    !checked_add(step, fraction, &step) || !checked_add(clock_realtime(), step, &now))
		return -EINVAL;
	return clock_set_realtime(now);
}

/* Takes over what tx->modes names. */
static void ntp_take(const struct __kernel_timex *tx)
{
	if (tx->modes & ADJ_STATUS)
		ntp_set_status(tx->status);
	if (tx->modes & ADJ_NANO)
		ntp.status |= STA_NANO;
	if (tx->modes & ADJ_MICRO)
		ntp.status &= ~STA_NANO;
	if (tx->modes & ADJ_FREQUENCY)
		ntp.frequency = clamp(tx->freq, -FREQUENCY_MAX_PPM16, FREQUENCY_MAX_PPM16) * 1000
		                << 16;
	if (tx->modes & ADJ_MAXERROR) {
		ntp.max_error_us = clamp(tx->maxerror, 0ll, ERROR_MAX_US);
		ntp.error_since = clock_monotonic();
	}
	if (tx->modes & ADJ_ESTERROR)
		ntp.estimated_error_us = clamp(tx->esterror, 0ll, ERROR_MAX_US);
	if (tx->modes & ADJ_TIMECONST)
		ntp.constant = clamp(tx->constant + (ntp.status & STA_NANO ? 0 : 4), 0ll,
		                     (long long)CONSTANT_MAX);
	if ((tx->modes & ADJ_TAI) && tx->constant >= 0 && tx->constant <= TAI_MAX)
		clock_set_tai_offset((int)tx->constant);
	if (tx->modes & ADJ_OFFSET)
		ntp_set_offset(clamp(tx->offset, -OFFSET_MAX, OFFSET_MAX) *
		               (ntp.status & STA_NANO ? 1 : 1000));
	if (tx->modes & ADJ_TICK)
		ntp.tick_us = tx->tick;
}

static int ntp_report(struct __kernel_timex *tx)
{
	int64_t error_us = max_error_now();
	ns_t now;

	if (error_us >= ERROR_MAX_US)
		ntp.status |= STA_UNSYNC;
	tx->offset = ntp.status & STA_NANO ? ntp.offset_ns : ntp.offset_ns / 1000;
	tx->freq = (ntp.frequency >> 16) / 1000;
	tx->maxerror = error_us;
	tx->esterror = ntp.estimated_error_us;
	tx->status = ntp.status;
	tx->constant = ntp.constant;
	tx->precision = 1;
	tx->tolerance = 500 << 16;
	tx->tick = ntp.tick_us;
	tx->ppsfreq = tx->jitter = tx->stabil = tx->jitcnt = tx->calcnt = tx->errcnt = tx->stbcnt =
		0;
	tx->shift = 0;
	tx->tai = clock_tai_offset();
	now = clock_realtime();
	tx->time.tv_sec = now / NS_PER_SEC;
	tx->time.tv_usec = now % NS_PER_SEC / (ntp.status & STA_NANO ? 1 : 1000);
	return ntp.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : ntp.state;
}

int clock_adjust(struct __kernel_timex *tx)
{
	bool singleshot = (tx->modes & ADJ_OFFSET_SINGLESHOT) == ADJ_OFFSET_SINGLESHOT;
	int64_t outstanding;
	int err = 0;

	if ((tx->modes & 0x8000) && !singleshot)
		return -EINVAL;
	if (!singleshot)
		err = ntp_check(tx);
	if (err)
		return err;
	mutex_lock(&ntp.lock);
	outstanding = ntp.singleshot_us;
	if (!singleshot && (tx->modes & ADJ_SETOFFSET))
		err = ntp_step(tx);
	if (err)
		goto out_unlock;
	if (singleshot && tx->modes != ADJ_OFFSET_SS_READ)
		ntp.singleshot_us = tx->offset;
	else if (!singleshot)
		ntp_take(tx);
	if (tx->modes && tx->modes != ADJ_OFFSET_SS_READ && !timer_is_pending(&ntp.timer))
		ntp_apply();
	else if (tx->modes & (ADJ_FREQUENCY | ADJ_TICK))
		timer_start(&ntp.timer, clock_monotonic());
	err = ntp_report(tx);
	if (singleshot)
		tx->offset = outstanding;
out_unlock:
	mutex_unlock(&ntp.lock);
	return err;
}

void ntp_clear(void)
{
	mutex_lock(&ntp.lock);
	ntp.singleshot_us = 0;
	ntp.offset_ns = 0;
	ntp.status |= STA_UNSYNC;
	ntp.max_error_us = ERROR_MAX_US;
	ntp.estimated_error_us = ERROR_MAX_US;
	mutex_unlock(&ntp.lock);
}

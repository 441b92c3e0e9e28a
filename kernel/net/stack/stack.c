/*
 * The core lock, and what its holder owes at the end. See stack.h.
 */
#include "net/stack/stack.h"

#include <linux/errno.h>
#include <lwip/init.h>

#include "core/panic.h"
#include "lib/checksum.h"
#include "net/netns.h"
#include "net/stack/stack_impl.h"
#include "net/stack/start.h"
#include "sched/work.h"

struct stack stack = { .lock = SPINLOCK(RANK_NETCORE) };

void stack_init(void)
{
	stack_lock(&netns_initial);
	lwip_init();
	stack_timers_init();
	stack_unlock(&netns_initial);
}

/* What a round did not get to. */
static void stack_continue(struct work *work)
{
	stack_lock(&netns_initial);
	stack_unlock(&netns_initial);
}

static struct work continuing = WORK(stack_continue);

void stack_finish(void)
{
	if (stack.pending & STACK_LOOPBACK && !loopback_deliver())
		stack.pending &= ~(uint32_t)STACK_LOOPBACK;
	if (stack.pending & STACK_COMMIT)
		ethernet_commit();
	if (stack.pending & STACK_TIMER)
		stack_timers_arm();
	stack.pending &= STACK_LOOPBACK;
	if (stack.pending)
		work_queue(&continuing);
}

void stack_assert_locked(void)
{
	debug_assert(spin_is_held(&stack.lock));
}

int stack_errno(err_t err)
{
	static const uint8_t numbers[] = {
		[0] = 0,
		[-ERR_MEM] = ENOMEM,
		[-ERR_BUF] = ENOBUFS,
		[-ERR_TIMEOUT] = ETIMEDOUT,
		[-ERR_RTE] = ENETUNREACH,
		[-ERR_INPROGRESS] = EINPROGRESS,
		[-ERR_VAL] = EINVAL,
		[-ERR_WOULDBLOCK] = EAGAIN,
		[-ERR_USE] = EADDRINUSE,
		[-ERR_ALREADY] = EALREADY,
		[-ERR_ISCONN] = EISCONN,
		[-ERR_CONN] = ENOTCONN,
		[-ERR_IF] = ENETDOWN,
		[-ERR_ABRT] = ECONNABORTED,
		[-ERR_RST] = ECONNRESET,
		[-ERR_CLSD] = ENOTCONN,
		[-ERR_ARG] = EINVAL,
	};

	assert(err <= 0 && (size_t)-err < array_size(numbers));
	return -numbers[-err];
}

/* ---- for lwIP -------------------------------------------------------------------------------- */

void stack_assertion_failed(const char *what, const char *file, int line)
{
	panic("%s:%d: lwIP: %s", file, line, what);
}

#if DEBUG
void stack_assert_core_locked(void)
{
	stack_assert_locked();
}
#endif

uint16_t stack_checksum(const void *data, int size)
{
	return checksum_fold(checksum_add(0, data, (size_t)size));
}

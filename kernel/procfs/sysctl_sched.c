/*
 * /proc/sys/kernel: how much of the CPUs real-time threads may have (sched(7)).
 */
#include "procfs/sysctl.h"
#include "sched/policy.h"

static int set_runtime(int64_t runtime_us)
{
	return sched_rt_limit_set(runtime_us, sched_rt_period_us());
}

static int set_period(int64_t period_us)
{
	return sched_rt_limit_set(sched_rt_runtime_us(), period_us);
}

const struct sysctl_int sysctl_rt_runtime = { sched_rt_runtime_us, set_runtime, -1, INT32_MAX };
const struct sysctl_int sysctl_rt_period = { sched_rt_period_us, set_period, 1, INT32_MAX };

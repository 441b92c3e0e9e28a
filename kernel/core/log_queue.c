/*
 * The queues of messages from NMIs. See core/log_queue.h.
 */
#include "core/log_queue.h"

#include <arch/percpu.h>

#include "lib/atomic.h"
#include "lib/string.h"

enum { QUEUE_LEN = 8, TEXT_MAX = 120 };

struct queued {
	uint8_t level;
	char    text[TEXT_MAX]; /* terminated */
};

struct log_queue {
	uint32_t      put __atomic;   /* ever, by the handler */
	uint32_t      taken __atomic; /* ever, outside of it */
	uint32_t      lost __atomic;
	struct queued messages[QUEUE_LEN];
};

static DEFINE_PER_CPU(struct log_queue, log_queue);

void log_queue_put(enum log_level level, const char *text, size_t len)
{
	struct log_queue *queue = this_cpu_ptr(log_queue);
	struct queued *to = &queue->messages[queue->put % QUEUE_LEN];

	if (queue->put - queue->taken == QUEUE_LEN) {
		atomic_inc(&queue->lost);
		return;
	}
	len = len < TEXT_MAX ? len : TEXT_MAX - 1;
	memcpy(to->text, text, len);
	to->text[len] = '\0';
	to->level = level;
	atomic_store(&queue->put, queue->put + 1); /* after the message */
}

void log_queue_flush(void)
{
	struct log_queue *queue = this_cpu_ptr(log_queue);
	uint32_t lost;

	if (likely(queue->taken == atomic_load_relaxed(&queue->put)))
		return;
	while (queue->taken != atomic_load(&queue->put)) {
		const struct queued *message = &queue->messages[queue->taken % QUEUE_LEN];

		log_printf(message->level, "%s", message->text);
		atomic_store(&queue->taken, queue->taken + 1);
	}
	lost = atomic_xchg(&queue->lost, 0);
	if (lost)
		pr_warn("log: %u messages from NMIs lost\n", lost);
}

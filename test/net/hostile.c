/*
 * hostile.c - the hostile neighbour (packets.h) on the wire of a guest: its standard input is the
 * socket of QEMU's -netdev socket, on which each frame follows its length in four bytes.
 *
 *	hostile SEED SECONDS MAC [flood]
 *
 * It answers what a decent neighbour would, and sends in between; with `flood`, only SYNs. In the
 * end it says how much it has sent. What it sends depends on the seed and on what the guest
 * answers.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "packets.h"

enum { HEADER = 4, INPUT = 1 << 18, BATCH = 32 };

static struct packets packets;
static uint8_t input[INPUT];
static size_t filled;

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* False when the guest has gone. */
static bool send_frame(const uint8_t *frame, size_t size)
{
	uint8_t out[HEADER + PACKET_MAX] = { 0, 0, (uint8_t)(size >> 8), (uint8_t)size };

	memcpy(out + HEADER, frame, size);
	for (size_t done = 0; done < HEADER + size;) {
		ssize_t count = write(STDIN_FILENO, out + done, HEADER + size - done);

		if (count < 0 && errno != EINTR)
			return false;
		done += count > 0 ? (size_t)count : 0;
	}
	return true;
}

static size_t frame_size(const uint8_t *at)
{
	return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static bool hear(void)
{
	static uint8_t frame[PACKET_MAX];
	ssize_t count = read(STDIN_FILENO, input + filled, sizeof(input) - filled);
	size_t at = 0;

	if (count <= 0)
		return false;
	filled += (size_t)count;
	while (filled - at >= HEADER && filled - at - HEADER >= frame_size(input + at)) {
		size_t size = frame_size(input + at);
		size_t answer = packet_heard(&packets, input + at + HEADER, size, frame);

		if (answer && !send_frame(frame, answer))
			return false;
		at += HEADER + size;
	}
	memmove(input, input + at, filled - at);
	filled -= at;
	return true;
}

int main(int argc, char **argv)
{
	static const uint16_t ports[PACKET_PORTS] = { 7000, 80, 23, 7 };
	static uint8_t frame[PACKET_MAX];
	uint8_t mac[6];
	bool floods = argc > 4;
	long end;

	if (argc < 4 || sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2,
			       mac + 3, mac + 4, mac + 5) != 6)
		return 2;
	packets_init(&packets, strtoull(argv[1], NULL, 0), mac, ports);
	end = now_ms() + atol(argv[2]) * 1000;
	while (now_ms() < end) {
		struct pollfd pollfd = { .fd = STDIN_FILENO, .events = POLLIN };

		while (poll(&pollfd, 1, 0) == 1)
			if (!hear())
				return 1;
		for (int i = 0; i < BATCH; i++) {
			size_t size = (floods ? packet_flood : packet_next)(&packets, frame);

			if (!send_frame(frame, size))
				return 1;
		}
	}
	printf("hostile: %llu packets, %llu mutated, %llu connections\n",
	       (unsigned long long)packets.nr_sent, (unsigned long long)packets.nr_mutated,
	       (unsigned long long)packets.nr_live);
	return 0;
}

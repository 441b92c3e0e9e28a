/*
 * The class of keyboards: a driver reports keys by their Linux numbers (KEY_* of
 * <linux/input-event-codes.h>) as they go down and up; one client (tty/screen.c) makes characters
 * of them and says which lights are on.
 *
 * Reports come from interrupts, one at a time for each keyboard. A key that is held is reported
 * down again and again by the hardware.
 */
#pragma once

#include "lib/types.h"

/* Lights, as KDSETLED has them: K_* of <linux/kd.h>. */
enum { KEYBOARD_SCROLL_LOCK = 1 << 0, KEYBOARD_NUM_LOCK = 1 << 1, KEYBOARD_CAPS_LOCK = 1 << 2 };

struct keyboard {
	const char *name __const_after_init;
	/* Any context; what cannot be sent now is sent later, or dropped for a newer one. */
	void (*set_lights)(struct keyboard *keyboard, uint8_t lights);
};

struct keyboard_client {
	/* In an interrupt: wakes or queues work. */
	void (*key)(uint16_t key, bool is_down);
};

/* There is at most one. The structure stays the driver's. False: there is one already. */
bool keyboard_register(struct keyboard *keyboard);
/* Once, while the machine starts; reports before it are dropped. */
void keyboard_set_client(const struct keyboard_client *client);

/* For drivers. In an interrupt, no lock held that the client may want. */
void keyboard_report(uint16_t key, bool is_down);
/* For the client. Any context. */
void keyboard_set_lights(uint8_t lights);

/*
 * From keys to the bytes that a terminal gets: the US layout, and what Linux's console sends for
 * every other key (its defkeymap, and terminfo's "linux").
 *
 * Pure: the caller's lock guards the struct.
 */
#pragma once

#include "lib/types.h"

enum { KEYMAP_BYTES_MAX = 8, KEYMAP_KEYS = 128 };

/* Modes of the terminal that change what keys send. */
enum keymap_mode {
	KEYMAP_APPLICATION_CURSOR = 1 << 0,
	KEYMAP_APPLICATION_KEYPAD = 1 << 1,
	KEYMAP_NEWLINE = 1 << 2, /* Return sends CR LF */
};

struct keymap {
	uint64_t down[KEYMAP_KEYS / 64]; /* keys that are held */
	bool     has_caps_lock, has_num_lock;
	bool     is_sysrq; /* SysRq is held, pressed with Alt: other keys are commands */
};

enum keymap_action {
	KEYMAP_NONE,
	KEYMAP_LIGHTS, /* a lock has changed */
	KEYMAP_REBOOT, /* Ctrl-Alt-Del */
	KEYMAP_SYSRQ,  /* bytes[0] is the command, none of it is input */
};

struct keymap_result {
	enum keymap_action action;
	uint8_t            bytes[KEYMAP_BYTES_MAX];
	uint8_t            len;
};

/* A key went down (again and again while it is held) or up; modes: KEYMAP_*. */
void keymap_press(struct keymap *map, uint16_t key, bool is_down, unsigned int modes,
                  struct keymap_result *result);

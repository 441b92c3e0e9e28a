/*
 * The class of power buttons: a driver says that it was pressed, one client decides what that
 * means (proc/power_button.c).
 */
#pragma once

/* Once, while the machine starts; presses before it are dropped. `pressed`: in an interrupt. */
void power_button_set_client(void (*pressed)(void));

/* For drivers. In an interrupt. */
void power_button_report(void);

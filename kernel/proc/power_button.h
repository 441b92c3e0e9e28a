/*
 * What the power button does: SIGUSR2 for an init that catches it (busybox's powers off in good
 * order then); otherwise, and at the second press within ten seconds, the machine goes off once
 * what is written has reached its place.
 */
#pragma once

/* Becomes the client of dev/power_button.h. */
void power_button_init(void);

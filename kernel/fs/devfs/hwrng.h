/*
 * /dev/hwrng: the noise of a generator in hardware (dev/hwrng.h), as it comes.
 */
#pragma once

/* The node appears with the first generator. */
void hwrng_file_init(void);

/*
 * The framebuffer that the firmware set up (UEFI's graphics output protocol), as the loader
 * describes it in bootinfo. What is not 32 bits a pixel, or makes no sense, is refused with a line
 * in the log.
 */
#pragma once

struct bootinfo;

/* Maps it, write-combining, and registers it (dev/framebuffer.h). While the machine starts. */
void efifb_init(const struct bootinfo *info);

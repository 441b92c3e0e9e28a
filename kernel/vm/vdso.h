/*
 * The vDSO and its data page, as an object that spaces map: space_map_vdso (vm/space.h).
 */
#pragma once

/* vdso_image.S: the ELF image as it was built. */
extern const char vdso_image_start[], vdso_image_end[];

/* Start-up, once pages can be allocated: copies the image into pages of its own. */
void vdso_init(void);

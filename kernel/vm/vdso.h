/*
 * The vDSO and its data page, as an object that spaces map: space_map_vdso (vm/space.h).
 */
#pragma once

/* Start-up, once pages can be allocated: copies the image into pages of its own. */
void vdso_init(void);

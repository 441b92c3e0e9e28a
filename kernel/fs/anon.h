/*
 * The super block behind file_create_anonymous() (fs/file.h).
 */
#pragma once

/* Once, after the mount tables exist. */
void anon_init(void);

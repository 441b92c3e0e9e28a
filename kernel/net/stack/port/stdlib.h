/*
 * <stdlib.h> for lwIP, which wants it for atoi() in netif_find(): nobody calls that, and nobody
 * defines this; the linker leaves both out.
 */
#pragma once

int atoi(const char *text);

/*
 * <string.h> for lwIP: the kernel's own.
 */
#pragma once

#include "lib/string.h"

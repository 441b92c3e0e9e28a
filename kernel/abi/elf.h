/*
 * ELF relocations of x86-64 that the kernel applies to itself, besides <linux/elf.h>.
 */
#pragma once

#include <linux/elf-em.h>
#include <linux/elf.h>

#define R_X86_64_NONE     0
#define R_X86_64_64       1
#define R_X86_64_PC32     2
#define R_X86_64_PLT32    4
#define R_X86_64_GLOB_DAT 6
#define R_X86_64_RELATIVE 8
#define R_X86_64_32       10
#define R_X86_64_32S      11
#define R_X86_64_PC64     24

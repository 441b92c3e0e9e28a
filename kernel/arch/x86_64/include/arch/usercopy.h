/*
 * The only code that touches user memory. Every access has an entry in the exception table: a fault
 * that cannot be resolved ends the copy, never the kernel.
 *
 * May sleep (the fault brings the page in) unless interrupts are off or usercopy_nosleep_begin()
 * is in force: then a page that is not there is a failure. Addresses are checked against USER_MAX
 * here; nobody else has to.
 */
#pragma once

#include "arch/thread.h"

/*
 * Chooses the copy routine and arms SMAP's stac and clac. Before paging_init() (it patches text).
 */
void usercopy_init(void);

/* Bytes NOT copied: 0 is success. What was copied is a prefix. */
__must_check size_t user_copy_in(void *dst, const void __user *src, size_t size);
__must_check size_t user_copy_out(void __user *dst, const void *src, size_t size);
__must_check size_t user_zero(void __user *dst, size_t size);

/*
 * Up to the terminating 0. Length without it; size if none within size bytes (dst then is not
 * terminated); -EFAULT.
 */
__must_check ssize_t user_string_copy_in(char *dst, const char __user *src, size_t size);

/* One aligned or unaligned integer. 0, -EFAULT (then *value is 0). */
__must_check int user_get_u8(uint8_t *value, const uint8_t __user *src);
__must_check int user_get_u16(uint16_t *value, const uint16_t __user *src);
__must_check int user_get_u32(uint32_t *value, const uint32_t __user *src);
__must_check int user_get_u64(uint64_t *value, const uint64_t __user *src);
__must_check int user_put_u8(uint8_t __user *dst, uint8_t value);
__must_check int user_put_u16(uint16_t __user *dst, uint16_t value);
__must_check int user_put_u32(uint32_t __user *dst, uint32_t value);
__must_check int user_put_u64(uint64_t __user *dst, uint64_t value);

/*
 * Exchange of an aligned user word if it is as expected, for futex(2); *old is what was there. 0,
 * -EFAULT.
 */
__must_check int user_cmpxchg_u32(uint32_t __user *word, uint32_t expected, uint32_t value,
                                  uint32_t *old);

/* Between them, copies do not sleep: a page that is not present fails the copy. They nest. */
static inline void usercopy_nosleep_begin(void)
{
	arch_current()->fixup_only++;
	barrier();
}

static inline void usercopy_nosleep_end(void)
{
	barrier();
	arch_current()->fixup_only--;
}

/*
 * Kernel memory that may not be mapped (a backtrace, a debugger). False if any byte cannot be read.
 */
bool kernel_read_nofault(void *dst, const void *src, size_t size);

/* The exception table: if regs->rip has an entry, continues there and says true. */
bool extable_fixup(struct pt_regs *regs);
bool extable_has(uint64_t rip);

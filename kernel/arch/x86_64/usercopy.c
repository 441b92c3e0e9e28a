/*
 * User memory: the exception table, and the single accesses; copies are in usercopy.S.
 *
 * Each single access is one instruction with an entry in .extable and a fix-up that says -EFAULT.
 * SMAP's stac and clac stand around it as three-byte nops that usercopy_init() replaces.
 */
#include <arch/usercopy.h>

#include <linux/errno.h>

#include <arch/cpu.h>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/image.h"
#include "lib/string.h"

/* ---- the exception table ------------------------------------------------------------------- */

/* A few dozen entries, looked through in order: only a fault pays. */
static const struct extable_entry *find_entry(uint64_t rip)
{
	for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
		if ((uint64_t)&e->insn + (uint64_t)(int64_t)e->insn == rip)
			return e;
	}
	return NULL;
}

bool extable_has(uint64_t rip)
{
	return find_entry(rip) != NULL;
}

bool extable_fixup(struct pt_regs *regs)
{
	const struct extable_entry *e = find_entry(regs->rip);

	if (!e)
		return false;
	regs->rip = (uint64_t)&e->fixup + (uint64_t)(int64_t)e->fixup;
	return true;
}

/* ---- patching ------------------------------------------------------------------------------ */

static bool is_needed(uint32_t kind)
{
	return kind == PATCH_SWAPGS_FENCE ? !cpu_has(CPU_EMULATOR) : cpu_has(CPU_SMAP);
}

void usercopy_init(void)
{
	static const uint8_t nop2[2] = { 0x66, 0x90 };
	static const uint8_t code[][3] = {
		[PATCH_CLAC] = { 0x0f, 0x01, 0xca },
		[PATCH_STAC] = { 0x0f, 0x01, 0xcb },
		[PATCH_SWAPGS_FENCE] = { 0x0f, 0xae, 0xe8 }, /* lfence */
	};

	if (cpu_has(CPU_FSRM))
		memcpy(user_copy_choice, nop2, sizeof(nop2));
	for (const struct patch_site *s = patch_sites_start; s < patch_sites_end; s++) {
		char *at = (char *)(uintptr_t)&s->at + s->at;

		if (is_needed(s->kind))
			memcpy(at, code[s->kind], sizeof(code[0]));
	}
}

/* ---- runs of bytes ------------------------------------------------------------------------- */

size_t user_copy_in(void *dst, const void __user *src, size_t size)
{
	if (unlikely(!is_user_range((uaddr_t)src, size)))
		return size;
	return user_copy_rep(dst, (const void __force *)src, size);
}

size_t user_copy_out(void __user *dst, const void *src, size_t size)
{
	if (unlikely(!is_user_range((uaddr_t)dst, size)))
		return size;
	return user_copy_rep((void __force *)dst, src, size);
}

size_t user_zero(void __user *dst, size_t size)
{
	if (unlikely(!is_user_range((uaddr_t)dst, size)))
		return size;
	return user_fill_zero((void __force *)dst, size);
}

/* ---- single accesses ----------------------------------------------------------------------- */

#define SITE(kind) \
	"771: .byte 0x0f, 0x1f, 0x00\n" \
	".pushsection .patch_sites, \"a\", @progbits\n.long 771b - ., " kind "\n.popsection\n"
#define STAC SITE("1")
#define CLAC SITE("0")

/* On a fault at label 1: %0 (the error) becomes -EFAULT, going on at label 2. */
#define ON_FAULT \
	".pushsection .text.unlikely, \"ax\", @progbits\n" \
	"3: mov $-14, %0\njmp 2b\n.popsection\n" \
	".pushsection .extable, \"a\", @progbits\n.long 1b - ., 3b - .\n.popsection\n"
static_assert(EFAULT == 14, "ON_FAULT");

#define DEFINE_GET(bits) \
	int user_get_u##bits(uint##bits##_t *value, const uint##bits##_t __user *src) \
	{ \
		const uint##bits##_t *from = (const uint##bits##_t __force *)src; \
		uint##bits##_t got = 0; \
		int err = 0; \
		if (unlikely(!is_user_range((uaddr_t)from, sizeof(*from)))) \
			err = -EFAULT; \
		else \
			__asm__ volatile(STAC "1: mov %2, %1\n2:" CLAC ON_FAULT \
				: "+r"(err), "+q"(got) : "m"(*from)); \
		*value = got; \
		return err; \
	}

#define DEFINE_PUT(bits) \
	int user_put_u##bits(uint##bits##_t __user *dst, uint##bits##_t value) \
	{ \
		uint##bits##_t *to = (uint##bits##_t __force *)dst; \
		int err = 0; \
		if (unlikely(!is_user_range((uaddr_t)to, sizeof(*to)))) \
			return -EFAULT; \
		__asm__ volatile(STAC "1: mov %2, %1\n2:" CLAC ON_FAULT \
			: "+r"(err), "=m"(*to) : "q"(value)); \
		return err; \
	}

DEFINE_GET(8)
DEFINE_GET(16)
DEFINE_GET(32)
DEFINE_GET(64)
DEFINE_PUT(8)
DEFINE_PUT(16)
DEFINE_PUT(32)
DEFINE_PUT(64)

static bool is_user_word(const uint32_t __user *word)
{
	return is_user_range((uaddr_t)word, sizeof(*word)) && !((uaddr_t)word & 3);
}

int user_cmpxchg_u32(uint32_t __user *word, uint32_t expected, uint32_t value, uint32_t *old)
{
	uint32_t *at = (uint32_t __force *)word;
	int err = 0;

	if (!is_user_word(word))
		return -EFAULT;
	__asm__ volatile(STAC "1: lock cmpxchg %3, %1\n2:" CLAC ON_FAULT
		: "+r"(err), "+m"(*at), "+a"(expected) : "r"(value) : "memory");
	*old = expected;
	return err;
}

/* ---- FPU images ---------------------------------------------------------------------------- */

#define FPU_ACCESS(instruction, image, features) \
	__asm__ volatile(STAC "1: " instruction " (%1)\n2:" CLAC ON_FAULT \
		: "+r"(err) : "r"(image), "a"((uint32_t)(features)), \
		  "d"((uint32_t)((features) >> 32)) : "memory")

int user_fpu_save(void __user *image, uint64_t features)
{
	void *to = (void __force *)image;
	int err = 0;

	if (features)
		FPU_ACCESS("xsave64", to, features);
	else
		FPU_ACCESS("fxsave64", to, features);
	return err;
}

int user_fpu_load(const void __user *image, uint64_t features)
{
	const void *from = (const void __force *)image;
	int err = 0;

	if (features)
		FPU_ACCESS("xrstor64", from, features);
	else
		FPU_ACCESS("fxrstor64", from, features);
	return err;
}

/* ---- strings ------------------------------------------------------------------------------- */

/* Index of the first zero byte of a little-endian word that has one. */
static unsigned int first_zero_byte(uint64_t zeros)
{
	return (unsigned int)__builtin_ctzl(zeros) / 8;
}

static uint64_t zero_bytes(uint64_t word)
{
	return (word - 0x0101010101010101ul) & ~word & 0x8080808080808080ul;
}

/* Eight bytes from here on are in one page: all can be read, or none. */
static bool is_within_page(uaddr_t addr)
{
	return (addr & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8;
}

/*
 * Words as long as they do not cross into a page that need not be there, else bytes.
 */
ssize_t user_string_copy_in(char *dst, const char __user *src, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t word;
		uint8_t byte;

		if (is_within_page((uaddr_t)(src + done)) && size - done >= 8) {
			if (user_get_u64(
				    &word,
				    (const uint64_t __user *)(const void __user *)(src + done)) < 0)
				return -EFAULT;
			__builtin_memcpy(dst + done, &word, 8);
			if (zero_bytes(word))
				return (ssize_t)(done + first_zero_byte(zero_bytes(word)));
			done += 8;
			continue;
		}
		if (user_get_u8(&byte, (const uint8_t __user *)(src + done)) < 0)
			return -EFAULT;
		dst[done] = (char)byte;
		if (byte == 0)
			return (ssize_t)done;
		done++;
	}
	return (ssize_t)size;
}

/* ---- the kernel's own memory --------------------------------------------------------------- */

bool kernel_read_nofault(void *dst, const void *src, size_t size)
{
	struct arch_thread *thread = arch_current();

	if (thread)
		usercopy_nosleep_begin();
	size_t left = user_copy_rep(dst, src, size);

	if (thread)
		usercopy_nosleep_end();
	return left == 0;
}

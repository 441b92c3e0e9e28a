/*
 * FPU state: XSAVE in its standard format, or FXSAVE.
 *
 * The CPU still holds a thread's registers if fpu_owner points to its state and the state was last
 * loaded here; only then is there anything to save. The running user thread's are always held, so
 * that signal frames are saved and loaded without a copy in between. A load that faults may leave a
 * mixture of old and new registers: nobody sees it, since the load is repeated or ends in a reset.
 */
#include <arch/fpu.h>

#include <asm/sigcontext.h>
#include <cpuid.h>
#include <linux/errno.h>

#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/usercopy.h>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/regs.h"
#include "core/panic.h"
#include "lib/string.h"
#include "mem/slab.h"

enum { LEGACY_SIZE = 512, HEADER_SIZE = 64, NO_CPU = -1 };

#define XFEATURE_FP_SSE 0x3ul
#define XFEATURE_AVX    0x4ul
#define XFEATURE_AVX512 0xe0ul
#define FPU_CONTROL_DEFAULT 0x37f
#define MXCSR_DEFAULT   0x1f80

struct fpu_state {
	int32_t  cpu;  /* whose registers may still hold it, NO_CPU: none */
	uint8_t  image[] __aligned(64);
};

static struct {
	uint64_t features;   /* XCR0 */
	uint32_t size;       /* of the XSAVE or FXSAVE area */
	uint32_t mxcsr_mask; /* bits that may be set without a fault */
	struct cache *cache;
} fpu __ro_after_init;

static DEFINE_PER_CPU(struct fpu_state *, fpu_owner);

/* ---- the instructions ---------------------------------------------------------------------- */

static void xcr0_write(uint64_t value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void save(void *image)
{
	uint32_t low = (uint32_t)fpu.features, high = (uint32_t)(fpu.features >> 32);

	if (cpu_has(CPU_XSAVEOPT))
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(image), "a"(low), "d"(high) : "memory");
	else if (cpu_has(CPU_XSAVE))
		__asm__ volatile("xsave64 (%0)" : : "r"(image), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
}

static void load(const void *image)
{
	if (cpu_has(CPU_XSAVE))
		__asm__ volatile("xrstor64 (%0)" : : "r"(image), "a"((uint32_t)fpu.features),
			"d"((uint32_t)(fpu.features >> 32)) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(image) : "memory");
}

/* ---- set-up -------------------------------------------------------------------------------- */

void fpu_init_cpu(void)
{
	if (cpu_has(CPU_XSAVE))
		xcr0_write(fpu.features);
	__asm__ volatile("fninit");
}

static void find_features(void)
{
	uint32_t low, size, largest, high;

	fpu.size = LEGACY_SIZE;
	if (!cpu_has(CPU_XSAVE))
		return;
	__cpuid_count(13, 0, low, size, largest, high);
	fpu.features = low & XFEATURE_FP_SSE;
	if (cpu_has(CPU_AVX))
		fpu.features |= low & XFEATURE_AVX;
	if (cpu_has(CPU_AVX512) && (low & XFEATURE_AVX512) == XFEATURE_AVX512 &&
	    fpu.features & XFEATURE_AVX)
		fpu.features |= XFEATURE_AVX512;
	xcr0_write(fpu.features);
	__cpuid_count(13, 0, low, fpu.size, largest, high); /* what is enabled decides the size */
}

void fpu_init(void)
{
	static uint8_t probe[LEGACY_SIZE] __aligned(16) __initdata;

	find_features();
	fpu_init_cpu();
	__asm__ volatile("fxsave64 %0" : "=m"(probe));
	memcpy(&fpu.mxcsr_mask, probe + 28, 4);
	if (fpu.mxcsr_mask == 0)
		fpu.mxcsr_mask = 0xffbf;
}

void fpu_init_cache(void)
{
	size_t size = sizeof(struct fpu_state) + fpu.size;

	if (cache_create("fpu_state", size, 64, &fpu.cache) < 0)
		panic("no memory for the FPU state cache");
}

size_t fpu_image_size(void)
{
	return fpu.size + (fpu.features ? FP_XSTATE_MAGIC2_SIZE : 0);
}

/* ---- buffers ------------------------------------------------------------------------------- */

static void write_initial(struct fpu_state *state)
{
	struct _fpstate *legacy = (struct _fpstate *)(void *)state->image;

	memset(state->image, 0, fpu.size);
	legacy->cwd = FPU_CONTROL_DEFAULT;
	legacy->mxcsr = MXCSR_DEFAULT;
	state->cpu = NO_CPU;
}

int fpu_state_alloc(struct fpu_state **state)
{
	struct fpu_state *new = cache_alloc(fpu.cache, ALLOC_KERNEL);

	if (!new)
		return -ENOMEM;
	write_initial(new);
	*state = new;
	return 0;
}

void fpu_state_free(struct fpu_state *state)
{
	cache_free(fpu.cache, state);
}

/* ---- who holds what ------------------------------------------------------------------------ */

static bool is_held_here(const struct fpu_state *state)
{
	return this_cpu_read(fpu_owner) == state && state->cpu == (int32_t)cpu_id();
}

static void load_and_hold(struct fpu_state *state)
{
	load(state->image);
	state->cpu = (int32_t)cpu_id();
	this_cpu_write(fpu_owner, state);
}

void fpu_switch_out(struct fpu_state *state)
{
	if (is_held_here(state))
		save(state->image);
}

void fpu_switch_in(struct fpu_state *state)
{
	if (!is_held_here(state))
		load_and_hold(state);
}

/* ---- whole states -------------------------------------------------------------------------- */

void fpu_state_copy_current(struct fpu_state *dst)
{
	struct fpu_state *src = arch_current()->fpu;

	write_initial(dst);
	if (!src)
		return;
	if (is_held_here(src))
		save(src->image);
	memcpy(dst->image, src->image, fpu.size);
}

void fpu_state_reset_current(void)
{
	struct fpu_state *state = arch_current()->fpu;

	write_initial(state);
	load_and_hold(state);
}

/* ---- signal frames ------------------------------------------------------------------------- */

static struct _fpx_sw_bytes __user *software_bytes(uaddr_t image)
{
	return &((struct _fpstate __user *)image)->sw_reserved;
}

/* XSAVE leaves most of the header as it finds it, and loading wants it zero. */
static int save_extended(uaddr_t image)
{
	const struct _fpx_sw_bytes software = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)fpu_image_size(),
		.xfeatures = fpu.features,
		.xstate_size = fpu.size,
	};
	uint32_t __user *magic2 = (uint32_t __user *)(image + fpu.size);

	if (user_zero((void __user *)(image + LEGACY_SIZE), HEADER_SIZE) ||
	    user_fpu_save((void __user *)image, fpu.features) ||
	    user_copy_out(software_bytes(image), &software, sizeof(software)))
		return -EFAULT;
	return user_put_u32(magic2, FP_XSTATE_MAGIC2);
}

int fpu_image_save(uaddr_t image)
{
	if (!is_user_range(image, fpu_image_size()))
		return -EFAULT;
	return fpu.features ? save_extended(image) : user_fpu_save((void __user *)image, 0);
}

/* A frame made by hand may end after the legacy part, at the end of its mapping even. */
static bool is_extended(uaddr_t image)
{
	struct _fpx_sw_bytes software;
	uint32_t magic2;

	if (!fpu.features || user_copy_in(&software, software_bytes(image), sizeof(software)) ||
	    software.magic1 != FP_XSTATE_MAGIC1 || software.xstate_size != fpu.size ||
	    software.extended_size != fpu_image_size())
		return false;
	return !user_get_u32(&magic2, (const uint32_t __user *)(image + fpu.size)) &&
	       magic2 == FP_XSTATE_MAGIC2;
}

static int load_image(uaddr_t image)
{
	bool extended = is_extended(image);

	if (!is_user_range(image, extended ? fpu.size : LEGACY_SIZE))
		return -EFAULT;
	if (!extended && fpu.features)
		fpu_state_reset_current();
	return user_fpu_load((const void __user *)image, extended ? fpu.features : 0);
}

int fpu_image_load(uaddr_t image)
{
	int err = image ? load_image(image) : 0;

	if (!image || err)
		fpu_state_reset_current();
	return err;
}

/* ---- other threads ------------------------------------------------------------------------- */

uint32_t fpu_exceptions(bool is_simd)
{
	uint16_t status, control;
	uint32_t mxcsr;

	if (is_simd) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return mxcsr & ~(mxcsr >> 7) & 0x3f;
	}
	__asm__ volatile("fnstsw %0" : "=m"(status));
	__asm__ volatile("fnstcw %0" : "=m"(control));
	return status & ~control & 0x3fu;
}

/*
 * FPU state: XSAVE in its standard format, or FXSAVE, in a buffer that ends with a signal frame's
 * second magic word; the first stands in the bytes that the hardware leaves to software.
 *
 * The CPU still holds a thread's registers if fpu_owner points to its state and the state was last
 * loaded here; only then is there anything to save. While an image is open (a signal frame is being
 * copied into it), no CPU holds it.
 */
#include <arch/fpu.h>

#include <asm/sigcontext.h>
#include <cpuid.h>
#include <linux/errno.h>

#include <arch/cpu.h>
#include <arch/percpu.h>

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
	bool     open; /* between fpu_image_begin() and _commit(): no switch touches the image */
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

/* As save(), but parts in their initial state are written out too: others look at the image. */
static void save_whole(void *image)
{
	if (cpu_has(CPU_XSAVE))
		__asm__ volatile("xsave64 (%0)" : : "r"(image), "a"((uint32_t)fpu.features),
			"d"((uint32_t)(fpu.features >> 32)) : "memory");
	else
		save(image);
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
	size_t size = sizeof(struct fpu_state) + fpu_image_size();

	if (cache_create("fpu_state", size, 64, &fpu.cache) < 0)
		panic("no memory for the FPU state cache");
}

size_t fpu_image_size(void)
{
	return fpu.size + (fpu.features ? FP_XSTATE_MAGIC2_SIZE : 0);
}

/* ---- buffers ------------------------------------------------------------------------------- */

static struct _fpx_sw_bytes *software_bytes(struct fpu_state *state)
{
	return &((struct _fpstate *)(void *)state->image)->sw_reserved;
}

static void write_magic(struct fpu_state *state)
{
	const uint32_t magic2 = FP_XSTATE_MAGIC2;

	if (!fpu.features)
		return;
	*software_bytes(state) = (struct _fpx_sw_bytes){
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)fpu_image_size(),
		.xfeatures = fpu.features,
		.xstate_size = fpu.size,
	};
	memcpy(state->image + fpu.size, &magic2, sizeof(magic2));
}

static void write_initial(struct fpu_state *state)
{
	struct _fpstate *legacy = (struct _fpstate *)(void *)state->image;

	memset(state->image, 0, fpu_image_size());
	legacy->cwd = FPU_CONTROL_DEFAULT;
	legacy->mxcsr = MXCSR_DEFAULT;
	write_magic(state);
	state->cpu = NO_CPU;
	state->open = false;
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
	state->open = false;
	this_cpu_write(fpu_owner, state);
}

void fpu_switch_out(struct fpu_state *state)
{
	if (is_held_here(state))
		save(state->image);
}

void fpu_switch_in(struct fpu_state *state)
{
	if (!state->open && !is_held_here(state))
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
	memcpy(dst->image, src->image, fpu_image_size());
}

void fpu_state_reset_current(void)
{
	struct fpu_state *state = arch_current()->fpu;

	write_initial(state);
	load_and_hold(state);
}

/* ---- signal frames ------------------------------------------------------------------------- */

const void *fpu_image_read(void)
{
	struct fpu_state *state = arch_current()->fpu;

	if (state->open)
		fpu_state_reset_current();
	if (is_held_here(state))
		save_whole(state->image);
	return state->image;
}

void *fpu_image_begin(void)
{
	struct fpu_state *state = arch_current()->fpu;

	state->open = true;
	state->cpu = NO_CPU;
	return state->image;
}

/* The area after the legacy part: which features it has in the first word, the rest must be 0. */
static int check_header(struct fpu_state *state, bool legacy)
{
	uint64_t *header = (uint64_t *)(void *)(state->image + LEGACY_SIZE);

	if (!fpu.features)
		return 0;
	if (legacy) {
		memset(header, 0, HEADER_SIZE);
		header[0] = XFEATURE_FP_SSE;
		return 0;
	}
	if (header[0] & ~fpu.features)
		return -EINVAL;
	return mem_is_zero(header + 1, HEADER_SIZE - 8) ? 0 : -EINVAL;
}

int fpu_image_commit(bool legacy)
{
	struct fpu_state *state = arch_current()->fpu;
	const struct _fpstate *fpstate = (const struct _fpstate *)(const void *)state->image;

	if ((fpstate->mxcsr & ~fpu.mxcsr_mask) || check_header(state, legacy) < 0) {
		fpu_state_reset_current();
		return -EINVAL;
	}
	write_magic(state);
	load_and_hold(state);
	return 0;
}

bool fpu_image_is_extended(const void *image)
{
	const struct _fpx_sw_bytes *sw = &((const struct _fpstate *)image)->sw_reserved;
	uint32_t magic2;

	if (!fpu.features || sw->magic1 != FP_XSTATE_MAGIC1 || sw->xstate_size != fpu.size ||
	    sw->extended_size != fpu_image_size())
		return false;
	memcpy(&magic2, (const uint8_t *)image + fpu.size, sizeof(magic2));
	return magic2 == FP_XSTATE_MAGIC2;
}

/* ---- other threads ------------------------------------------------------------------------- */

void fpu_fxregs_get(struct arch_thread *t, void *image)
{
	if (is_held_here(t->fpu))
		save_whole(t->fpu->image);
	memcpy(image, t->fpu->image, LEGACY_SIZE);
}

int fpu_fxregs_set(struct arch_thread *t, const void *image)
{
	const struct _fpstate *fpstate = image;

	if (fpstate->mxcsr & ~fpu.mxcsr_mask)
		return -EINVAL;
	memcpy(t->fpu->image, image, LEGACY_SIZE);
	if (fpu.features) {
		uint64_t *header = (uint64_t *)(void *)(t->fpu->image + LEGACY_SIZE);

		header[0] |= XFEATURE_FP_SSE;
	}
	write_magic(t->fpu);
	t->fpu->cpu = NO_CPU;
	return 0;
}

# What is compiled from Debian source packages: fetched by tools/fetch-source, pinned, unpatched,
# never committed. $(thirdparty-objects) lists the objects.
#
# libdeflate (gzip) and the decoder of libzstd, for kernel/lib/decompress.c. Both with the kernel's
# flags, without its warnings and sanitizers, and without the variants that use vector registers.

libdeflate := build/thirdparty/libdeflate
libzstd    := build/thirdparty/libzstd

$(libdeflate)/.fetched: tools/fetch-source tools/build/thirdparty.mk
	@echo "  FETCH   libdeflate"
	$(Q)tools/fetch-source libdeflate=1.14-1 $(libdeflate) && touch $@
$(libzstd)/.fetched: tools/fetch-source tools/build/thirdparty.mk
	@echo "  FETCH   libzstd"
	$(Q)tools/fetch-source libzstd=1.5.4+dfsg2-5 $(libzstd) && touch $@
generated += $(libdeflate)/.fetched $(libzstd)/.fetched

libdeflate-objects := $(addprefix libdeflate/lib/,deflate_decompress gzip_decompress crc32 utils)
libzstd-objects := $(addprefix libzstd/lib/common/,entropy_common error_private fse_decompress \
                     xxhash zstd_common) \
                   $(addprefix libzstd/lib/decompress/,huf_decompress zstd_ddict zstd_decompress \
                     zstd_decompress_block)
thirdparty-objects := $(patsubst %,$(O)/objects/%.o,$(libdeflate-objects) $(libzstd-objects))

# The guards of the headers that choose vector variants: taken as already included.
libdeflate-flags := -I$(libdeflate) -DFREESTANDING -DLIB_X86_CRC32_IMPL_H -DLIB_X86_DECOMPRESS_IMPL_H
libzstd-flags := -include lib/port/zstd_deps.h -DZSTD_DISABLE_ASM -DDYNAMIC_BMI2=0 -DZSTD_TRACE=0 \
                 -DZSTD_LEGACY_SUPPORT=0 -DZSTD_NO_INTRINSICS \
                 -DZSTD_STRIP_ERROR_STRINGS -DHUF_FORCE_DECOMPRESS_X1 \
                 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT -DZSTD_NO_INLINE

$(O)/objects/libdeflate/%.o: $(libdeflate)/.fetched Makefile build/uapi/.ready
	@mkdir -p $(@D)
	@echo "  CC      libdeflate/$*.c"
	$(Q)$(CC) $(base) $(headers) -w $(libdeflate-flags) -c -o $@ $(libdeflate)/$*.c
$(O)/objects/libzstd/%.o: $(libzstd)/.fetched kernel/lib/port/zstd_deps.h Makefile \
                             build/uapi/.ready
	@mkdir -p $(@D)
	@echo "  CC      libzstd/$*.c"
	$(Q)$(CC) $(base) $(headers) -w $(libzstd-flags) -c -o $@ $(libzstd)/$*.c

cflags-kernel/lib/decompress.c := -isystem $(libdeflate) -isystem $(libzstd)/lib

# Host unit tests: test/unit/NAME.c is a cmocka program, built with ASan and UBSan from the kernel
# sources it names in a line `sources: lib/x.c lib/y.c` of its head comment. `make -j2 unit` builds
# and runs them all and leaves TAP in build/unit/NAME.tap; `make unit-NAME` shows one.

unit-tests    := $(sort $(patsubst test/unit/%.c,%,$(wildcard test/unit/*_test.c)))
unit-headers  := -Ikernel -Itest/unit -I$(ARCH)/include -idirafter kernel/abi/stubs
unit-warnings := -Wall -Wextra -Wshadow -Wundef -Wno-unused-parameter -Werror
unit-flags    := -std=gnu17 -O1 -g -fno-strict-aliasing -fwrapv -fno-omit-frame-pointer -DDEBUG=1 \
                 -DUNIT_TEST=1 -fsanitize=address,undefined -fno-sanitize-recover=undefined \
                 -fno-sanitize=alignment,shift-base $(unit-warnings) $(unit-headers)
# Our string functions and the C library's must not meet: both sides of such a test use new names.
unit-flags-string_test := -include test/unit/renamed.h -fno-builtin
unit-flags-printf_test := -include test/unit/renamed.h -fno-builtin -Wno-format \
                          -Wno-format-overflow -Wno-format-extra-args -Wno-unknown-warning-option

# The font is made by the build.
unit-flags-framebuffer_test := -I$(O)/gen
build/unit/framebuffer_test: $(O)/gen/dev/font_data.h

unit-flags-decompress_test := -isystem $(libdeflate) -isystem $(libzstd)/lib

# The kernel's side of abi_test, without the C library's headers.
build/unit/abi_kernel.o: test/unit/abi_kernel.c test/unit/abi_names.h $(wildcard kernel/abi/*.h) \
                         build/uapi/.ready
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -ffreestanding $(headers) -Itest/unit -c -o $@ $<

# The libraries of lib/decompress.c once more, with ASan.
unit-libraries := -std=gnu17 -O1 -g -w -fsanitize=address -Ikernel -idirafter kernel/abi/stubs
build/unit/objects/libdeflate/%.o: $(libdeflate)/.fetched
	@mkdir -p $(@D)
	$(Q)$(CC) $(unit-libraries) $(libdeflate-flags) -c -o $@ $(libdeflate)/$*.c
build/unit/objects/libzstd/%.o: $(libzstd)/.fetched kernel/lib/port/zstd_deps.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(unit-libraries) $(libzstd-flags) -c -o $@ $(libzstd)/$*.c
build/unit/libdeflate.a: $(libdeflate-objects:%=build/unit/objects/%.o)
	@ar rcs $@ $^
build/unit/libzstd.a: $(libzstd-objects:%=build/unit/objects/%.o)
	@ar rcs $@ $^

unit-sources = $(addprefix kernel/,$(shell sed -n 's/^ \* sources: *//p' test/unit/$(1).c))
unit-extra   = $(shell sed -n 's/^ \* links: *//p' test/unit/$(1).c)

define unit-rules
build/unit/$(1): test/unit/$(1).c $(call unit-sources,$(1)) $(call unit-extra,$(1)) \
                 test/unit/unit.h test/unit/unit.mk
	@mkdir -p build/unit
	@echo "  HOSTCC  $$<"
	$$(Q)$$(CC) $$(unit-flags) $$(unit-flags-$(1)) -MMD -MP -MF build/unit/$(1).d -o $$@ \
		test/unit/$(1).c $(call unit-sources,$(1)) $(call unit-extra,$(1)) -lcmocka
build/unit/$(1).tap: build/unit/$(1)
	@echo "  TEST    $(1)"
	$$(Q)rm -f $$@; timeout 120 build/unit/$(1) >$$@.part 2>&1 || { cat $$@.part; exit 1; }
	$$(Q)mv $$@.part $$@
unit-$(1): build/unit/$(1)
	$$(Q)build/unit/$(1)
.PHONY: unit-$(1)
-include build/unit/$(1).d
endef
$(foreach test,$(unit-tests),$(eval $(call unit-rules,$(test))))

unit: $(unit-tests:%=build/unit/%.tap)
	@echo "  UNIT    $$(cat $^ | grep -c '^ok') checks in $(words $^) programs passed"
.PHONY: unit

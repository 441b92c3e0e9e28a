# Builds the kernel. People use ./moonshot, which calls this after installing what is missing.
#
#   make                 build/moonshot.elf, build/moonshot.efi
#   make DEBUG=1         build/debug/...: ranked locks, poisoning, UBSan, assertions
#   make KASAN=1         build/kasan/...: the same with the address sanitizer
#   make CC=clang        build/clang/...
#   make V=1             show the commands
#
# Every .c and .S below kernel/ is part of the kernel; a new file needs no line here.

KASAN ?= 0
DEBUG ?= $(KASAN)
V     ?= 0
CC    := $(if $(filter default,$(origin CC)),gcc,$(CC))
Q     := $(if $(filter 1,$(V)),,@)

variant := $(if $(findstring clang,$(CC)),clang)$(if $(filter 1,$(KASAN)),kasan,$(if $(filter 1,$(DEBUG)),debug))
O       := build$(addprefix /,$(variant))
ARCH    := kernel/arch/x86_64

.DELETE_ON_ERROR:
.SECONDARY:
all: $(O)/moonshot.elf $(O)/moonshot.efi
kernel: $(O)/moonshot.elf

# ---- flags -------------------------------------------------------------------------------------
warnings := -Wall -Wextra -Wshadow -Wundef -Wvla -Wmissing-prototypes -Wstrict-prototypes \
            -Wcast-qual -Wframe-larger-than=$(if $(filter 1,$(KASAN)),8192,2048) -Werror -Wno-unused-parameter \
            $(if $(findstring clang,$(CC)),-Wno-gnu-variable-sized-type-not-at-end)
# A canary that is the running thread's, in a per-CPU variable. clang 14 can be told only of a place at a fixed
# distance from GS, which nothing has when the image moves: there it is one for all threads.
protector := -fstack-protector $(if $(findstring clang,$(CC)),-mstack-protector-guard=global, \
             -mstack-protector-guard=tls -mstack-protector-guard-reg=gs -mstack-protector-guard-symbol=stack_canary)
base     := -DKASAN=$(KASAN) -std=gnu17 -O2 -g -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
            -mgeneral-regs-only -fbuiltin $(if $(filter 1,$(DEBUG)),,-momit-leaf-frame-pointer) $(protector) -fcf-protection=none -fno-common \
            -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-omit-frame-pointer \
            -fno-asynchronous-unwind-tables -fwrapv -ffunction-sections -fdata-sections \
            -ffile-prefix-map=$(CURDIR)/= $(if $(findstring clang,$(CC)),-ffile-prefix-map=$(CURDIR)=)
headers  := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -Ikernel -I. -I$(ARCH)/include \
            -isystem kernel/abi/stubs -isystem build/uapi -I$(O)/gen
debug    := $(if $(filter 1,$(DEBUG)),-DDEBUG=1 -fsanitize=undefined -fno-sanitize=alignment -fno-sanitize=null -fno-sanitize=pointer-overflow \
            -fsanitize-undefined-trap-on-error,-DDEBUG=0)
# Checks are calls; -fno-builtin, so that copies are too. What must not be checked is named below.
sanitize := $(if $(filter 1,$(KASAN)),-fsanitize=kernel-address -fno-builtin -fasan-shadow-offset=0xdffffc0000000000 \
            --param asan-instrumentation-with-call-threshold=0 --param asan-stack=1 --param asan-globals=1)
CFLAGS   := $(base) $(warnings) $(headers) $(debug)
LDFLAGS  := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections --no-warn-rwx-segments

sources  := $(sort $(shell find kernel -name '*.c' -o -name '*.S'))
ifneq ($(KASAN),1)
sources  := $(filter-out kernel/mem/kasan%.c $(ARCH)/kasan_shadow.c,$(sources))
endif
objects  := $(patsubst %,$(O)/%.o,$(sources) )

# Every function with an array on its stack, and not only of characters, where it costs no benchmark.
strong-folders := kernel/dev kernel/drivers kernel/init kernel/lib kernel/procfs kernel/tty
strong-sources := $(filter $(addsuffix /%,$(strong-folders)) kernel/proc/exec%,$(sources))
$(foreach source,$(strong-sources),$(eval cflags-$(source) := -fstack-protector-strong))
# Runs before there is a canary, and chooses it.
cflags-kernel/arch/x86_64/relocate.c := -fno-stack-protector

# What no benchmark runs through is compiled for size; not what panics on purpose, whose lines tests look for.
cold-sources := $(filter kernel/init/% kernel/procfs/% kernel/tty/% kernel/syscall/trace% kernel/dev/pci% \
                kernel/dev/partition% kernel/drivers/%,$(filter-out kernel/drivers/virtio/% kernel/procfs/provoke%,$(sources)))
$(foreach source,$(cold-sources),$(eval cflags-$(source) += -Os))

# memcpy and its kin must not be compiled into calls of themselves (clang: -ffreestanding is enough).
cflags-kernel/lib/string.c += -fno-builtin $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)

# The address sanitizer itself, and what runs before it or under its feet.
unchecked := $(addprefix $(ARCH)/,relocate.c boot_pvh.c kasan_shadow.c paging.c) kernel/lib/string.c \
             $(addprefix kernel/mem/,kasan.c kasan_report.c slab.c slab_debug.c)

# ---- Linux's UAPI headers, and nothing else of the system's ------------------------------------
build/uapi/.ready:
	@mkdir -p build/uapi
	@ln -sfn /usr/include/linux build/uapi/linux
	@ln -sfn /usr/include/asm-generic build/uapi/asm-generic
	@ln -sfn /usr/include/x86_64-linux-gnu/asm build/uapi/asm
	@touch $@

include tools/build/generated.mk
include tools/build/thirdparty.mk
include vdso/vdso.mk
include test/unit/unit.mk
include test/net/net.mk

# ---- the kernel ELF: linked twice, the second time with tables of symbols and relocations made from the first
$(O)/%.c.o: %.c Makefile build/uapi/.ready | $(generated)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CFLAGS) $(if $(filter $<,$(unchecked)),,$(sanitize)) $(cflags-$<) -MMD -MP -c -o $@ $<
$(O)/%.S.o: %.S Makefile build/uapi/.ready | $(generated)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) $(CFLAGS) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

$(O)/moonshot.unsymbolized.elf: $(objects) $(thirdparty-objects) $(ARCH)/kernel.ld
	@echo "  LD      $@"
	$(Q)ld $(LDFLAGS) --emit-relocs -T $(ARCH)/kernel.ld -o $@ $(objects) $(thirdparty-objects)
$(O)/gen/symbols.S: $(O)/moonshot.unsymbolized.elf tools/symbols.py
	@mkdir -p $(@D)
	$(Q)/usr/bin/python3 tools/symbols.py $< > $@
$(O)/gen/relocs.S: $(O)/moonshot.unsymbolized.elf tools/relocs.py tools/symbols.py
	$(Q)/usr/bin/python3 tools/relocs.py $< > $@
$(O)/gen/symbols.o $(O)/gen/relocs.o: %.o: %.S
	$(Q)$(CC) -c -o $@ $<
tables := $(O)/gen/symbols.o $(O)/gen/relocs.o
$(O)/moonshot.debug.elf: $(O)/moonshot.unsymbolized.elf $(tables)
	$(Q)ld $(LDFLAGS) -T $(ARCH)/kernel.ld -o $@ $(objects) $(thirdparty-objects) $(tables)
$(O)/moonshot.elf: $(O)/moonshot.debug.elf
	$(Q)objcopy --strip-all $< $@

# ---- the UEFI application -----------------------------------------------------------------------
include boot/efi/efi.mk

clean:
	rm -rf build
.PHONY: all kernel clean

-include $(objects:.o=.d)

# build/moonshot.efi: the UEFI application, linked to PE by GNU ld. The stripped kernel is inside.

efi-cflags := -std=gnu17 -O2 -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Werror \
              -Wno-unused-parameter -ffreestanding -fpie -mno-red-zone -mgeneral-regs-only -fshort-wchar \
              -fno-stack-protector -fcf-protection=none -fvisibility=hidden -fno-asynchronous-unwind-tables \
              -fno-tree-loop-distribute-patterns -DGNU_EFI_USE_MS_ABI -I. \
              -isystem /usr/include/efi -isystem /usr/include/efi/x86_64
ifneq ($(findstring clang,$(CC)),)
efi-cflags := $(filter-out -fno-tree-loop-distribute-patterns,$(efi-cflags)) -fno-builtin
endif

efi-objects := $(patsubst %.c,$(O)/%.c.o,$(wildcard boot/efi/*.c)) $(O)/boot/efi/embed.S.o \
               $(O)/boot/efi/jump.S.o

$(O)/boot/efi/%.c.o: boot/efi/%.c boot/efi/efi.mk
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(efi-cflags) -MMD -MP -c -o $@ $<
	$(Q)! readelf -rW $@ | grep -E 'R_X86_64_(64|32S?) '
$(O)/boot/efi/jump.S.o: boot/efi/jump.S
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<
$(O)/boot/efi/embed.S.o: boot/efi/embed.S $(O)/moonshot.elf
	@mkdir -p $(@D)
	$(Q)$(CC) -DKERNEL='"$(O)/moonshot.elf"' -c -o $@ $<

$(O)/boot/efi/plain.efi: $(efi-objects) boot/efi/pe.ld
	@echo "  LD      $@"
	$(Q)ld -m i386pep -T boot/efi/pe.ld -nostdlib --subsystem 10 --image-base 0 -s -o $@ $(efi-objects)
$(O)/moonshot.efi: $(O)/boot/efi/plain.efi boot/efi/linux-header.py
	$(Q)/usr/bin/python3 boot/efi/linux-header.py $< $@

-include $(wildcard $(O)/boot/efi/*.d)

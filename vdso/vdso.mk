# build/gen/vdso.so: the user code that the kernel maps into every program, taken in by kernel/vm/vdso_image.S.
vdso-cflags := -std=gnu17 -O2 -fPIC -fvisibility=hidden -ffreestanding -fno-stack-protector -fcf-protection=none \
               -fasynchronous-unwind-tables -fomit-frame-pointer -mno-sse -mgeneral-regs-only \
               -Wall -Wextra -Werror -Wno-unused-parameter \
               -nostdinc -isystem $(shell $(CC) -print-file-name=include) -I. -isystem build/uapi
vdso-ldflags := -shared -nostdlib -soname=linux-vdso.so.1 --hash-style=both --eh-frame-hdr -Bsymbolic \
                --build-id=sha1 -z max-page-size=4096 -z noexecstack --no-undefined

$(O)/gen/vdso.so: vdso/vdso.c vdso/vdso.lds vdso/vdso.map vdso/vdso.mk kernel/abi/vdso_data.h build/uapi/.ready
	@mkdir -p $(@D)
	@echo "  VDSO    $@"
	$(Q)$(CC) $(vdso-cflags) -c -o $(@D)/vdso.o $<
	$(Q)ld $(vdso-ldflags) -T vdso/vdso.lds --version-script=vdso/vdso.map -o $@ $(@D)/vdso.o
	$(Q)objcopy -S $@

$(O)/kernel/vm/vdso_image.S.o: $(O)/gen/vdso.so

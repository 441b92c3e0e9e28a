# What is generated before anything is compiled. $(generated) lists the files.

syscalls := $(addprefix $(O)/gen/syscall/,numbers.h prototypes.h table.h trace_table.h)
$(syscalls) &: kernel/syscall/syscalls.tbl tools/gen-syscalls tools/build/generated.mk
	@echo "  GEN     $(O)/gen/syscall"
	$(Q)/usr/bin/python3 tools/gen-syscalls --out $(O)/gen/syscall

lock_names := $(O)/gen/core/lock_names.h
$(lock_names): kernel/core/lockrank.h tools/gen-locks tools/build/generated.mk
	@echo "  GEN     $@"
	$(Q)/usr/bin/python3 tools/gen-locks --out $(O)/gen/core

font := $(O)/gen/dev/font_data.h
$(font): tools/gen-font tools/build/generated.mk
	@echo "  GEN     $@"
	$(Q)/usr/bin/python3 tools/gen-font --out $@

generated := $(syscalls) $(lock_names) $(font)

# For the checks: the compiler's flags, then a line for each source that has some of its own.
.PHONY: print-flags
print-flags: $(generated) build/uapi/.ready
	@echo "flags $(CFLAGS)"
	@:$(foreach s,$(sources),$(if $(cflags-$s),; echo "own $s $(cflags-$s)"))

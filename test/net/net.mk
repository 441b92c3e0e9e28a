# Host programs of test/net: `make stackfuzz` builds build/net/stackfuzz, lwIP with the kernel's options under
# ASan and UBSan, and `make hostile` build/net/hostile, which speaks to a guest. ./moonshot test net and
# ./moonshot soak net run them.

net-fuzz-flags := -std=gnu17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-sanitize=alignment,shift-base \
                  -Itest/net/host -Itest/net -iquote kernel -isystem $(lwip)/src/include
net-packets    := $(addprefix build/net/,packets.o packets_ip.o packets_mutate.o)
net-lwip       := $(patsubst lwip/src/%,build/net/lwip/%.o,$(lwip-objects))

net-options    := kernel/net/stack/port/lwipopts.h $(wildcard test/net/host/*.h test/net/host/arch/*.h)

build/net/lwip/%.o: $(lwip)/.fetched $(net-options)
	@mkdir -p $(@D)
	$(Q)$(CC) $(net-fuzz-flags) -w -c -o $@ $(lwip)/src/$*.c
build/net/%.o: test/net/%.c $(wildcard test/net/*.h) $(net-options) kernel/net/stack/guards.h $(lwip)/.fetched
	@mkdir -p $(@D)
	$(Q)$(CC) $(net-fuzz-flags) -Wall -Wextra -Wshadow -Werror -c -o $@ $<
build/net/guards.o: kernel/net/stack/guards.c kernel/net/stack/guards.h $(net-options) $(lwip)/.fetched
	@mkdir -p $(@D)
	$(Q)$(CC) $(net-fuzz-flags) -Wall -Wextra -Wshadow -Werror -c -o $@ $<
build/net/stackfuzz: build/net/stackfuzz.o build/net/guards.o $(net-packets) $(net-lwip)
	@echo "  HOSTLD  $@"
	$(Q)$(CC) $(net-fuzz-flags) -o $@ $^
build/net/hostile: build/net/hostile.o $(net-packets)
	@echo "  HOSTLD  $@"
	$(Q)$(CC) $(net-fuzz-flags) -o $@ $^
stackfuzz hostile: %: build/net/%
.PHONY: stackfuzz hostile

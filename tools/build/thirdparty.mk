# What is compiled from Debian source packages: fetched by tools/fetch-source, pinned, unpatched,
# never committed. $(thirdparty-objects) lists the objects.
#
# libdeflate (gzip) and the decoder of libzstd, for kernel/lib/decompress.c. Both with the kernel's
# flags, without its warnings and sanitizers, and without the variants that use vector registers.
#
# lwIP, for kernel/net: its core, without the files that kernel/net/stack stands for (mem, memp,
# timeouts), and without what is not used.

libdeflate := build/thirdparty/libdeflate
libzstd    := build/thirdparty/libzstd
lwip       := build/thirdparty/lwip

$(libdeflate)/.fetched: tools/fetch-source tools/build/thirdparty.mk
	@echo "  FETCH   libdeflate"
	$(Q)tools/fetch-source libdeflate=1.14-1 $(libdeflate) && touch $@
$(libzstd)/.fetched: tools/fetch-source tools/build/thirdparty.mk
	@echo "  FETCH   libzstd"
	$(Q)tools/fetch-source libzstd=1.5.4+dfsg2-5 $(libzstd) && touch $@
$(lwip)/.fetched: tools/fetch-source tools/build/thirdparty.mk
	@echo "  FETCH   lwip"
	$(Q)tools/fetch-source lwip=2.1.3+dfsg1-2 $(lwip) && touch $@
generated += $(libdeflate)/.fetched $(libzstd)/.fetched $(lwip)/.fetched

libdeflate-objects := $(addprefix libdeflate/lib/,deflate_decompress gzip_decompress crc32 utils)
libzstd-objects := $(addprefix libzstd/lib/common/,entropy_common error_private fse_decompress \
                     xxhash zstd_common) \
                   $(addprefix libzstd/lib/decompress/,huf_decompress zstd_ddict zstd_decompress \
                     zstd_decompress_block)
lwip-objects := $(addprefix lwip/src/core/,def inet_chksum init ip netif pbuf raw stats tcp tcp_in \
                  tcp_out udp) \
                $(addprefix lwip/src/core/ipv4/,etharp icmp igmp ip4 ip4_addr ip4_frag) \
                $(addprefix lwip/src/core/ipv6/,ethip6 icmp6 inet6 ip6 ip6_addr ip6_frag mld6 nd6) \
                lwip/src/netif/ethernet
thirdparty-objects := $(patsubst %,$(O)/objects/%.o,$(libdeflate-objects) $(libzstd-objects) \
                        $(lwip-objects))

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

# With the checks of the debug kernels: what lwIP reads comes from a wire.
$(O)/objects/lwip/%.o: $(lwip)/.fetched Makefile build/uapi/.ready $(wildcard kernel/net/stack/port/*.h \
                         kernel/net/stack/port/arch/*.h) | $(generated)
	@mkdir -p $(@D)
	@echo "  CC      lwip/$*.c"
	$(Q)$(CC) $(base) $(headers) $(debug) $(sanitize) -w $(lwip-flags) $(size) -c -o $@ $(lwip)/$*.c
lwip-flags := -isystem $(lwip)/src/include -isystem kernel/net/stack/port

# Packets of a connection pass through these; the rest is compiled for size.
lwip-hot := $(addprefix lwip/src/core/,inet_chksum ip pbuf tcp tcp_in tcp_out udp ipv4/ip4 ipv4/ip4_addr \
              ipv6/ip6 ipv6/ip6_addr)
$(foreach it,$(filter-out $(lwip-hot),$(lwip-objects)),$(eval $(O)/objects/$(it).o: private size := -Os))
# As on Linux, a ping to a group is answered over IPv6, and over IPv4 it is not.
$(O)/objects/lwip/src/core/ipv6/icmp6.o: private size += -DLWIP_MULTICAST_PING=1

# Nobody but these rooms knows it.
lwip-rooms := kernel/net/stack kernel/net/iface kernel/net/inet
$(foreach source,$(filter $(addsuffix /%,$(lwip-rooms)),$(sources)),$(eval cflags-$(source) += $(lwip-flags)))

cflags-kernel/lib/decompress.c := -isystem $(libdeflate) -isystem $(libzstd)/lib

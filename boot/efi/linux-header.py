#!/usr/bin/python3 -I
"""linux-header.py IN OUT - give a PE file room for Linux's setup header, and write one.

Loaders that know Linux's boot protocol (QEMU's -kernel with -initrd) look for that header at offset
0x1f1 before they hand the file to UEFI firmware. Only the fields that they read are filled in; the
kernel never looks at them. The PE headers move to 0x300, everything behind them by one page.
"""
import struct
import sys

PE_OFFSET, HEADER_SIZE = 0x300, 0x1000
SETUP_SECTORS, PROTOCOL, LOADED_HIGH, ABOVE_4G = HEADER_SIZE // 512 - 1, 0x20c, 1, 2


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    image = open(sys.argv[1], "rb").read()
    pe, = struct.unpack_from("<I", image, 0x3c)
    if image[:2] != b"MZ" or image[pe:pe + 4] != b"PE\0\0":
        sys.exit(f"linux-header.py: {sys.argv[1]} is no PE file")
    sections, optional_size = struct.unpack_from("<H", image, pe + 6)[0], struct.unpack_from("<H", image, pe + 20)[0]
    table = 24 + optional_size
    old_size, = struct.unpack_from("<I", image, pe + 24 + 60)
    headers = bytearray(image[pe:pe + table + 40 * sections])
    struct.pack_into("<I", headers, 24 + 60, HEADER_SIZE)  # SizeOfHeaders
    struct.pack_into("<I", headers, 24 + 64, 0)            # CheckSum: not checked for applications
    for i in range(sections):
        at = table + 40 * i + 20                           # PointerToRawData
        offset, = struct.unpack_from("<I", headers, at)
        if offset:
            struct.pack_into("<I", headers, at, offset - old_size + HEADER_SIZE)
    out = bytearray(HEADER_SIZE)
    out[:0x40] = image[:0x40]
    struct.pack_into("<I", out, 0x3c, PE_OFFSET)
    out[0x1f1] = SETUP_SECTORS
    struct.pack_into("<H", out, 0x1fe, 0xaa55)
    out[0x200:0x202] = b"\xeb\x66"                         # the jump over the header
    out[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", out, 0x206, PROTOCOL)
    out[0x211] = LOADED_HIGH
    struct.pack_into("<I", out, 0x22c, 0xffffffff)         # initrd_addr_max
    struct.pack_into("<H", out, 0x236, ABOVE_4G)           # xloadflags
    struct.pack_into("<I", out, 0x238, 2047)               # cmdline_size
    out[PE_OFFSET:PE_OFFSET + len(headers)] = headers
    open(sys.argv[2], "wb").write(out + image[old_size:])


main()

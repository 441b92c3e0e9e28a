#!/usr/bin/python3
"""Make the kernel's table of relocations from an ELF linked with --emit-relocs, as assembly.

usage: relocs.py KERNEL.ELF > relocs.S

kernel/arch/x86_64/relocate.c reads the result: the places in the image that hold an absolute virtual
address, as distances from text_start. Two lists, first the places of 64 bits (R_X86_64_64), then those
of 32 that are sign-extended (R_X86_64_32S). A list is a varint for each place, the distance from the
one before, and a 0 at the end.

Places that are relative move with the image. R_X86_64_32 occurs only where the code runs at physical
addresses: the PVH entry and its note. Anything else that the linker may come up with stops the build.
"""
import struct
import sys

from symbols import Elf, varint

SHT_RELA, SHF_ALLOC, SHN_ABS = 4, 2, 0xFFF1
R_64, R_PC32, R_PLT32, R_32, R_32S, R_PC64 = 1, 2, 4, 10, 11, 24
RELATIVE = {R_PC32, R_PLT32, R_PC64}
AT_PHYSICAL_ADDRESSES = {".note.pvh", ".init"}


def absolute_places(elf):
    """{type: set of addresses} of what must be changed when the image moves."""
    places = {R_64: set(), R_32S: set()}
    names = {id(head): name for name, head in elf.sections.items()}
    symbols = list(struct.iter_unpack("<IBBHQQ", elf.section(".symtab")))
    for head in elf.by_index:
        if head[1] != SHT_RELA or not elf.by_index[head[7]][2] & SHF_ALLOC:
            continue
        section = names[id(elf.by_index[head[7]])]
        rows = elf.data[head[4]:head[4] + head[5]]
        for place, info, _ in struct.iter_unpack("<QQq", rows):
            kind, shndx = info & 0xFFFFFFFF, symbols[info >> 32][3]
            if kind in RELATIVE or shndx in (0, SHN_ABS):
                continue
            if kind in places:
                places[kind].add(place)
            elif kind != R_32 or section not in AT_PHYSICAL_ADDRESSES:
                sys.exit(f"relocs.py: relocation of type {kind} at {place:#x} in {section} is not known")
    return places


def encode(addresses, base):
    out, before = b"", base
    for address in sorted(addresses):
        if address <= before:
            sys.exit(f"relocs.py: {address:#x} cannot be told from the end of the list")
        out += varint(address - before)
        before = address
    return out + b"\0"


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    elf = Elf(sys.argv[1])
    base = next(value for name, value, *_ in elf.symbols() if name == "text_start")
    places = absolute_places(elf)
    blob = encode(places[R_64], base) + encode(places[R_32S], base)
    print('\t.section .relocs, "a", @progbits')
    for at in range(0, len(blob), 64):
        print("\t.byte " + ",".join(str(byte) for byte in blob[at:at + 64]))
    print('\t.section .note.GNU-stack, "", @progbits')
    print(f"relocs.py: {len(places[R_64]) + len(places[R_32S])} places in {len(blob)} bytes", file=sys.stderr)


main()

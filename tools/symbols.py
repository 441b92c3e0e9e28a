#!/usr/bin/python3
"""Make the kernel's symbol and line tables from a linked ELF, as assembly for section .ksyms.

usage: symbols.py KERNEL.ELF > symbols.S

Reads the symbol table and .debug_line (DWARF 5) itself; kernel/core/symbols.c reads the result.
All addresses are offsets from the symbol text_start. Layout, little-endian, offsets from ksyms_start:

  header        12 words, see HEADER below
  symbol index  for each block of 16 symbols: text offset of the first, position in the symbol stream
  symbol stream a symbol: varint of the distance from the one before (0 for the first of a block),
                its name, 0; bytes from 0x80 on in a name stand for a token
  tokens        128 positions (16 bit) in the strings that follow, each string ended by 0
  line index    for each block of 256 rows: text offset, position in the line stream, line, file
  line stream   rows; before one, perhaps a change of file. Lines count from the last one seen in the
                same file, which a list of the 16 files used last keeps (the latest in front):
                  00..bf  address step 1..16, line step -4..7, in one byte
                  c0..df  address step 1..32, and a byte: line step -128..127
                  e0..ef  go to the file in this place of the list
                  f0      go to another file: its number
                  f1      address step, line step (zigzag)
  files         a position (32 bit) each, then the strings
"""
import re
import struct
import sys
from collections import Counter

MAGIC = 0x4D59534B
SYMBOLS_A_BLOCK = 16
ROWS_A_BLOCK = 256
ROW_MEDIUM, ROW_RECENT, ROW_FILE, ROW_LARGE = 0xC0, 0xE0, 0xF0, 0xF1
RECENT_FILES = 16


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return varint(n * 2 if n >= 0 else -n * 2 - 1)


class Elf:
    """Sections and symbols of a 64-bit little-endian ELF file."""

    def __init__(self, path):
        self.data = open(path, "rb").read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"{path}: not a 64-bit little-endian ELF file")
        shoff, = struct.unpack_from("<Q", self.data, 40)
        shentsize, shnum, shstrndx = struct.unpack_from("<HHH", self.data, 58)
        heads = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + i * shentsize)
                 for i in range(shnum)]
        names = heads[shstrndx][4]
        self.sections = {self.string(names + h[0]): h for h in heads}
        self.by_index = heads

    def string(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode()

    def section(self, name):
        head = self.sections.get(name)
        return self.data[head[4]:head[4] + head[5]] if head else b""

    def symbols(self):
        """(name, value, type, binding, is in an executable section)"""
        strings = self.sections[".strtab"][4]
        for name, info, _, shndx, value, _ in struct.iter_unpack("<IBBHQQ", self.section(".symtab")):
            is_code = 0 < shndx < len(self.by_index) and bool(self.by_index[shndx][2] & 4)
            yield self.string(strings + name), value, info & 15, info >> 4, is_code


def functions(elf, base):
    """[(offset, name)] by address, one name an address: the global one if there is one."""
    best = {}
    for name, value, kind, binding, is_code in elf.symbols():
        if not is_code or value < base or not name or name.startswith(".L"):
            continue
        if kind == 2 or (kind == 0 and binding):
            rank = (kind == 2, binding)
            if value not in best or rank > best[value][0]:
                best[value] = (rank, name)
    return [(value - base, name) for value, (_, name) in sorted(best.items())]


class Reader:
    """A cursor over DWARF data."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, fmt):
        value, = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return value

    def uleb(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def string(self):
        end = self.data.index(b"\0", self.at)
        value, self.at = self.data[self.at:end].decode(), end + 1
        return value


def read_entries(reader, strings):
    """A directory or file table of a DWARF 5 line header: [{content type: value}]."""
    formats = [(reader.uleb(), reader.uleb()) for _ in range(reader.take("B"))]
    entries = []
    for _ in range(reader.uleb()):
        entry = {}
        for content, form in formats:
            if form in (0x1F, 0x0E):                      # line_strp, strp
                section = strings[".debug_line_str" if form == 0x1F else ".debug_str"]
                entry[content] = Reader(section, reader.take("I")).string()
            elif form == 0x08:
                entry[content] = reader.string()
            elif form in (0x0B, 0x05, 0x06):              # data1, data2, data4
                entry[content] = reader.take({0x0B: "B", 0x05: "H", 0x06: "I"}[form])
            elif form == 0x0F:
                entry[content] = reader.uleb()
            elif form == 0x1E:                            # data16, the MD5
                reader.at += 16
            else:
                sys.exit(f"symbols.py: form {form:#x} in a line table is not known")
        entries.append(entry)
    return entries


def path_join(directory, name):
    path = name if name.startswith("/") or directory in ("", ".") else directory + "/" + name
    parts = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", "", ".."):
            parts.append(part)
    return "/".join(parts)


def run_program(data, at, end, head, rows):
    """The line-number program (DWARF 5, section 6.2.5): appends (address, file, line), line 0 at an end."""
    min_length, line_base, line_range, opcode_base, lengths = head
    address, file, line = 0, 1, 1
    add = rows.append
    const_pc = (255 - opcode_base) // line_range * min_length
    reader = Reader(data, at)
    while reader.at < end:
        opcode = data[reader.at]
        reader.at += 1
        if opcode >= opcode_base:
            step = opcode - opcode_base
            address += step // line_range * min_length
            line += line_base + step % line_range
            add((address, file, line))
        elif opcode == 1:
            add((address, file, line))
        elif opcode == 2:
            address += reader.uleb() * min_length
        elif opcode == 3:
            value, shift = 0, 0
            while True:
                byte = data[reader.at]
                reader.at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            line += value - (1 << shift) if byte & 0x40 else value
        elif opcode == 4:
            file = reader.uleb()
        elif opcode == 8:
            address += const_pc
        elif opcode == 9:
            address += reader.take("H")
        elif opcode == 0:
            size = reader.uleb()
            following = reader.at + size
            extended = data[reader.at]
            if extended == 1:
                add((address, file, 0))
                address, file, line = 0, 1, 1
            elif extended == 2:
                address, = struct.unpack_from("<Q", data, reader.at + 1)
            reader.at = following
        else:
            for _ in range(lengths[opcode - 1]):
                reader.uleb()


def line_rows(elf, base):
    """(files, [(offset, file number, line)]) by address; line 0 says that nothing is known from there."""
    data = elf.section(".debug_line")
    strings = {name: elf.section(name) for name in (".debug_line_str", ".debug_str")}
    numbers, files, all_rows, at = {}, [], [], 0
    while at < len(data):
        reader = Reader(data, at)
        length = reader.take("I")
        end = at = reader.at + length
        version = reader.take("H")
        if version != 5:
            continue
        reader.at += 2
        program = reader.take("I")
        program += reader.at
        min_length = reader.take("B")
        reader.at += 2
        line_base, line_range, opcode_base = reader.take("b"), reader.take("B"), reader.take("B")
        lengths = [reader.take("B") for _ in range(opcode_base - 1)]
        directories = [entry[1] for entry in read_entries(reader, strings)]
        own = []
        for entry in read_entries(reader, strings):
            path = path_join(directories[entry.get(2, 0)], entry[1])
            if path not in numbers:
                numbers[path] = len(files)
                files.append(path)
            own.append(numbers[path])
        rows = []
        run_program(data, program, end, (min_length, line_base, line_range, opcode_base, lengths), rows)
        all_rows += [(address - base, own[file] if file < len(own) else 0, line)
                     for address, file, line in rows if address >= base]
    return files, thin(all_rows)


def thin(rows):
    """In order of address; of several rows for one address the last; none that repeats the one before."""
    last = {}
    for row in rows:
        if row[2] or row[0] not in last:    # an end never hides the beginning of what follows
            last[row[0]] = row
    out = []
    for row in sorted(last.values()):
        if not out or row[1:] != out[-1][1:]:
            out.append(row)
    return out


def encode_names(names):
    """(token table, encoder): the 128 words that save most get a byte each."""
    words = Counter(word for name in names for word in re.findall(r"_?[A-Za-z0-9.]+|_", name))
    saving = sorted(words, key=lambda w: ((len(w) - 1) * words[w] - len(w), w), reverse=True)
    tokens = {word: bytes([0x80 + i]) for i, word in enumerate(saving[:128])}
    table, text = b"", b""
    for word in list(tokens) + [""] * (128 - len(tokens)):
        table += struct.pack("<H", len(text))
        text += word.encode() + b"\0"
    return table + text, lambda name: b"".join(
        tokens.get(word) or word.encode() for word in re.findall(r"_?[A-Za-z0-9.]+|_|[^_A-Za-z0-9.]", name)) + b"\0"


def encode_symbols(symbols):
    tokens, encode = encode_names([name for _, name in symbols])
    index, stream, before = b"", bytearray(), 0
    for i, (offset, name) in enumerate(symbols):
        if i % SYMBOLS_A_BLOCK == 0:
            index += struct.pack("<II", offset, len(stream))
            before = offset
        stream += varint(offset - before) + encode(name)
        before = offset
    return index, bytes(stream), tokens


def encode_row(step, lines):
    if step <= 16 and -4 <= lines <= 7:
        return bytes([(step - 1) * 12 + lines + 4])
    if step <= 32 and -128 <= lines <= 127:
        return bytes([ROW_MEDIUM + step - 1, lines + 128])
    return bytes([ROW_LARGE]) + varint(step) + zigzag(lines)


def encode_lines(rows):
    index, stream = b"", bytearray()
    address, recent = 0, []                 # recent: [file, last line in it], the latest in front
    for i, (offset, file, line) in enumerate(rows):
        if i % ROWS_A_BLOCK == 0:
            index += struct.pack("<IIII", offset, len(stream), line, file)
            address, recent = offset, [[file, line]]
            continue
        place = next((n for n, entry in enumerate(recent) if entry[0] == file), None)
        if place is None:
            stream += bytes([ROW_FILE]) + varint(file)
            recent = [[file, 0]] + recent[:RECENT_FILES - 1]
        elif place:
            stream.append(ROW_RECENT + place)
            recent.insert(0, recent.pop(place))
        stream += encode_row(offset - address, line - recent[0][1])
        address, recent[0][1] = offset, line
    return index, bytes(stream)


def encode_files(files):
    table, text = b"", b""
    for path in files:
        table += struct.pack("<I", len(files) * 4 + len(text))
        text += path.encode() + b"\0"
    return table + text


def emit(blob):
    blob += bytes(-len(blob) % 8)
    print('\t.section .ksyms, "a", @progbits\n\t.balign 8\n\t.globl ksyms_start, ksyms_end\nksyms_start:')
    words = [f"{word:#x}" for word, in struct.iter_unpack("<Q", blob)]
    for i in range(0, len(words), 16):
        print("\t.quad " + ",".join(words[i:i + 16]))
    print('ksyms_end:\n\t.section .note.GNU-stack, "", @progbits')


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    elf = Elf(sys.argv[1])
    base = next((value for name, value, *_ in elf.symbols() if name == "text_start"), None)
    if base is None:
        sys.exit(f"{sys.argv[1]}: no symbol text_start")
    symbols = functions(elf, base)
    files, rows = line_rows(elf, base)
    symbol_index, symbol_stream, tokens = encode_symbols(symbols)
    line_index, line_stream = encode_lines(rows)
    parts = [symbol_index, symbol_stream, tokens, line_index, line_stream, encode_files(files)]
    header = [MAGIC, len(symbols), len(rows), len(files)]
    blob = b""
    for part in parts:
        blob += bytes(-len(blob) % 8)
        header.append(4 * 12 + len(blob))
        blob += part
    header += [0] * (12 - len(header))
    emit(struct.pack("<12I", *header) + blob)
    print(f"symbols.py: {len(symbols)} symbols in {len(symbol_index) + len(symbol_stream) + len(tokens)} bytes, "
          f"{len(rows)} lines in {len(line_index) + len(line_stream) + len(parts[5])}", file=sys.stderr)


if __name__ == "__main__":
    main()

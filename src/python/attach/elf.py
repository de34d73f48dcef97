"""Addresses of functions in another process: its memory map, and the dynamic symbols of the ELF files mapped there."""

import os
import struct

SHT_DYNSYM = 11
PT_LOAD = 1
ET_DYN = 3
#: `st_info & 15` of a function, plain or chosen at load time (glibc's `mmap` is neither in practice).
STT_FUNC = 2


class Mapping:
    """The first mapping of one file: where it begins in the process, and the file as that process sees it."""

    def __init__(self, start, path, pid):
        self.start = start
        self.path = path
        #: Through the process's own root, so that a file of a container is found from outside.
        self.file = "/proc/%d/root%s" % (pid, path)


def mapped_files(pid):
    """Files with code in process `pid`, in the order of their addresses. :raises OSError: when it is gone or not ours to read"""
    first = {}
    executable = []
    with open("/proc/%d/maps" % pid) as maps:
        for line in maps:
            parts = line.split(None, 5)
            if len(parts) < 6 or not parts[5].startswith("/"):
                continue
            path = parts[5].rstrip("\n")
            if int(parts[2], 16) == 0:
                first.setdefault(path, Mapping(int(parts[0].split("-")[0], 16), path, pid))
            if "x" in parts[1] and path in first and path not in executable:
                executable.append(path)
    return [first[path] for path in executable]


def functions(mapping, names):
    """`{name: address in the process}` of those `names` that the file defines; empty for what is no 64-bit ELF file."""
    try:
        with open(mapping.file, "rb") as file:
            return _functions(file, mapping.start, {name.encode() for name in names})
    except (OSError, struct.error):
        return {}


def _functions(file, start, wanted):
    header = file.read(64)
    if header[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian
        return {}
    kind, _, _, _, program_offset, section_offset, _, _, program_size, programs, section_size, sections, _ = (
        struct.unpack_from("<HHIQQQIHHHHHH", header, 16)
    )
    bias = 0
    if kind == ET_DYN:
        file.seek(program_offset)
        table = file.read(program_size * programs)
        for index in range(programs):
            segment, _, offset, address = struct.unpack_from("<IIQQ", table, index * program_size)
            if segment == PT_LOAD and offset < os.sysconf("SC_PAGE_SIZE"):
                bias = start - (address - offset)
                break
    file.seek(section_offset)
    table = file.read(section_size * sections)
    found = {}
    for index in range(sections):
        _, kind, _, _, offset, size, link = struct.unpack_from("<IIQQQQI", table, index * section_size)
        if kind != SHT_DYNSYM:
            continue
        strings_offset, strings_size = struct.unpack_from("<QQ", table, link * section_size + 24)
        file.seek(offset)
        symbols = file.read(size)
        file.seek(strings_offset)
        strings = file.read(strings_size)
        for name, info, _, section, value, _ in struct.iter_unpack("<IBBHQQ", symbols):
            if section == 0 or info & 15 != STT_FUNC:
                continue
            text = strings[name : strings.index(b"\0", name)]
            if text in wanted:
                found[text.decode()] = bias + value
    return found

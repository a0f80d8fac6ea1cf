#!/usr/bin/env python3
"""Writes src/text/upcase_table.h: Windows' upper case of single UTF-16 units.

    scripts/make-upcase.py src/text/upcase_table.h

The rule: a unit's upper case is its simple mapping in Unicode 5.1 (UnicodeData.txt), provided that the mapping can be
undone by the simple lower case; else the unit itself.  So these stay as they are: MICRO SIGN, dotless i, long s, the
titlecase digraphs, final sigma, the Greek symbol letters, combining iota; and whatever got its partner after 5.1.

That the rule gives Windows' table is a fact that can be checked: NTFS volumes carry it as $UpCase, and the MD5 of that
file as Windows 7, 8, 10 and 11 write it is well known (ntfs-3g, libntfs-3g/unistr.c; dumps of volumes agree).  Nothing
is written when the result has another one, for instance because a newer Unicode has moved a letter.
"""
import hashlib
import struct
import sys
import unicodedata

WINDOWS_MD5 = '7ff498a44e45e77374cc7c962b1b92f2'

# Letters of the BMP that a case pair needs and that came after Unicode 5.1 (DerivedAge.txt).
LATER = [(0x037F, 0x037F), (0x0524, 0x052F), (0x10C7, 0x10CD), (0x13F8, 0x13FD), (0x1C80, 0x1CBF), (0x2C2F, 0x2C2F),
         (0x2C70, 0x2C70), (0x2C7E, 0x2C7F), (0x2CEB, 0x2CF3), (0xA660, 0xA661), (0xA698, 0xA69F), (0xA78D, 0xA7F7),
         (0xAB30, 0xABBF)]


def later(unit):
    return any(first <= unit <= last for first, last in LATER)


def simple_upper(unit):
    char = chr(unit)
    mapped = char.upper()
    if len(mapped) != 1:
        mapped = char.title()  # iota subscript: the simple mapping is the titlecase letter
    return ord(mapped) if len(mapped) == 1 and ord(mapped) <= 0xFFFF else unit


def upper(unit):
    if 0xD800 <= unit <= 0xDFFF or later(unit):
        return unit
    mapped = simple_upper(unit)
    return mapped if not later(mapped) and chr(mapped).lower() == chr(unit) else unit


def header(table):
    pages, index = [], []
    for high in range(256):
        page = tuple((table[high << 8 | low] - (high << 8 | low)) & 0xFFFF for low in range(256))
        if page not in pages:
            pages.append(page)
        index.append(pages.index(page))
    out = ['/* Made by scripts/make-upcase.py; not edited by hand.  What is added to a unit, modulo 2^16, by page of 256. */',
           '#include <stdint.h>', '', '/* clang-format off */', 'static const uint8_t upcase_page[256] = {']
    out += ['    ' + ', '.join('%d' % value for value in index[at:at + 32]) + ',' for at in range(0, 256, 32)]
    out += ['};', '', 'static const uint16_t upcase_delta[%d][256] = {' % len(pages)]
    for page in pages:
        out.append('    {')
        out += ['        ' + ', '.join('%d' % value for value in page[at:at + 16]) + ',' for at in range(0, 256, 16)]
        out.append('    },')
    return '\n'.join(out + ['};', ''])


def main():
    table = [upper(unit) for unit in range(0x10000)]
    md5 = hashlib.md5(struct.pack('<65536H', *table)).hexdigest()
    if md5 != WINDOWS_MD5:
        sys.exit('make-upcase: Unicode %s gives a table with MD5 %s, which is not Windows\'; see LATER'
                 % (unicodedata.unidata_version, md5))
    with open(sys.argv[1], 'w', encoding='ascii') as file:
        file.write(header(table))


if __name__ == '__main__':
    main()

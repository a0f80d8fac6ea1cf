#!/usr/bin/env python3
"""Writes src/text/upcase_table.h: Windows' upper case of single UTF-16 units.

Windows since Vista maps the BMP by Unicode 5.0's simple upper case where the pair is one to one, in both directions, with
a few marks of its own.  Facts from the up-case tables that NTFS and exFAT volumes carry, as independent implementations
reproduce them:
  - a letter whose upper case has another lower case stays itself (MICRO SIGN, dotless i, long s, titlecase digraphs,
    Greek symbol letters), except final sigma, which becomes SIGMA;
  - letters that Unicode gave an upper case after 5.0 stay themselves;
  - U+023A and U+023E are mapped towards U+2C65 and U+2C66, the wrong way round.
"""
import sys
import unicodedata

# Lower-case letters whose pair came with Unicode 5.1 or later (DerivedAge.txt).
LATER = [(0x0240, 0x0240), (0x023F, 0x023F), (0x0250, 0x0252), (0x025C, 0x025C), (0x0261, 0x0261), (0x0265, 0x0266),
         (0x026A, 0x026A), (0x026C, 0x026C), (0x0271, 0x0271), (0x0264, 0x0264), (0x0282, 0x0282), (0x0287, 0x0287),
         (0x029D, 0x029E), (0x0371, 0x0377), (0x0514, 0x052F), (0x10D0, 0x10FF), (0x13F8, 0x13FD), (0x1C80, 0x1C8A),
         (0x1D79, 0x1D79), (0x1D8E, 0x1D8E), (0x2C5F, 0x2C5F), (0x2C73, 0x2C73), (0x2CEC, 0x2CF3), (0x2D27, 0x2D2D),
         (0xA640, 0xA7FF), (0xAB30, 0xABBF)]
WINDOWS = {0x03C2: 0x03A3, 0x023A: 0x2C65, 0x023E: 0x2C66, 0x2C65: 0x2C65, 0x2C66: 0x2C66}


def upper(unit):
    if unit in WINDOWS:
        return WINDOWS[unit]
    if 0xD800 <= unit <= 0xDFFF or any(first <= unit <= last for first, last in LATER):
        return unit
    char = chr(unit)
    mapped = char.upper()
    if len(mapped) != 1:
        mapped = char.title()  # iota subscript: the simple mapping is the titlecase letter
    if len(mapped) != 1 or ord(mapped) > 0xFFFF or mapped == char:
        return unit
    return ord(mapped) if mapped.lower() == char else unit


def main():
    pages, index = [], []
    for high in range(256):
        page = tuple((upper(high << 8 | low) - (high << 8 | low)) & 0xFFFF for low in range(256))
        if page not in pages:
            pages.append(page)
        index.append(pages.index(page))
    out = ['/* Made by scripts/make-upcase.py; not edited by hand.  What is added to a unit, modulo 2^16, by page of 256. */',
           '#include <stdint.h>', '', 'static const uint8_t upcase_page[256] = {']
    out += ['    ' + ', '.join('%d' % value for value in index[at:at + 32]) + ',' for at in range(0, 256, 32)]
    out += ['};', '', 'static const uint16_t upcase_delta[%d][256] = {' % len(pages)]
    for page in pages:
        out.append('    {')
        out += ['        ' + ', '.join('%d' % value for value in page[at:at + 16]) + ',' for at in range(0, 256, 16)]
        out.append('    },')
    out += ['};', '']
    with open(sys.argv[1], 'w', encoding='ascii') as file:
        file.write('\n'.join(out))


if __name__ == '__main__':
    main()

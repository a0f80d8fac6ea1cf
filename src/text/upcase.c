#include "text/upcase.h"

#include "text/upcase_table.h"

uint16_t upcase_unit(uint16_t unit)
{
    return (uint16_t)(unit + upcase_delta[upcase_page[unit >> 8]][unit & 0xFF]);
}

void upcase_write(struct utf16 text, uint8_t *out)
{
    for (size_t i = 0; i < utf16_length(text); i++) {
        uint16_t unit = upcase_unit(utf16_unit(text, i));
        out[2 * i] = (uint8_t)unit;
        out[2 * i + 1] = (uint8_t)(unit >> 8);
    }
}

// SPDX-License-Identifier: MIT
#include "cli/utf8.h"

#include <string.h>

/* RFC 3629, 4 */
unsigned utf8_len(const char *at)
{
	const unsigned char *text = (const unsigned char *)at;
	unsigned char least = 0x80, most = 0xbf;
	unsigned len = *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;

	if (*text < 0x80)
		return 1;
	if (*text < 0xc2 || *text > 0xf4)
		return 0;
	if (*text == 0xe0)
		least = 0xa0;
	if (*text == 0xed)
		most = 0x9f;
	if (*text == 0xf0)
		least = 0x90;
	if (*text == 0xf4)
		most = 0x8f;
	for (unsigned i = 1; i < len; i++, least = 0x80, most = 0xbf)
		if (text[i] < least || text[i] > most)
			return 0;
	return len;
}

/* Those of two bytes, U+0080 … U+009F, are controls too. */
bool utf8_is_control(const char *text)
{
	unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];

	return first < 0x20 || first == 0x7f || (first == 0xc2 && second >= 0x80 && second < 0xa0);
}

void utf8_clean(char *text)
{
	while (*text) {
		unsigned len = utf8_len(text);
		bool is_good = len && !utf8_is_control(text);

		if (!len)
			len = 1;
		if (!is_good)
			memset(text, '?', len);
		text += len;
	}
}

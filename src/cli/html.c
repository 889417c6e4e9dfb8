// SPDX-License-Identifier: MIT
#include "cli/html.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* U+FFFD */
#define REPLACEMENT "\xef\xbf\xbd"

/* Bytes of a well-formed UTF-8 character at text; 0: there is none. RFC 3629, 4 */
static unsigned utf8_len(const unsigned char *text)
{
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

static const char *entity_of(unsigned char byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
	case '\t':
		return NULL;
	default:
		return byte < 0x20 || byte == 0x7f ? REPLACEMENT : NULL;
	}
}

/* Controls of two bytes, U+0080 … U+009F: characters, but nothing to be seen. */
static bool is_control(const unsigned char *text)
{
	return text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0;
}

void html_text(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (at && *at) {
		const char *entity = entity_of(*at);
		unsigned len = utf8_len(at);

		if (!len || is_control(at))
			entity = REPLACEMENT;
		if (entity)
			fputs(entity, out);
		else
			fwrite(at, 1, len, out);
		at += len ? len : 1;
	}
}

static void format_text(FILE *out, const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return;
	html_text(out, text);
	free(text);
}

void html_format(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_text(out, format, args);
	va_end(args);
}

void html_element(FILE *out, const char *tag, const char *class, const char *format, ...)
{
	va_list args;

	if (class)
		fprintf(out, "<%s class=\"%s\">", tag, class);
	else
		fprintf(out, "<%s>", tag);
	va_start(args, format);
	format_text(out, format, args);
	va_end(args);
	fprintf(out, "</%s>", tag);
}

// SPDX-License-Identifier: MIT
#include "cli/html.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/utf8.h"

/* U+FFFD */
#define REPLACEMENT "\xef\xbf\xbd"

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

void html_text(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (at && *at) {
		const char *entity = entity_of(*at);
		unsigned len = utf8_len((const char *)at);

		if (!len || (len > 1 && utf8_is_control((const char *)at)))
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

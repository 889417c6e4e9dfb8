/* SPDX-License-Identifier: MIT */
/*
 * HTML as this program writes it. Markup is literal text of ours (fputs); whatever comes from elsewhere
 * goes through html_text() or html_format(), which leave nothing in it that could be markup: neither
 * between tags nor in an attribute with quotes around it.
 */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include <stdarg.h>
#include <stdio.h>

/* NULL: nothing. Bytes that are no UTF-8, and control characters, become U+FFFD. */
void html_text(FILE *out, const char *text);
/* The text of a format, all of it as html_text(). */
void html_format(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* <tag class="class">text</tag>; class NULL: none. Both are literal. */
void html_element(FILE *out, const char *tag, const char *class, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif

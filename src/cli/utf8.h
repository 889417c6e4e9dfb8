/* SPDX-License-Identifier: MIT */
/* Text from elsewhere: what of it is UTF-8, and can be shown. */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stdbool.h>

/* Bytes of the well-formed character that the text begins with; 0: there is none. */
unsigned utf8_len(const char *text);
/* Is that character a control, nothing to be seen? */
bool utf8_is_control(const char *text);
/* Puts a question mark in place of each byte that is no UTF-8 or a control. */
void utf8_clean(char *text);

#endif

/* SPDX-License-Identifier: MIT */
/* Style and script of the report's page, in the executable, with their hashes for its policy. */
#ifndef CLI_REPORT_PAGE_H
#define CLI_REPORT_PAGE_H

#include <stddef.h>

extern const unsigned char report_style_text[], report_script_text[];
extern const size_t report_style_len, report_script_len;
extern const char report_style_hash[], report_script_hash[];

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a guest says on its console: lines "VSVA: WORDS... ok|FAIL|skip", told as they come and
 * summed up in a table.
 */
#ifndef CLI_BOOT_REPORT_H
#define CLI_BOOT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct boot_report;

struct boot_report *boot_report_create(FILE *out, bool in_colour, bool quiet);
void boot_report_destroy(struct boot_report *report);

/* A line of the console, without its end; kernel messages may stand before the words. */
void boot_report_line(struct boot_report *report, const char *line);
/* The line in which the server tells a guest's counts, without what is before them. */
void boot_report_counts(struct boot_report *report, const char *counts);
void boot_report_table(const struct boot_report *report);

/* It said that it ended well, and nothing failed before. */
bool boot_report_passed(const struct boot_report *report);
/* It said how it ended. */
bool boot_report_has_end(const struct boot_report *report);

#endif

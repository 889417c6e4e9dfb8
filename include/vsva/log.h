/* SPDX-License-Identifier: MIT */
/*
 * Messages of the library: process wide, whole lines, to standard error unless somebody takes them.
 * What a guest or a user can cause is rate-limited.
 */
#ifndef VSVA_LOG_H
#define VSVA_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

enum vsva_log_level { VSVA_LOG_ERROR, VSVA_LOG_WARN, VSVA_LOG_INFO, VSVA_LOG_DEBUG };

/* Lines less important than this are dropped; warnings and errors at first. Any thread. */
void vsva_log_set_level(enum vsva_log_level most_detailed);
/* sink gets each line without its newline, from any thread; NULL: standard error again. To be
 * called while nothing else of the library runs. */
void vsva_log_set_sink(void (*sink)(void *arg, enum vsva_log_level level, const char *line),
		       void *arg);

#ifdef __cplusplus
}
#endif
#endif

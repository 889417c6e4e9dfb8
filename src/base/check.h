/* SPDX-License-Identifier: MIT */
/*
 * CHECK is for our own bugs only: it never sees a value that a guest, a file, a socket or a caller
 * chose. Such values are answered with an error.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <assert.h>
#include <stddef.h>

__attribute__((noreturn, cold)) void check_failed(const char *what, const char *file, int line);

#define CHECK(condition)                                                                           \
	(__builtin_expect(!!(condition), 1) ? (void)0                                              \
					    : check_failed(#condition, __FILE__, __LINE__))

/* For hot paths: in release builds it costs nothing and checks nothing. */
#ifdef VSVA_DEBUG
#define DEBUG_CHECK(condition) CHECK(condition)
#else
#define DEBUG_CHECK(condition) ((void)sizeof(condition))
#endif

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif

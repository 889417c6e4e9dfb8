/* SPDX-License-Identifier: MIT */
/*
 * Hops as they happened: the observer may not block or print, so it leaves them here, and whoever
 * tells the story fetches them in order.
 *
 * Threads: recorder_add() from any thread; the rest by one.
 */
#ifndef CLI_RECORDER_H
#define CLI_RECORDER_H

#include "vsva/trace.h"

/* An event, with what could be known about it when it happened. */
struct hop {
	uint64_t number; /* 1 is the first of the run */
	struct vsva_event event;
	bool has_gpa;
	gpa_t gpa;      /* where the first stage leads event.addr */
	uint32_t vm;    /* of the event, or of its host PASID */
	gpasid_t guest; /* likewise */
};

struct recorder;

/* keep: hops are kept until they are fetched; otherwise only counted. NULL: no memory. */
struct recorder *recorder_create(bool keep);
void recorder_destroy(struct recorder *recorder);
void recorder_add(struct recorder *recorder, struct hop *hop);

/* Hops since the last call, in order, and how many. They are the caller's: free(). */
struct hop *recorder_fetch(struct recorder *recorder, size_t *count);
uint64_t recorder_count(struct recorder *recorder, enum vsva_event_kind kind);
uint64_t recorder_total(struct recorder *recorder);
/* Hops that were not kept because nobody fetched them in time. */
uint64_t recorder_dropped(struct recorder *recorder);

#endif

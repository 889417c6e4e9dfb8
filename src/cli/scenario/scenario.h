/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: Lua 5.4 over a world. docs/scenarios.md is the reference for who writes one.
 *
 * Handles in Lua are pointers to records of the world, which outlive the script: what is dead has a
 * record without a handle, and using it is an error with file and line, never a crash.
 *
 * Two kinds of errors end a script: a mistake in it (CLI_USAGE), and an operation that failed
 * (CLI_FAILED), which is a table with errno and message that pcall and expect_error can look at.
 */
#ifndef CLI_SCENARIO_H
#define CLI_SCENARIO_H

#include <lauxlib.h>
#include <lua.h>

#include "cli/engine.h"
#include "cli/job.h"
#include "cli/world/world.h"

struct scenario_source {
	const char *path; /* of the file, or what the text is called */
	const char *text; /* NULL: read the file */
	size_t len;
};

/* Runs it in the world. CLI_OK, CLI_FAILED, CLI_USAGE or CLI_SETUP; what went wrong has been told.
 */
int scenario_run(struct world *world, const struct scenario_source *source);

/* For the parts of the binding */

#define SCENARIO_MACHINE "vsva.machine"
#define SCENARIO_DEVICE  "vsva.device"
#define SCENARIO_GUEST   "vsva.guest"
#define SCENARIO_PROCESS "vsva.process"
#define SCENARIO_JOB     "vsva.job"

struct world *scenario_world(lua_State *L);

/* Registers the methods of a kind of handle. */
void scenario_methods(lua_State *L, const char *kind, const luaL_Reg *methods,
		      lua_CFunction tostring);
void scenario_push(lua_State *L, const char *kind, void *record);
/* The record of an argument; dead ones too. */
void *scenario_record(lua_State *L, int arg, const char *kind);
/* Those that live; else an error that says who is dead. Tells the hops so far. */
struct world *scenario_machine(lua_State *L, int arg);
struct world_device *scenario_device(lua_State *L, int arg);
struct world_device *scenario_physical_device(lua_State *L, int arg); /* no mediated one */
struct world_guest *scenario_guest(lua_State *L, int arg);
struct world_process *scenario_process(lua_State *L, int arg);
/* Not one of the host's. */
struct world_process *scenario_guest_process(lua_State *L, int arg);
/* An error that says so, if the process' guest does not have the device. */
void scenario_check_device(lua_State *L, const struct world_process *process,
			   struct world_device *device);
/* The device as the guest has it. */
struct vsva_guest_device *scenario_guest_device(lua_State *L, const struct world_guest *guest,
						struct world_device *device);

/* Raises the failure of an operation: err is an errno. Does not return. */
int scenario_fail(lua_State *L, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));
/* Raises it if err is not 0. */
#define scenario_check(L, err, ...)                                                                \
	do {                                                                                       \
		int err_ = (err);                                                                  \
		if (err_)                                                                          \
			scenario_fail(L, err_, __VA_ARGS__);                                       \
	} while (0)

/* Options in a table; the table may be missing. keys: all that may be in it, NULL-terminated. */
void scenario_options(lua_State *L, int arg, const char *const *keys);
uint64_t scenario_number(lua_State *L, int arg, const char *key, uint64_t otherwise);
uint64_t scenario_needed(lua_State *L, int arg, const char *key);
bool scenario_has(lua_State *L, int arg, const char *key);
bool scenario_flag(lua_State *L, int arg, const char *key, bool otherwise);
/* Valid while the table lives. */
const char *scenario_text(lua_State *L, int arg, const char *key);

uint64_t scenario_address(lua_State *L, int arg);
uint64_t scenario_length(lua_State *L, int arg, uint64_t max);
void scenario_set_number(lua_State *L, const char *key, uint64_t value);
void scenario_set_text(lua_State *L, const char *key, const char *value);
void scenario_set_flag(lua_State *L, const char *key, bool value);

void scenario_open_expect(lua_State *L);
void scenario_open_machine(lua_State *L);
void scenario_open_guest(lua_State *L);
void scenario_open_process(lua_State *L);
void scenario_open_job(lua_State *L);
void scenario_open_lifecycle(lua_State *L);

/* Methods that another file holds. */
int scenario_guest_engine(lua_State *L);
int scenario_process_engine(lua_State *L);

#endif

/* SPDX-License-Identifier: MIT */
/* section, print, expect and random: what a scenario says and demands. */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/control/control.h"
#include "cli/scenario/scenario.h"

#define HOLD_LOOK_MS 20

static int say_section(lua_State *L)
{
	struct world *world = scenario_world(L);
	const char *text = luaL_checkstring(L, 1);

	world_tell_hops(world);
	world->teller->ops->section(world->teller, text);
	return 0;
}

static int say(lua_State *L)
{
	struct world *world = scenario_world(L);
	int count = lua_gettop(L);
	luaL_Buffer buffer;

	world_tell_hops(world);
	luaL_buffinit(L, &buffer);
	for (int i = 1; i <= count; i++) {
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&buffer);
		if (i < count)
			luaL_addchar(&buffer, '\t');
	}
	luaL_pushresult(&buffer);
	world->teller->ops->say(world->teller, lua_tostring(L, -1));
	return 0;
}

static void tell(lua_State *L, bool is_met, const char *text)
{
	struct world *world = scenario_world(L);

	world_tell_hops(world);
	world->expectations++;
	world->expectations_failed += !is_met;
	luaL_where(L, 1);
	world->teller->ops->expect(world->teller, is_met, text, lua_tostring(L, -1));
	lua_pop(L, 1);
}

static int expect(lua_State *L)
{
	bool is_met = lua_toboolean(L, 1);

	luaL_checkany(L, 1);
	tell(L, is_met, luaL_optstring(L, 2, "expectation"));
	lua_pushboolean(L, is_met);
	return 1;
}

/* Big whole numbers are addresses. */
static const char *spell(lua_State *L, int arg)
{
	if (lua_isinteger(L, arg) && lua_tointeger(L, arg) > 0xffff) {
		char text[24];

		snprintf(text, sizeof(text), "%#llx", (unsigned long long)lua_tointeger(L, arg));
		return lua_pushstring(L, text);
	}
	return luaL_tolstring(L, arg, NULL);
}

/* Longer values, and bytes that are no text, are not repeated when they are right. */
#define VALUE_SHOWN 32

static bool is_worth_repeating(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)value[i]))
			return false;
	return len <= VALUE_SHOWN;
}

static int expect_eq(lua_State *L)
{
	const char *text, *value;
	bool is_met;

	luaL_checkany(L, 2);
	text = luaL_optstring(L, 3, "equal");
	is_met = lua_compare(L, 1, 2, LUA_OPEQ);
	value = spell(L, 1);
	if (!is_met)
		text = lua_pushfstring(L, "%s: is %s, should be %s", text, value, spell(L, 2));
	else if (is_worth_repeating(value, lua_rawlen(L, -1)))
		text = lua_pushfstring(L, "%s: %s", text, value);
	tell(L, is_met, text);
	lua_pushboolean(L, is_met);
	return 1;
}

/* The name of the errno of a failure on top of the stack, or its text. Leaves it there. */
static const char *name_error(lua_State *L)
{
	if (lua_istable(L, -1) && lua_getfield(L, -1, "errno") == LUA_TSTRING)
		return lua_tostring(L, -1);
	return luaL_tolstring(L, -1, NULL);
}

/* expect_error(errno name or text, function, …) */
static int expect_error(lua_State *L)
{
	const char *wanted = luaL_checkstring(L, 1), *got, *text;
	bool is_met;

	luaL_checkany(L, 2);
	if (lua_pcall(L, lua_gettop(L) - 2, 0, 0) == LUA_OK)
		got = "no error";
	else
		got = name_error(L);
	is_met = strstr(got, wanted) != NULL;
	text = lua_pushfstring(L, is_met ? "refused with %s" : "should fail with %s: %s", wanted,
			       got);
	tell(L, is_met, text);
	lua_pushboolean(L, is_met);
	return 1;
}

/* random(): 0 … 2^63 - 1; random(n): 0 … n - 1; random(a, b): a … b */
static int random_number(lua_State *L)
{
	struct world *world = scenario_world(L);
	lua_Integer first = 0, last = LUA_MAXINTEGER;

	if (lua_gettop(L) == 1)
		last = luaL_checkinteger(L, 1) - 1;
	if (lua_gettop(L) >= 2) {
		first = luaL_checkinteger(L, 1);
		last = luaL_checkinteger(L, 2);
	}
	luaL_argcheck(L, first <= last, 1, "empty range");
	lua_pushinteger(L,
			(lua_Integer)((uint64_t)first +
				      world_random(world, (uint64_t)last - (uint64_t)first + 1)));
	return 1;
}

/* told(): has somebody said "go-on" through the control socket? Where nobody can, it is taken as said. */
static bool is_told(lua_State *L)
{
	struct control *control = scenario_world(L)->options.control;

	return !control || control_take_go_on(control);
}

static int told(lua_State *L)
{
	lua_pushboolean(L, is_told(L));
	return 1;
}

/* hold(): waits for it; a machine without threads stands still meanwhile. */
static int hold(lua_State *L)
{
	while (!is_told(L))
		poll(NULL, 0, HOLD_LOOK_MS);
	return 0;
}

/* given.NAME: what the command line says */
static void set_given(lua_State *L)
{
	const struct world_options *options = &scenario_world(L)->options;

	lua_newtable(L);
	for (unsigned i = 0; i < options->given_count; i++) {
		const char *text = strchr(options->given[i], '=');

		lua_pushlstring(L, options->given[i], (size_t)(text - options->given[i]));
		lua_pushstring(L, text + 1);
		lua_settable(L, -3);
	}
	lua_setglobal(L, "given");
}

void scenario_open_expect(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"section", say_section},
		{"print", say},
		{"expect", expect},
		{"expect_eq", expect_eq},
		{"expect_error", expect_error},
		{"random", random_number},
		{"told", told},
		{"hold", hold},
		{NULL, NULL},
	};

	lua_pushglobaltable(L);
	luaL_setfuncs(L, functions, 0);
	lua_pop(L, 1);
	set_given(L);
}

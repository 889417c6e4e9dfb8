/* SPDX-License-Identifier: MIT */
/* Processes: life, binding, and their memory as their own CPU sees it. */
#include <errno.h>
#include <string.h>

#include "cli/scenario/scenario.h"

#define HUGE_SIZE (UINT64_C(2) << 20)
#define ALLOC_MAX (UINT64_C(1) << 40)
#define TEXT_MAX  (UINT64_C(64) << 20)
#define CHUNK     65536u

static int process_tostring(lua_State *L)
{
	const struct world_process *process = scenario_record(L, 1, SCENARIO_PROCESS);

	lua_pushfstring(L, "%s/%s", process->guest ? process->guest->name : "host", process->name);
	return 1;
}

/* Binding */

static int process_bind(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	struct world_device *device = scenario_device(L, 2);

	scenario_check_device(L, process, device);
	scenario_check(L, world_bind_process(process, device), "bind of %s to %s", process->name,
		       device->name);
	world_name_pasid(process);
	return 0;
}

static int process_unbind(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	struct world_device *device = scenario_device(L, 2);

	scenario_check_device(L, process, device);
	scenario_check(L, world_unbind_process(process, device), "unbind of %s from %s",
		       process->name, device->name);
	return 0;
}

/* nil while it has none */
static int process_pasid(lua_State *L)
{
	uint32_t pasid = world_process_pasid(scenario_process(L, 1));

	if (pasid == VSVA_PASID_INVALID)
		lua_pushnil(L);
	else
		lua_pushinteger(L, pasid);
	return 1;
}

static int process_exit(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);

	scenario_check(L, world_exit_process(process), "exit of %s", process->name);
	return 0;
}

static int process_is_alive(lua_State *L)
{
	const struct world_process *process = scenario_record(L, 1, SCENARIO_PROCESS);

	lua_pushboolean(L, world_process_is_alive(process));
	return 1;
}

/* Areas */

static int process_alloc(lua_State *L)
{
	static const char *const keys[] = {"writable", "huge", "at", NULL};
	struct world_process *process = scenario_process(L, 1);
	uint64_t len = scenario_length(L, 2, ALLOC_MAX), unit, address;
	bool is_huge;

	lua_settop(L, 3);
	scenario_options(L, 3, keys);
	is_huge = scenario_flag(L, 3, "huge", false);
	unit = is_huge ? HUGE_SIZE : VSVA_PAGE_SIZE;
	len = (len + unit - 1) & ~(unit - 1);
	scenario_check(L,
		       world_process_map(process, scenario_number(L, 3, "at", 0), len,
					 scenario_flag(L, 3, "writable", true), is_huge, &address),
		       "alloc of %lld bytes for %s", (long long)len, process->name);
	lua_pushinteger(L, (lua_Integer)address);
	return 1;
}

static int process_munmap(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	uint64_t address = scenario_address(L, 2), len = scenario_length(L, 3, ALLOC_MAX);

	len = (len + VSVA_PAGE_SIZE - 1) & ~(uint64_t)(VSVA_PAGE_SIZE - 1);
	scenario_check(L, world_process_unmap(process, address, len),
		       "munmap of %#llx, %lld bytes, of %s", (unsigned long long)address,
		       (long long)len, process->name);
	return 0;
}

/* Contents */

static int process_write(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	uint64_t address = scenario_address(L, 2);
	size_t len;
	const char *bytes = luaL_checklstring(L, 3, &len);

	scenario_check(L, world_process_write(process, address, bytes, len), "write of %s to %#llx",
		       process->name, (unsigned long long)address);
	return 0;
}

static int process_read(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	uint64_t address = scenario_address(L, 2), len = scenario_length(L, 3, TEXT_MAX);
	luaL_Buffer buffer;
	char *bytes = luaL_buffinitsize(L, &buffer, len);

	scenario_check(L, world_process_read(process, address, bytes, len), "read of %s from %#llx",
		       process->name, (unsigned long long)address);
	luaL_pushresultsize(&buffer, len);
	return 1;
}

/* Byte number index of a pattern: every pattern and every word in it is different. */
static uint8_t pattern_byte(uint64_t pattern, uint64_t index)
{
	uint64_t z = (pattern << 32 ^ index >> 3) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint8_t)((z ^ z >> 32) >> 8 * (index & 7));
}

static void make_pattern(uint8_t *chunk, uint64_t len, uint64_t pattern, uint64_t index)
{
	for (uint64_t i = 0; i < len; i++)
		chunk[i] = pattern_byte(pattern, index + i);
}

static uint64_t chunk_len(uint64_t len, uint64_t done)
{
	return len - done < CHUNK ? len - done : CHUNK;
}

/* process:fill(address, length, pattern) */
static int process_fill(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	uint64_t address = scenario_address(L, 2), len = scenario_length(L, 3, ALLOC_MAX);
	uint64_t pattern = scenario_address(L, 4);
	uint8_t chunk[CHUNK];

	for (uint64_t done = 0; done < len; done += CHUNK) {
		make_pattern(chunk, chunk_len(len, done), pattern, done);
		scenario_check(
			L,
			world_process_write(process, address + done, chunk, chunk_len(len, done)),
			"fill of %s at %#llx", process->name, (unsigned long long)(address + done));
	}
	return 0;
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b, uint64_t len)
{
	uint64_t i = 0;

	if (!memcmp(a, b, len))
		return len;
	while (a[i] == b[i])
		i++;
	return i;
}

static int push_same(lua_State *L, bool is_same, uint64_t offset)
{
	lua_pushboolean(L, is_same);
	if (is_same)
		return 1;
	lua_pushinteger(L, (lua_Integer)offset);
	return 2;
}

static void read_chunk(lua_State *L, struct world_process *process, uint64_t address,
		       uint8_t *chunk, uint64_t len)
{
	scenario_check(L, world_process_read(process, address, chunk, len), "read of %s from %#llx",
		       process->name, (unsigned long long)address);
}

/* process:check(address, length, pattern) → true, or false and the offset of the first difference
 */
static int process_check(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	uint64_t address = scenario_address(L, 2), len = scenario_length(L, 3, ALLOC_MAX);
	uint64_t pattern = scenario_address(L, 4);
	uint8_t chunk[CHUNK], expected[CHUNK];

	for (uint64_t done = 0; done < len; done += CHUNK) {
		uint64_t piece = chunk_len(len, done), same;

		read_chunk(L, process, address + done, chunk, piece);
		make_pattern(expected, piece, pattern, done);
		same = first_difference(chunk, expected, piece);
		if (same < piece)
			return push_same(L, false, done + same);
	}
	return push_same(L, true, 0);
}

/* process:equal(a, b, length) → true, or false and the offset of the first difference */
static int process_equal(lua_State *L)
{
	struct world_process *process = scenario_process(L, 1);
	uint64_t a = scenario_address(L, 2), b = scenario_address(L, 3);
	uint64_t len = scenario_length(L, 4, ALLOC_MAX);
	uint8_t left[CHUNK], right[CHUNK];

	for (uint64_t done = 0; done < len; done += CHUNK) {
		uint64_t piece = chunk_len(len, done), same;

		read_chunk(L, process, a + done, left, piece);
		read_chunk(L, process, b + done, right, piece);
		same = first_difference(left, right, piece);
		if (same < piece)
			return push_same(L, false, done + same);
	}
	return push_same(L, true, 0);
}

void scenario_open_process(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"bind", process_bind},
		{"unbind", process_unbind},
		{"pasid", process_pasid},
		{"exit", process_exit},
		{"is_alive", process_is_alive},
		{"alloc", process_alloc},
		{"munmap", process_munmap},
		{"write", process_write},
		{"read", process_read},
		{"fill", process_fill},
		{"check", process_check},
		{"equal", process_equal},
		{"engine", scenario_process_engine},
		{NULL, NULL},
	};

	scenario_methods(L, SCENARIO_PROCESS, methods, process_tostring);
}

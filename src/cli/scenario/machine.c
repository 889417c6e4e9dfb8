/* SPDX-License-Identifier: MIT */
/* The machine and its devices. */
#include <errno.h>

#include "cli/scenario/scenario.h"

/* machine{…} */

static enum vsva_cache_policy policy_option(lua_State *L, const struct world *world, int arg)
{
	const char *name = scenario_text(L, arg, "cache_policy");
	enum vsva_cache_policy policy = world->options.cache_policy;

	if (name && vsva_cache_policy_parse(name, &policy))
		luaL_error(L, "no cache policy '%s'; there are: lru, never, random, adversarial",
			   name);
	return policy;
}

static int make_machine(lua_State *L)
{
	static const char *const keys[] = {"cache_policy", "seed", "threads", "iotlb_entries",
					   NULL};
	struct world *world = scenario_world(L);
	int err;

	lua_settop(L, 1);
	scenario_options(L, 1, keys);
	err = world_make_machine(world, policy_option(L, world, 1),
				 scenario_number(L, 1, "seed", world->options.seed),
				 scenario_flag(L, 1, "threads", false),
				 (uint32_t)scenario_number(L, 1, "iotlb_entries", 0));
	if (err == -EEXIST)
		return luaL_error(L, "a scenario has one machine, and there is one already");
	scenario_check(L, err, "machine");
	scenario_push(L, SCENARIO_MACHINE, world);
	return 1;
}

static int machine_tostring(lua_State *L)
{
	lua_pushliteral(L, "machine");
	return 1;
}

static int make_device(lua_State *L, enum vsva_device_kind kind)
{
	static const char *const keys[] = {"name", "queues", "rid", NULL};
	struct world *world = scenario_machine(L, 1);
	struct vsva_device_options options = {.kind = kind};
	struct world_device *device;

	lua_settop(L, 2);
	scenario_options(L, 2, keys);
	options.queues = (unsigned)scenario_number(L, 2, "queues", 0);
	options.rid = rid((uint16_t)scenario_number(L, 2, "rid", 0));
	scenario_check(L, world_make_device(world, &options, scenario_text(L, 2, "name"), &device),
		       "device");
	scenario_push(L, SCENARIO_DEVICE, device);
	return 1;
}

static int make_dsa(lua_State *L)
{
	return make_device(L, VSVA_DEVICE_DSA);
}

static int make_test_engine(lua_State *L)
{
	return make_device(L, VSVA_DEVICE_TEST_ENGINE);
}

/* The guest's own tables and queues need some. */
#define GUEST_MEMORY_MIN (UINT64_C(1) << 20)

static void check_memory(lua_State *L, uint64_t len)
{
	if (len && (len < GUEST_MEMORY_MIN || len % VSVA_PAGE_SIZE))
		luaL_error(L, "memory = %I: a guest has at least %I bytes, a multiple of 4096",
			   (LUAI_UACINT)len, (LUAI_UACINT)GUEST_MEMORY_MIN);
}

static enum vsva_free_policy free_policy_option(lua_State *L, int arg)
{
	const char *name = scenario_text(L, arg, "free_policy");
	enum vsva_free_policy policy = VSVA_FREE_RECLAIMS;

	if (name && vsva_free_policy_parse(name, &policy))
		luaL_error(L, "no free policy '%s'; there are: reclaims, unbinds-first", name);
	return policy;
}

static int make_guest(lua_State *L)
{
	static const char *const keys[] = {"name",        "memory",           "quota",
					   "vcmd",        "no_page_requests", "silent_handler",
					   "first_pasid", "free_policy",      NULL};
	struct world *world = scenario_machine(L, 1);
	struct world_guest *guest;
	struct vsva_guest_options options;

	lua_settop(L, 2);
	scenario_options(L, 2, keys);
	options = (struct vsva_guest_options){
		.name = scenario_text(L, 2, "name"),
		.memory = scenario_number(L, 2, "memory", 0),
		.pasid_quota = (uint32_t)scenario_number(L, 2, "quota", 0),
		.use_vcmd = scenario_flag(L, 2, "vcmd", false),
		.no_page_requests = scenario_flag(L, 2, "no_page_requests", false),
		.silent_handler = scenario_flag(L, 2, "silent_handler", false),
		.first_pasid = (uint32_t)scenario_number(L, 2, "first_pasid", 0),
		.free_policy = free_policy_option(L, 2),
	};
	check_memory(L, options.memory);
	scenario_check(L, world_make_guest(world, &options, &guest), "guest%s%s",
		       options.name ? " " : "", options.name ? options.name : "");
	scenario_push(L, SCENARIO_GUEST, guest);
	return 1;
}

/* Running */

/* With threads: milliseconds; a request that nobody answers keeps the host's clock busy. */
#define RUN_PIECES 1000000
#define RUN_MS     1000

static int machine_run(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);
	lua_Integer limit = luaL_optinteger(L, 2, world->has_threads ? RUN_MS : RUN_PIECES);

	vsva_machine_run_idle(world->machine, (uint64_t)limit);
	world_tell_hops(world);
	return 0;
}

static int machine_step(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);

	lua_pushboolean(L, vsva_machine_step(world->machine));
	world_tell_hops(world);
	return 1;
}

static void set_unit_stats(lua_State *L, const struct world *world)
{
	struct vsva_unit_stats unit;

	vsva_machine_unit_stats(world->machine, &unit);
	scenario_set_number(L, "iotlb_hits", unit.iotlb_hits);
	scenario_set_number(L, "iotlb_misses", unit.iotlb_misses);
	scenario_set_number(L, "iotlb_entries", unit.iotlb_entries);
	scenario_set_number(L, "walks", unit.walks);
	scenario_set_number(L, "descriptors", unit.descriptors);
	scenario_set_number(L, "unit_page_requests", unit.page_requests);
	scenario_set_number(L, "unit_faults", unit.faults);
}

static void set_host_stats(lua_State *L, const struct world *world)
{
	struct vsva_iommu_stats host;

	vsva_iommu_get_stats(vsva_machine_iommu(world->machine), &host);
	scenario_set_number(L, "binds", host.binds);
	scenario_set_number(L, "unbinds", host.unbinds);
	scenario_set_number(L, "invalidations", host.invalidations);
	scenario_set_number(L, "page_requests", host.page_requests);
	scenario_set_number(L, "page_responses", host.page_responses);
	scenario_set_number(L, "faults", host.faults);
	scenario_set_number(L, "timeouts", host.timeouts);
	scenario_set_number(L, "bound_now", host.bound_now);
	scenario_set_number(L, "domains_now", host.domains_now);
	scenario_set_number(L, "requests_pending_now", host.requests_pending_now);
}

static void set_group_stats(lua_State *L, const struct world *world)
{
	struct groups_counts groups;

	groups_get_counts(world->groups, &groups);
	scenario_set_number(L, "groups_asked", groups.asked);
	scenario_set_number(L, "groups_answered", groups.answered);
	scenario_set_number(L, "groups_open", groups.open);
	scenario_set_number(L, "groups_lost", groups.lost);
	scenario_set_number(L, "groups_wrong", groups.wrong);
}

static int machine_stats(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);
	struct ledger_counts ledger;

	ledger_get_counts(world->ledger, &ledger);
	lua_newtable(L);
	set_unit_stats(L, world);
	set_host_stats(L, world);
	set_group_stats(L, world);
	scenario_set_number(L, "accesses", ledger.accesses);
	scenario_set_number(L, "violations", ledger.violations);
	scenario_set_number(L, "pasids_now", ledger.pasids_allocated - ledger.pasids_freed);
	return 1;
}

/* Devices */

static int device_tostring(lua_State *L)
{
	const struct world_device *device = scenario_record(L, 1, SCENARIO_DEVICE);

	lua_pushstring(L, device->name);
	return 1;
}

static int device_rid(lua_State *L)
{
	lua_pushinteger(L, vsva_device_rid(world_device_function(scenario_device(L, 1))).v);
	return 1;
}

static int device_gone(lua_State *L)
{
	struct world_device *device = scenario_physical_device(L, 1);

	luaL_checktype(L, 2, LUA_TBOOLEAN);
	vsva_device_set_gone(device->device, lua_toboolean(L, 2));
	return 0;
}

static int device_reset(lua_State *L)
{
	vsva_device_reset(scenario_physical_device(L, 1)->device);
	return 0;
}

static int device_remove(lua_State *L)
{
	struct world_device *device = scenario_device(L, 1);

	/* a guest that lets go of a dead device is told of time-outs; that is no failure */
	(void)world_remove_device(device);
	world_tell_hops(device->world);
	return 0;
}

void scenario_open_machine(lua_State *L)
{
	static const luaL_Reg machine[] = {
		{"dsa", make_dsa},      {"test_engine", make_test_engine},
		{"guest", make_guest},  {"run", machine_run},
		{"step", machine_step}, {"stats", machine_stats},
		{NULL, NULL},
	};
	static const luaL_Reg device[] = {
		{"rid", device_rid},       {"gone", device_gone}, {"reset", device_reset},
		{"remove", device_remove}, {NULL, NULL},
	};

	lua_register(L, "machine", make_machine);
	scenario_methods(L, SCENARIO_MACHINE, machine, machine_tostring);
	scenario_methods(L, SCENARIO_DEVICE, device, device_tostring);
}

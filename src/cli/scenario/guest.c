/* SPDX-License-Identifier: MIT */
/* Guests: their devices, kernel DMA memory, raw registers and memory, death. */
#include <errno.h>

#include "cli/scenario/scenario.h"

/* One raw access moves at most this much. */
#define RAW_MAX (UINT64_C(16) << 20)

static int guest_tostring(lua_State *L)
{
	const struct world_guest *guest = scenario_record(L, 1, SCENARIO_GUEST);

	lua_pushstring(L, guest->name);
	return 1;
}

static int guest_process(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);
	struct world_process *process;

	scenario_check(L, world_make_process(guest, luaL_optstring(L, 2, NULL), &process),
		       "process of guest %s", guest->name);
	scenario_push(L, SCENARIO_PROCESS, process);
	return 1;
}

/* Devices */

static int guest_add(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);
	struct world_device *device = scenario_device(L, 2);

	scenario_check(L, world_add_device(guest, device), "adding device %s to guest %s",
		       device->name, guest->name);
	return 0;
}

static int guest_remove(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);
	struct world_device *device = scenario_device(L, 2);

	scenario_check(L, world_take_device(guest, device), "removing device %s from guest %s",
		       device->name, guest->name);
	return 0;
}

static struct vsva_guest_device *device_argument(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);

	return scenario_guest_device(L, guest, scenario_device(L, 2));
}

static int guest_dma_alloc(lua_State *L)
{
	struct vsva_guest_device *device = device_argument(L);
	uint64_t len = scenario_length(L, 3, RAW_MAX), iova;
	gpa_t memory;

	scenario_check(L, vsva_guest_dma_alloc(device, len, &iova, &memory), "dma_alloc");
	lua_pushinteger(L, (lua_Integer)iova);
	lua_pushinteger(L, (lua_Integer)memory.v);
	return 2;
}

static int guest_dma_free(lua_State *L)
{
	struct vsva_guest_device *device = device_argument(L);

	scenario_check(L,
		       vsva_guest_dma_free(device, scenario_address(L, 3),
					   gpa(scenario_address(L, 4)),
					   scenario_length(L, 5, RAW_MAX)),
		       "dma_free");
	return 0;
}

/* Raw accesses: what they lead to, the ledger cannot know, but it can know whose memory it must be.
 * ------- */

static struct vsva_vm *raw(lua_State *L, bool may_write)
{
	struct world_guest *guest = scenario_guest(L, 1);

	if (may_write)
		ledger_set_opaque(guest->world->ledger, guest->vm);
	return vsva_guest_vm(guest->guest);
}

static int guest_mmio_write(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);
	int err;

	raw(L, true);
	err = vsva_guest_mmio_write(guest->guest, (uint32_t)luaL_checkinteger(L, 2),
				    (unsigned)luaL_checkinteger(L, 3), scenario_address(L, 4));
	lua_pushboolean(L, !err);
	return 1;
}

static int guest_mmio_read(lua_State *L)
{
	struct vsva_vm *vm = raw(L, false);
	uint64_t value = 0;
	int err = vsva_viommu_read(vm, (uint32_t)luaL_checkinteger(L, 2),
				   (unsigned)luaL_checkinteger(L, 3), &value);

	if (err)
		lua_pushnil(L);
	else
		lua_pushinteger(L, (lua_Integer)value);
	return 1;
}

static int guest_write(lua_State *L)
{
	struct vsva_vm *vm = raw(L, true);
	size_t len;
	const char *bytes = luaL_checklstring(L, 3, &len);

	scenario_check(L, vsva_vm_write(vm, gpa(scenario_address(L, 2)), bytes, len),
		       "write to guest memory");
	return 0;
}

static int guest_read(lua_State *L)
{
	struct vsva_vm *vm = raw(L, false);
	uint64_t len = scenario_length(L, 3, RAW_MAX);
	luaL_Buffer buffer;
	char *bytes = luaL_buffinitsize(L, &buffer, len);

	scenario_check(L, vsva_vm_read(vm, gpa(scenario_address(L, 2)), bytes, len),
		       "read of guest memory");
	luaL_pushresultsize(&buffer, len);
	return 1;
}

static int guest_device_write(lua_State *L)
{
	struct vsva_guest_device *device = device_argument(L);
	int err;

	raw(L, true);
	err = vsva_assigned_write(vsva_guest_device_assigned(device),
				  (unsigned)luaL_checkinteger(L, 3), scenario_address(L, 4),
				  (unsigned)luaL_checkinteger(L, 5), scenario_address(L, 6));
	lua_pushboolean(L, !err);
	return 1;
}

static int guest_device_read(lua_State *L)
{
	struct vsva_guest_device *device = device_argument(L);
	uint64_t value = 0;
	int err = vsva_assigned_read(vsva_guest_device_assigned(device),
				     (unsigned)luaL_checkinteger(L, 3), scenario_address(L, 4),
				     (unsigned)luaL_checkinteger(L, 5), &value);

	if (err)
		lua_pushnil(L);
	else
		lua_pushinteger(L, (lua_Integer)value);
	return 1;
}

static int guest_config_write(lua_State *L)
{
	struct vsva_guest_device *device = device_argument(L);
	int err = vsva_assigned_config_write(
		vsva_guest_device_assigned(device), (uint32_t)luaL_checkinteger(L, 3),
		(unsigned)luaL_checkinteger(L, 4), (uint32_t)luaL_checkinteger(L, 5));

	lua_pushboolean(L, !err);
	return 1;
}

static const char *descriptor_argument(lua_State *L, int arg)
{
	size_t len;
	const char *bytes = luaL_checklstring(L, arg, &len);

	luaL_argcheck(L, len == 64, arg, "a descriptor has 64 bytes");
	return bytes;
}

/* guest:movdir64b(device, offset, bytes) */
static int guest_movdir64b(lua_State *L)
{
	struct vsva_guest_device *device = device_argument(L);
	int err = vsva_assigned_movdir64b(vsva_guest_device_assigned(device),
					  scenario_address(L, 3), descriptor_argument(L, 4));

	lua_pushboolean(L, !err);
	return 1;
}

/* guest:enqcmd(device, offset, ia32_pasid, bytes) */
static int guest_enqcmd(lua_State *L)
{
	struct vsva_guest_device *device = device_argument(L);
	int err =
		vsva_assigned_enqcmd(vsva_guest_device_assigned(device), scenario_address(L, 3),
				     (uint32_t)luaL_checkinteger(L, 4), descriptor_argument(L, 5));

	lua_pushinteger(L, err);
	return 1;
}

/* State */

/* nil: the PASID means nothing to the host */
static int guest_host_pasid(lua_State *L)
{
	struct vsva_vm *vm = raw(L, false);
	hpasid_t host;

	if (vsva_vm_hpasid(vm, gpasid((uint32_t)luaL_checkinteger(L, 2)), &host))
		lua_pushnil(L);
	else
		lua_pushinteger(L, host.v);
	return 1;
}

static int guest_free_pages(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)vsva_guest_free_pages(scenario_guest(L, 1)->guest));
	return 1;
}

static void set_guest_stats(lua_State *L, const struct world_guest *guest)
{
	struct vsva_guest_stats stats;

	vsva_guest_get_stats(guest->guest, &stats);
	scenario_set_number(L, "page_requests", stats.page_requests);
	scenario_set_number(L, "page_faults_resolved", stats.page_faults_resolved);
	scenario_set_number(L, "page_faults_refused", stats.page_faults_refused);
	scenario_set_number(L, "faults", stats.faults);
	scenario_set_number(L, "invalidations", stats.invalidations);
	scenario_set_number(L, "last_fault_reason", stats.last_fault_reason);
	scenario_set_number(L, "last_fault_address", stats.last_fault_address);
	scenario_set_number(L, "last_fault_pasid", stats.last_fault_pasid);
}

static void set_vm_stats(lua_State *L, const struct world_guest *guest)
{
	struct vsva_vm_stats stats;

	vsva_vm_get_stats(vsva_guest_vm(guest->guest), &stats);
	scenario_set_number(L, "descriptors", stats.descriptors);
	scenario_set_number(L, "binds", stats.binds);
	scenario_set_number(L, "unbinds", stats.unbinds);
	scenario_set_number(L, "refused_binds", stats.refused_binds);
	scenario_set_number(L, "vcmd_allocs", stats.vcmd_allocs);
	scenario_set_number(L, "vcmd_frees", stats.vcmd_frees);
	scenario_set_number(L, "pasids_now", stats.pasids_now);
	scenario_set_number(L, "bound_now", stats.bound_now);
	scenario_set_number(L, "windows_now", stats.windows_now);
}

static int guest_stats(lua_State *L)
{
	const struct world_guest *guest = scenario_guest(L, 1);

	lua_newtable(L);
	set_guest_stats(L, guest);
	set_vm_stats(L, guest);
	return 1;
}

static int guest_kill(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);

	scenario_check(L, world_kill_guest(guest), "kill of guest %s", guest->name);
	return 0;
}

static int guest_reboot(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);

	scenario_check(L, world_reboot_guest(guest), "reboot of guest %s", guest->name);
	return 0;
}

static int guest_is_alive(lua_State *L)
{
	const struct world_guest *guest = scenario_record(L, 1, SCENARIO_GUEST);

	lua_pushboolean(L, guest->guest != NULL);
	return 1;
}

void scenario_open_guest(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"process", guest_process},
		{"add", guest_add},
		{"remove", guest_remove},
		{"engine", scenario_guest_engine},
		{"dma_alloc", guest_dma_alloc},
		{"dma_free", guest_dma_free},
		{"mmio_write", guest_mmio_write},
		{"mmio_read", guest_mmio_read},
		{"write", guest_write},
		{"read", guest_read},
		{"device_write", guest_device_write},
		{"device_read", guest_device_read},
		{"config_write", guest_config_write},
		{"movdir64b", guest_movdir64b},
		{"enqcmd", guest_enqcmd},
		{"host_pasid", guest_host_pasid},
		{"free_pages", guest_free_pages},
		{"stats", guest_stats},
		{"kill", guest_kill},
		{"reboot", guest_reboot},
		{"is_alive", guest_is_alive},
		{NULL, NULL},
	};

	scenario_methods(L, SCENARIO_GUEST, methods, guest_tostring);
}

// SPDX-License-Identifier: MIT
#include "hw/endpoints.h"

#include <errno.h>

#include "base/alloc.h"
#include "hw/unit_state.h"

/* Allocated with the first endpoint of the bus, freed with the unit. */
struct endpoint_bus {
	struct endpoint *endpoints[256]; /* by devfn; rcu_publish, rcu_load */
};

static struct endpoint *find(const struct unit *unit, rid_t rid)
{
	const struct endpoint_bus *bus = rcu_load(unit->buses[rid.v >> 8]);

	return bus ? rcu_load(bus->endpoints[rid.v & 0xff]) : NULL;
}

const struct endpoint *endpoints_find(const struct unit *unit, rid_t rid)
{
	return find(unit, rid);
}

static struct endpoint_bus *get_bus(struct unit *unit, rid_t rid)
{
	struct endpoint_bus *bus = unit->buses[rid.v >> 8];

	if (bus)
		return bus;
	bus = base_zalloc(sizeof(*bus));
	if (bus)
		rcu_publish(unit->buses[rid.v >> 8], bus);
	return bus;
}

int unit_attach(struct unit *unit, struct endpoint *endpoint)
{
	struct endpoint_bus *bus;
	int err = 0;

	lock_take(&unit->endpoints_lock);
	bus = get_bus(unit, endpoint->rid);
	if (!bus)
		err = -ENOMEM;
	else if (bus->endpoints[endpoint->rid.v & 0xff])
		err = -EEXIST;
	else
		rcu_publish(bus->endpoints[endpoint->rid.v & 0xff], endpoint);
	lock_drop(&unit->endpoints_lock);
	return err;
}

void unit_detach(struct unit *unit, struct endpoint *endpoint)
{
	struct endpoint_bus *bus;

	lock_take(&unit->endpoints_lock);
	bus = unit->buses[endpoint->rid.v >> 8];
	if (bus && bus->endpoints[endpoint->rid.v & 0xff] == endpoint)
		rcu_publish(bus->endpoints[endpoint->rid.v & 0xff], NULL);
	lock_drop(&unit->endpoints_lock);
	rcu_synchronize();
}

int endpoints_invalidate(struct unit *unit, rid_t rid, const struct ats_invalidation *invalidation)
{
	struct endpoint *endpoint;
	int err = -ETIMEDOUT;

	rcu_read_lock();
	endpoint = find(unit, rid);
	if (endpoint)
		err = endpoint_invalidate(endpoint, invalidation);
	rcu_read_unlock();
	return err;
}

void endpoints_respond(struct unit *unit, rid_t rid, uint32_t pasid, uint16_t prgi, unsigned code)
{
	struct endpoint *endpoint;

	rcu_read_lock();
	endpoint = find(unit, rid);
	if (endpoint) {
		TRACE(unit->config.trace, UNIT, PAGE_RESPONSE, .rid = rid, .hpasid = hpasid(pasid),
		      .addr = prgi, .value = code);
		endpoint_page_response(endpoint, pasid, prgi, code);
	}
	rcu_read_unlock();
}

void endpoints_fini(struct unit *unit)
{
	for (unsigned i = 0; i < 256; i++)
		base_free(unit->buses[i]);
}

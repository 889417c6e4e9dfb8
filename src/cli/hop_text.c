/* SPDX-License-Identifier: MIT */
#include "cli/hop_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/journey.h"

/* A hop: who */

static void say_who(char *buffer, size_t size, const struct names *names, const struct hop *hop)
{
	const char *guest = names_guest(names, hop->vm);
	const char *process = names_process(names, hop->vm, hop->guest);
	const char *native = names_native(names, hop->event.hpasid);

	if (!hop->vm && native)
		snprintf(buffer, size, "host/%s", native);
	else if (!hop->vm)
		snprintf(buffer, size, "-");
	else if (!guest)
		snprintf(buffer, size, "VM %" PRIu32, hop->vm);
	else if (process && hop->guest.v != VSVA_PASID_INVALID)
		snprintf(buffer, size, "%s/%s", guest, process);
	else
		snprintf(buffer, size, "%s", guest);
}

static void say_device(char *buffer, size_t size, const struct names *names, rid_t rid)
{
	const char *name = names_device(names, rid);

	if (!rid.v)
		buffer[0] = 0;
	else if (name)
		snprintf(buffer, size, "%s", name);
	else
		snprintf(buffer, size, "%02x:%02x.%x", rid.v >> 8, rid.v >> 3 & 0x1f, rid.v & 7);
}

/* "guest 5 = host 0x1000"; 0 on the host is the entry of requests without PASID. */
static void say_pasids(char *buffer, size_t size, const struct hop *hop)
{
	char guest[20] = "", host[20] = "";

	if (hop->guest.v != VSVA_PASID_INVALID)
		snprintf(guest, sizeof(guest), "guest %" PRIu32, hop->guest.v);
	if (hop->event.hpasid.v == 0)
		snprintf(host, sizeof(host), "RID_PASID");
	else if (hop->event.hpasid.v != VSVA_PASID_INVALID)
		snprintf(host, sizeof(host), "host %#" PRIx32, hop->event.hpasid.v);
	snprintf(buffer, size, "%s%s%s", guest, guest[0] && host[0] ? " = " : "", host);
}

/* A hop: where */

static void say_gva_hpa(char *buffer, size_t size, const struct hop *hop)
{
	const struct vsva_event *event = &hop->event;

	if (event->hpasid.v == VSVA_PASID_INVALID)
		snprintf(buffer, size, "IOVA %#" PRIx64 " -> HPA %#" PRIx64, event->addr,
			 event->hpa.v);
	else if (hop->has_gpa)
		snprintf(buffer, size, "GVA %#" PRIx64 " -> GPA %#" PRIx64 " -> HPA %#" PRIx64,
			 event->addr, hop->gpa.v, event->hpa.v);
	else
		snprintf(buffer, size, "GVA %#" PRIx64 " -> HPA %#" PRIx64, event->addr,
			 event->hpa.v);
}

static bool has_failed(const struct hop *hop)
{
	return hop_kind_of(hop->event.kind)->value == HOP_VALUE_FAULT && hop->event.value != 0;
}

static void say_address(char *buffer, size_t size, const struct hop *hop)
{
	const struct vsva_event *event = &hop->event;
	enum hop_address address = hop_kind_of(event->kind)->address;

	buffer[0] = 0;
	if (address == HOP_ADDRESS_GVA_HPA && has_failed(hop))
		address = HOP_ADDRESS_GVA;
	switch (address) {
	case HOP_ADDRESS_NONE:
		break;
	case HOP_ADDRESS_ROOT:
		if (event->addr)
			snprintf(buffer, size, "root at GPA %#" PRIx64, event->addr);
		break;
	case HOP_ADDRESS_GVA:
		if (event->len != UINT64_MAX)
			snprintf(buffer, size, "GVA %#" PRIx64, event->addr);
		break;
	case HOP_ADDRESS_GVA_HPA:
		say_gva_hpa(buffer, size, hop);
		break;
	case HOP_ADDRESS_GVA_GPA:
		snprintf(buffer, size, "GVA %#" PRIx64 " -> GPA %#" PRIx64, event->addr,
			 event->hpa.v);
		break;
	case HOP_ADDRESS_GPA:
		snprintf(buffer, size, "GPA %#" PRIx64, event->addr);
		break;
	case HOP_ADDRESS_GPA_HPA:
		snprintf(buffer, size, "GPA %#" PRIx64 " -> HPA %#" PRIx64, event->addr,
			 event->hpa.v);
		break;
	}
}

/* A hop: what */

static const char *opcode_name(const struct names *names, const struct vsva_event *event)
{
	return names_is_test_engine(names, event->rid) ? engine_operation_name(event->value)
						       : dsa_opcode_name(event->value);
}

static const char *status_name(const struct names *names, const struct vsva_event *event)
{
	return names_is_test_engine(names, event->rid) ? engine_status_name(event->value)
						       : dsa_status_name(event->value);
}

static void say_value(char *buffer, size_t size, const struct names *names,
		      const struct vsva_event *event)
{
	buffer[0] = 0;
	switch (hop_kind_of(event->kind)->value) {
	case HOP_VALUE_NONE:
		break;
	case HOP_VALUE_DESCRIPTOR:
		snprintf(buffer, size, ": %s", descriptor_type_name(event->value));
		break;
	case HOP_VALUE_OPCODE:
		snprintf(buffer, size, ": %s", opcode_name(names, event));
		break;
	case HOP_VALUE_STATUS:
		snprintf(buffer, size, ": %s", status_name(names, event));
		break;
	case HOP_VALUE_FAULT:
		if (event->value)
			snprintf(buffer, size, ": fault %#" PRIx64, event->value);
		break;
	case HOP_VALUE_GROUP:
		snprintf(buffer, size, ", group %" PRIu64, event->value);
		break;
	case HOP_VALUE_RESPONSE:
		snprintf(buffer, size, ": %s", page_response_name(event->value));
		break;
	case HOP_VALUE_ENTRY:
		snprintf(buffer, size, ": %s", entry_type_name(event->value));
		break;
	case HOP_VALUE_PRESENT:
		snprintf(buffer, size, ": %s", event->value ? "present" : "not present");
		break;
	case HOP_VALUE_VCMD:
		snprintf(buffer, size, ": %s", vcmd_name(event->value));
		break;
	case HOP_VALUE_RID_KIND:
		snprintf(buffer, size, ": %s", rid_kind_name(event->value));
		break;
	}
}

static const char *say_access(const struct vsva_event *event)
{
	if (event->kind == VSVA_EV_ACCESS)
		return event->write ? " (write)" : " (read)";
	if (event->kind == VSVA_EV_PAGE_REQUEST || event->kind == VSVA_EV_TRANSLATE)
		return event->write ? " to write" : " to read";
	return "";
}

static void say_result(char *buffer, size_t size, const struct vsva_event *event)
{
	buffer[0] = 0;
	if (event->result && event->kind != VSVA_EV_VIOMMU_VCMD)
		snprintf(buffer, size, " (%s)",
			 strerror(event->result < 0 ? -event->result : event->result));
}

static void say_what(char *buffer, size_t size, const struct names *names,
		     const struct vsva_event *event)
{
	char value[48], result[64];

	say_value(value, sizeof(value), names, event);
	say_result(result, sizeof(result), event);
	snprintf(buffer, size, "%s%s%s%s", hop_kind_of(event->kind)->text, say_access(event), value,
		 result);
}

struct hop traced_hop(const struct traced *event)
{
	struct hop hop = {
		.event = event->record.event, .vm = event->owner.vm, .guest = event->owner.guest};

	hop.event.hpasid = event->owner.host;
	return hop;
}

void hop_words_of(const struct names *names, const struct hop *hop, struct hop_words *out)
{
	say_who(out->who, sizeof(out->who), names, hop);
	say_device(out->device, sizeof(out->device), names, hop->event.rid);
	say_what(out->what, sizeof(out->what), names, &hop->event);
	say_pasids(out->pasids, sizeof(out->pasids), hop);
	say_address(out->where, sizeof(out->where), hop);
}

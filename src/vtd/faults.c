/* SPDX-License-Identifier: MIT */
#include "vtd/faults.h"

#define INFO(group, number, code_, qualified_, unt, trq, trd, pr, meaning_)                        \
	{.code = VTD_FAULT_##group##_##number,                                                     \
	 .name = #group "." #number,                                                               \
	 .meaning = meaning_,                                                                      \
	 .qualified = qualified_,                                                                  \
	 .page_request = pr,                                                                       \
	 .untranslated = VTD_RESP_##unt,                                                           \
	 .translation = VTD_RESP_##trq,                                                            \
	 .translated = VTD_RESP_##trd},

const struct vtd_fault_info vtd_fault_table[] = {VTD_FAULTS(INFO)};
const size_t vtd_fault_count = sizeof(vtd_fault_table) / sizeof(vtd_fault_table[0]);

/* Codes are a byte (FRCD.FR); the index of each in the table plus one, or 0. */
#define POSITION(group, number, ...) POSITION_##group##_##number,
enum { VTD_FAULTS(POSITION) };
#define AT_CODE(group, number, code_, ...) [code_] = POSITION_##group##_##number + 1,
static const uint8_t position[256] = {VTD_FAULTS(AT_CODE)};

const struct vtd_fault_info *vtd_fault_info(enum vtd_fault code)
{
	unsigned at = (unsigned)code;

	return at < 256 && position[at] ? &vtd_fault_table[position[at] - 1] : NULL;
}

const char *vtd_fault_name(enum vtd_fault code)
{
	const struct vtd_fault_info *info = vtd_fault_info(code);

	return info ? info->name : "unknown";
}

bool vtd_fault_is_qualified(enum vtd_fault code)
{
	const struct vtd_fault_info *info = vtd_fault_info(code);

	return info && info->qualified;
}

bool vtd_fault_is_recoverable(enum vtd_fault code)
{
	const struct vtd_fault_info *info = vtd_fault_info(code);

	return info && (info->translation == VTD_RESP_S0 || info->translation == VTD_RESP_SE);
}

bool vtd_fault_is_recorded_for_translation(enum vtd_fault code)
{
	return code == VTD_FAULT_SFS_10 || !vtd_fault_is_recoverable(code);
}

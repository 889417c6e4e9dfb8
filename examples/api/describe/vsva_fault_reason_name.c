/* SPDX-License-Identifier: MIT */
/*
 * vsva_fault_reason_name: the specification's short name of the reason in a fault record (VT-d
 * Table 30), "SPT.2", to look it up by.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const unsigned pasid_entry_absent = 0x59;

	EXPECT(vsva_fault_reason_name(pasid_entry_absent));
	EXPECT(!strcmp(vsva_fault_reason_name(pasid_entry_absent), "SPT.2"));
	printf("reason %#x is %s\n", pasid_entry_absent,
	       vsva_fault_reason_name(pasid_entry_absent));

	EXPECT(!vsva_fault_reason_name(0x1000));
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * vsva_fault_reason_text: what the reason in a fault record (VT-d Table 30) means, in words, for a
 * message about it.
 */
#include <vsva/describe.h>

#include "../example.h"

int main(void)
{
	const unsigned pasid_entry_absent = 0x59;

	EXPECT(vsva_fault_reason_text(pasid_entry_absent));
	printf("DMA fault: %s\n", vsva_fault_reason_text(pasid_entry_absent));
	EXPECT(strstr(vsva_fault_reason_text(pasid_entry_absent), "PASID"));

	EXPECT(!vsva_fault_reason_text(0x1000));
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * vsva_room_name: where something happened, in a word.
 */
#include <vsva/trace.h>

#include "../example.h"

int main(void)
{
	for (int room = VSVA_ROOM_GUEST; room <= VSVA_ROOM_DEVICE; room++)
		printf("%s\n", vsva_room_name((enum vsva_room)room));
	EXPECT(!strcmp(vsva_room_name(VSVA_ROOM_HOST), "host"));
	EXPECT(!strcmp(vsva_room_name(VSVA_ROOM_DEVICE), "device"));
	return 0;
}

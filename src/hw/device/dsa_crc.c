// SPDX-License-Identifier: MIT
/*
 * CRC-32C (polynomial 0x11EDC6F41) as the accelerator computes it. The register is kept reflected
 * (its bit 0 is the highest power), which is what the data's own bit order asks for; DSA 8.3.14
 * lets a descriptor leave out the inversion and reflection of seed and result, or the reflection of
 * data.
 */
#include "hw/device/dsa_device.h"

#define POLYNOMIAL_REFLECTED 0x82f63b78u

static uint32_t reflect(uint32_t value)
{
	uint32_t result = 0;

	for (unsigned i = 0; i < 32; i++)
		result |= (value >> i & 1) << (31 - i);
	return result;
}

static uint8_t reflect_byte(uint8_t value)
{
	return (uint8_t)(reflect(value) >> 24);
}

/* Four bits at a time: a table that one can check by eye, and no start-up work. */
static const uint32_t nibble_table[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};
_Static_assert(POLYNOMIAL_REFLECTED == 0x82f63b78, "entry 8 of the table is the polynomial");

uint32_t dsa_crc_begin(uint32_t seed, uint32_t flags)
{
	return flags & DSA_FLAG_CRC_BYPASS_INVERSION ? reflect(seed) : ~seed;
}

uint32_t dsa_crc_add(uint32_t crc, uint32_t flags, const void *bytes, size_t len)
{
	const volatile uint8_t *byte = bytes; /* a guest's CPU may write to it meanwhile */

	for (size_t i = 0; i < len; i++) {
		uint8_t b = byte[i];

		crc ^= flags & DSA_FLAG_CRC_BYPASS_REFLECTION ? reflect_byte(b) : b;
		crc = crc >> 4 ^ nibble_table[crc & 15];
		crc = crc >> 4 ^ nibble_table[crc & 15];
	}
	return crc;
}

uint32_t dsa_crc_end(uint32_t crc, uint32_t flags)
{
	return flags & DSA_FLAG_CRC_BYPASS_INVERSION ? reflect(crc) : ~crc;
}

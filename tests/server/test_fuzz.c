// SPDX-License-Identifier: MIT
/*
 * A hundred thousand mutations of what a client sends: no crash, nothing is left behind, and the
 * neighbour's connection works on.
 */
#include "unit.h"

#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "server/world.h"

#define CASES     100000u
#define INPUT_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	size_t len;
	uint8_t at[INPUT_MAX];
};

static struct bytes message;

static void add_record(struct input *input, unsigned how)
{
	uint16_t len = (uint16_t)message.len;

	if (input->len + 3 + len > INPUT_MAX)
		return;
	input->at[input->len] = (uint8_t)how;
	memcpy(input->at + input->len + 1, &len, 2);
	memcpy(input->at + input->len + 3, message.at, len);
	input->len += 3 + len;
}

/* A command as a client would send it, with some numbers drawn by lot. */
static void make_command(struct rng *rng)
{
	uint64_t a = rng_below(rng, 64) << 12, size = (1 + rng_below(rng, 4)) << 12;

	switch (rng_below(rng, 10)) {
	case 0:
		make_map(&message, a, size, 0, (uint32_t)rng_below(rng, 4));
		break;
	case 1:
		make_unmap(&message, a, size, 0);
		break;
	case 2:
		make_unmap(&message, 0, 0, 2);
		break;
	case 3:
		make_set_irqs(&message, 0x24, 2, (uint32_t)rng_below(rng, 9),
			      (uint32_t)rng_below(rng, 8));
		break;
	case 4:
		make_region_info(&message, (uint32_t)rng_below(rng, 10));
		break;
	case 5:
		make_read(&message, 7, rng_below(rng, 4096), (uint32_t)rng_below(rng, 4096));
		break;
	case 6:
		make_write(&message, 0, rng_below(rng, 4096), 1u << rng_below(rng, 4), a);
		break;
	case 7: /* a reply to what the server sent */
		begin(&message, (uint16_t)rng_below(rng, 4), 11, 0x21);
		message.at[12] = (unsigned char)rng_below(rng, 40);
		end_message(&message);
		break;
	case 8:
		begin(&message, 1, 15, 0);
		put64(&message, 1);
		put64(&message, a);
		put32(&message, 0);
		put32(&message, 8);
		put64(&message, a);
		end_message(&message);
		break;
	default:
		begin(&message, 1, (uint16_t)rng_below(rng, 20), 0);
		end_message(&message);
	}
}

static void make_input(struct rng *rng, struct input *input)
{
	unsigned commands = 1 + (unsigned)rng_below(rng, 6);

	input->len = 0;
	message.len = 0;
	if (rng_below(rng, 10))
		add_record(input, 0x02);
	while (commands--) {
		make_command(rng);
		add_record(input, (unsigned)rng_below(rng, 256) & 0xfd);
	}
}

static const uint64_t odd_values[] = {0,          1,          15,        16,        17,
				      0x7f,       0xff,       0xfff,     0x1000,    0x7fffffff,
				      0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX};

static void mutate_once(struct rng *rng, struct input *input)
{
	size_t at = (size_t)rng_below(rng, input->len);
	size_t rest = input->len - at;

	switch (rng_below(rng, 5)) {
	case 0:
		input->at[at] ^= (uint8_t)(1u << rng_below(rng, 8));
		break;
	case 1:
		input->at[at] = (uint8_t)rng_u64(rng);
		break;
	case 2: {
		uint64_t value =
			odd_values[rng_below(rng, sizeof(odd_values) / sizeof(odd_values[0]))];

		memcpy(input->at + at, &value, rest < 8 ? rest : 1u << rng_below(rng, 4));
		break;
	}
	case 3: /* something is missing */
		memmove(input->at + at, input->at + at + rest / 4, rest - rest / 4);
		input->len -= rest / 4;
		break;
	default: /* or ends early */
		if (rng_below(rng, 8) == 0)
			input->len = at + 1;
	}
}

static void test_fuzz_mutations(void **state)
{
	struct world *w = *state;
	struct input *input = malloc(sizeof(*input));
	unsigned fds = 0;
	struct rng rng;

	rng_seed(&rng, 2020);
	for (unsigned i = 0; i < CASES; i++) {
		make_input(&rng, input);
		for (uint64_t n = rng_below(&rng, 6); n; n--)
			mutate_once(&rng, input);
		LLVMFuzzerTestOneInput(input->at, input->len);
		if (i % 64)
			continue;
		make_write(&w->out, 0, 0, 8, i);
		assert_int_equal(transact(w), 0);
		if (i)
			assert_int_equal(count_fds(), fds);
		fds = count_fds();
	}
	w->fds_before = count_fds() - 2; /* the fuzzed connection keeps its files */
	free(input);
}

/* The same bytes, cut at every place. */
static void test_fuzz_end_at_every_byte(void **state)
{
	struct input *input = malloc(sizeof(*input));
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (unsigned i = 0; i < 20; i++) {
		make_input(&rng, input);
		for (size_t len = 0; len <= input->len; len++)
			LLVMFuzzerTestOneInput(input->at, len);
	}
	free(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fuzz_mutations, world_setup, world_teardown),
		cmocka_unit_test(test_fuzz_end_at_every_byte),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

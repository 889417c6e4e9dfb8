// SPDX-License-Identifier: MIT
/*
 * All trials, each a case. With a file's name in VSVA_FAIL_CENSUS: what the census needs is written
 * there, a line "trial FUNCTION" for each trial and "site FILE FUNCTION REACHED FAILED CALL" for each
 * site. With a pattern in VSVA_FAIL_TRIAL: only trials that it matches, "*unmap*".
 */
#include "trial.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "vsva/log.h"

static const struct trial *const tables[] = {
	ioasid_trials, domain_trials,  bind_trials,   container_trials, kvm_trials,
	mm_trials,     machine_trials, device_trials, vm_trials,        mdev_trials,
	guest_trials,  look_trials,    server_trials,
};

static void test_trial(void **state)
{
	trial_run(*state);
}

static void drop_line(void *arg, enum vsva_log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static size_t count_trials(void)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct trial *trial = tables[i]; trial->function; trial++)
			count++;
	return count;
}

static struct CMUnitTest case_of(const struct trial *trial)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s", trial->function, trial->variant);
	return (struct CMUnitTest){.name = strdup(name),
				   .test_func = test_trial,
				   .teardown_func = trial_teardown,
				   .initial_state = (void *)trial};
}

static void write_sites(FILE *out)
{
	size_t count;
	struct fail_site *const *sites = fail_sites(&count);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "site %s %s %" PRIu64 " %" PRIu64 " %s\n", sites[i]->file,
			sites[i]->function, sites[i]->reached, sites[i]->failed, sites[i]->call);
}

static int write_census(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct trial *trial = tables[i]; trial->function; trial++)
			fprintf(out, "trial %s\n", trial->function);
	write_sites(out);
	return fclose(out) != 0;
}

int main(void)
{
	size_t count = count_trials(), at = 0;
	struct CMUnitTest *cases = calloc(count, sizeof(*cases));
	const char *census = getenv("VSVA_FAIL_CENSUS");
	int failed;

	if (!cases)
		return 1;
	vsva_log_set_sink(drop_line, NULL);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct trial *trial = tables[i]; trial->function; trial++)
			cases[at++] = case_of(trial);
	cmocka_set_test_filter(getenv("VSVA_FAIL_TRIAL"));
	failed = _cmocka_run_group_tests("fail", cases, count, NULL, NULL);
	if (census && write_census(census))
		failed = 1;
	for (size_t i = 0; i < count; i++)
		free((void *)cases[i].name);
	free(cases);
	return failed;
}

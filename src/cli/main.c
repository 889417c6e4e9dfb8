/* SPDX-License-Identifier: MIT */
/* vsva COMMAND: finds the command and ends with its status. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/status.h"
#include "cli/version.h"

static int command_version(int argc, char **argv);
static int command_help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *text;
} commands[] = {
	{"run", command_run, "run a scenario on the built-in guest; without one, the story"},
	{"serve", command_serve, "virtual machines for stock QEMUs, over vfio-user"},
	{"boot", command_boot, "boot a stock Linux guest and let it use the accelerator"},
	{"show", command_show, "show what a running vsva, or a snapshot, holds"},
	{"snapshot", command_snapshot, "save all that `vsva show` and others can show"},
	{"trace", command_trace, "tell the events of a running vsva, or of a file"},
	{"report", command_report, "write what it holds as one page of HTML"},
	{"bench", command_bench, "measure translations, copies and binds"},
	{"explain", command_explain, "why an access, or SVA, is not possible; what a code means"},
	{"version", command_version, "print the version"},
	{"help", command_help, "print this, or the help of a command"},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("Usage: vsva COMMAND [ARGUMENT...]\n"
	      "Shared virtual addressing for guests, on a software Intel VT-d.\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].text);
	fputs("\nFirst steps:\n"
	      "  vsva run                            the four journeys of a guest's pointer, told "
	      "hop by hop\n"
	      "  vsva run examples/first-copy.lua    a scenario of your own starts from this one\n"
	      "  vsva boot                           the same with a Linux guest under QEMU\n"
	      "\n`vsva COMMAND --help` teaches each command.\n"
	      "\nExit status: 0 all is well, 1 an expectation failed or data differ, 2 a mistake "
	      "in the\n"
	      "arguments or the script, 3 something that is needed cannot be had, 77 cannot be "
	      "done here.\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* argp takes the program's name from argv[0]. */
static int run_command(const struct command *command, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "vsva %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-?") || !strcmp(word, "-h");
}

/* Commands without options of their own. */
static int print_line(const struct command *command)
{
	printf("vsva %s: %s\n", command->name, command->text);
	return CLI_OK;
}

static int command_version(int argc, char **argv)
{
	if (argc > 1 && asks_for_help(argv[1]))
		return print_line(find_command("version"));
	if (argc > 1) {
		complain(VSVA_CODE_USAGE, "version takes no arguments");
		return CLI_USAGE;
	}
	puts("vsva " VSVA_VERSION);
	return CLI_OK;
}

static int unknown_command(const char *name)
{
	complain(VSVA_CODE_USAGE, "no command '%s'; `vsva help` lists them", name);
	return CLI_USAGE;
}

static int command_help(int argc, char **argv)
{
	char help[] = "--help";
	char *args[] = {argv[0], help, NULL};
	const struct command *command;

	if (argc < 2) {
		print_help(stdout);
		return CLI_OK;
	}
	if (asks_for_help(argv[1]))
		return print_line(find_command("help"));
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	if (command->run == command_help)
		return print_line(command);
	return run_command(command, 2, args);
}

int command_number(const char *text, unsigned long long max, const char *what,
		   unsigned long long *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (!errno && *text && !*end && *text != '-' && *out <= max)
		return 0;
	complain(VSVA_CODE_USAGE, "%s: '%s' is not a number between 0 and %llu", what, text, max);
	return -EINVAL;
}

int command_unsigned(const char *text, unsigned max, const char *what, unsigned *out)
{
	unsigned long long value;
	int err = command_number(text, max, what, &value);

	if (!err)
		*out = (unsigned)value;
	return err;
}

int command_count(const char *text, unsigned max, const char *what, unsigned *out)
{
	int err = command_unsigned(text, max, what, out);

	if (err || *out)
		return err;
	complain(VSVA_CODE_USAGE, "%s: one is the least", what);
	return -EINVAL;
}

int command_policy(const char *text, enum vsva_cache_policy *out)
{
	if (!vsva_cache_policy_parse(text, out))
		return 0;
	complain(VSVA_CODE_USAGE, "--cache-policy: '%s' is not lru, never, random or adversarial",
		 text);
	return -EINVAL;
}

int command_device(const char *text, uint16_t *out)
{
	if (rid_parse(text, out))
		return 0;
	complain(VSVA_CODE_USAGE, "'%s' is no device: 6a:00.0 is one", text);
	return -EINVAL;
}

/* A full disk or a closed pipe must not look like success. */
static int check_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	complain(VSVA_CODE_OUTPUT, "writing the output failed: %s", strerror(errno));
	return status ? status : CLI_SETUP;
}

/*
 * Whoever starts a program with standard output closed would have the next file or socket that it opens take
 * what is printed. What stands in for a closed one cannot be used either, so that check_output() sees it.
 */
static bool keep_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (!keep_standard_streams())
		return CLI_SETUP; /* there is nobody to tell */
	argp_err_exit_status = CLI_USAGE;
	setenv("ARGP_HELP_FMT", "rmargin=110", 0); /* the examples in the help need it */
	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (asks_for_help(argv[1]))
		return print_help(stdout), check_output(CLI_OK);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return check_output(command_version(1, argv));
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	return check_output(run_command(command, argc - 1, argv + 1));
}

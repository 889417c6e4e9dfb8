/* SPDX-License-Identifier: MIT */
/* vsva boot: a server, a stock QEMU and a stock Linux guest, and what the guest says. */
#include "cli/boot/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/boot/console.h"
#include "cli/boot/report.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/status.h"

#define SERVER_START_MS 15000
#define SERVER_END_MS   20000
#define CLIENT_GONE_MS  10000
#define INTERRUPTED     130

/* The run */

struct boot {
	const struct boot_arguments *arguments;
	struct boot_report *report;
	char directory[64]; /* of the work */
	char sockets[96];   /* of the VM */
	char server_log[96], console_log[96];
	pid_t server, qemu;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = interrupt}; /* without SA_RESTART: waits end */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int make_directory(struct boot *boot)
{
	const char *tmp = getenv("TMPDIR");

	/* sockets have short paths (108 bytes) */
	snprintf(boot->directory, sizeof(boot->directory), "%s/vsva-boot.XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(boot->directory)) {
		complain(VSVA_CODE_FILE, "cannot make the work directory %s: %s", boot->directory,
			 strerror(errno));
		return CLI_SETUP;
	}
	snprintf(boot->sockets, sizeof(boot->sockets), "%s/s/vm0", boot->directory);
	snprintf(boot->server_log, sizeof(boot->server_log), "%s/server.log", boot->directory);
	snprintf(boot->console_log, sizeof(boot->console_log), "%s/console.log", boot->directory);
	return CLI_OK;
}

static void remove_directory(const struct boot *boot)
{
	const struct spawn_options quiet = {.in = -1, .out = -1, .death_signal = SIGKILL};
	struct words *words = words_create();
	pid_t child;

	if (!words)
		return;
	words_add(words, "rm");
	words_add(words, "-rf");
	words_add(words, "--");
	words_add(words, "%s", boot->directory);
	child = spawn(words_argv(words), &quiet);
	if (child > 0)
		spawn_wait(child, -1);
	words_destroy(words);
}

/* Server */

static struct words *server_words(const struct boot *boot)
{
	const struct boot_arguments *arguments = boot->arguments;
	struct words *words = words_create();

	if (!words)
		return NULL;
	words_add(words, "/proc/self/exe");
	words_add(words, "serve");
	words_add(words, "--socket-dir");
	words_add(words, "%s/s", boot->directory);
	words_add(words, "--test-engine");
	words_add(words, "--cache-policy");
	words_add(words, "%s", arguments->cache_policy);
	if (arguments->bare)
		words_add(words, "--bare");
	if (arguments->control) {
		words_add(words, "--control");
		words_add(words, "%s", arguments->control);
	}
	if (arguments->allow_control)
		words_add(words, "--allow-control");
	if (arguments->events)
		words_add(words, "--events");
	return words;
}

static bool is_ready(const struct boot *boot)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/vtd.sock", boot->sockets);
	if (access(path, F_OK))
		return false;
	snprintf(path, sizeof(path), "%s/dmar.bin", boot->sockets);
	return !access(path, F_OK);
}

static void show_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

static int wait_ready(struct boot *boot)
{
	int64_t end = spawn_now_ms() + SERVER_START_MS;

	progress_step("starting the server");
	while (!is_ready(boot)) {
		int status = spawn_wait(boot->server, 0);

		if (status == -ETIMEDOUT && spawn_now_ms() < end && !interrupted) {
			poll(NULL, 0, 20);
			continue;
		}
		if (status != -ETIMEDOUT)
			boot->server = 0;
		complain(VSVA_CODE_SERVER_NOT_STARTED, "the server did not start; it said:");
		show_file(boot->server_log);
		return CLI_SETUP;
	}
	progress_erase();
	return CLI_OK;
}

static int start_server(struct boot *boot)
{
	int log = open(boot->server_log, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	struct spawn_options with = {
		.in = -1, .out = log, .death_signal = SIGTERM, .own_group = true};
	struct words *words = server_words(boot);

	if (log < 0 || !words) {
		complain(VSVA_CODE_FILE, "cannot write %s: %s", boot->server_log, strerror(errno));
		words_destroy(words);
		return CLI_SETUP;
	}
	boot->server = spawn(words_argv(words), &with);
	words_destroy(words);
	close(log);
	if (boot->server < 0) {
		complain(VSVA_CODE_SERVER_NOT_STARTED, "cannot start the server: %s",
			 strerror(-boot->server));
		boot->server = 0;
		return CLI_SETUP;
	}
	return wait_ready(boot);
}

#define GONE "guest gone: "

/* The counts of the guest that went last; false: the server has not noticed its end. */
static bool read_counts(const struct boot *boot)
{
	FILE *file = fopen(boot->server_log, "re");
	char line[1024], *counts;
	bool found = false;

	while (file && fgets(line, sizeof(line), file)) {
		counts = strstr(line, GONE);
		if (!counts)
			continue;
		found = true;
		boot_report_counts(boot->report, counts + strlen(GONE));
	}
	if (file)
		fclose(file);
	return found;
}

/* It ends well only if nothing of the guest is left. */
static int stop_server(struct boot *boot)
{
	int64_t end = spawn_now_ms() + CLIENT_GONE_MS;
	int status;

	if (boot->server <= 0)
		return CLI_OK;
	progress_step("ending the server");
	while (!read_counts(boot) && spawn_now_ms() < end && !interrupted)
		poll(NULL, 0, 50);
	status = spawn_end(boot->server, SIGTERM, SERVER_END_MS);
	progress_erase();
	boot->server = 0;
	if (!status)
		return CLI_OK;
	complain(VSVA_CODE_SERVER_ENDED, "the server ended with status %d: see %s", status,
		 boot->server_log);
	return CLI_FAILED;
}

/* Guest */

static int judge_guest(const struct boot *boot, int reading, int status)
{
	if (reading == -EINTR)
		return INTERRUPTED;
	if (reading == -ETIMEDOUT) {
		complain(VSVA_CODE_GUEST_TIMEOUT, "the guest was killed after %u seconds",
			 boot->arguments->timeout_s);
		return CLI_FAILED;
	}
	if (status == 127)
		return CLI_SETUP;
	if (boot_report_passed(boot->report))
		return CLI_OK;
	if (!boot_report_has_end(boot->report))
		complain(VSVA_CODE_QEMU_ENDED,
			 "QEMU ended with status %d before the guest said how it ended", status);
	return CLI_FAILED;
}

static int run_guest(struct boot *boot, struct words *words)
{
	const char *log = boot->arguments->log ? boot->arguments->log : boot->console_log;
	struct boot_console console = {.log = fopen(log, "we"),
				       .report = boot->report,
				       .timeout_s = boot->arguments->timeout_s,
				       .interrupted = &interrupted};
	int ends[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC), reading, status;
	struct spawn_options with = {.in = null, .death_signal = SIGKILL, .own_group = true};

	if (!console.log)
		complain(VSVA_CODE_FILE, "cannot write %s: %s", log, strerror(errno));
	if (pipe2(ends, O_CLOEXEC) || null < 0) {
		complain(VSVA_CODE_NO_DESCRIPTOR, "cannot make a pipe: %s", strerror(errno));
		return CLI_SETUP;
	}
	with.out = ends[1];
	boot->qemu = spawn(words_argv(words), &with);
	close(ends[1]);
	close(null);
	reading = boot->qemu < 0 ? boot->qemu : boot_console_read(&console, ends[0]);
	progress_erase();
	close(ends[0]);
	status = boot->qemu < 0 ? 127 : spawn_end(boot->qemu, reading ? SIGKILL : 0, 5000);
	if (console.log)
		fclose(console.log);
	return judge_guest(boot, reading, status);
}

/* The terminal is the guest's. */
static int run_shell(struct words *words)
{
	const struct spawn_options with = {.in = -1, .out = -1, .death_signal = SIGKILL};
	pid_t qemu = spawn(words_argv(words), &with);
	int status;

	if (qemu < 0) {
		complain(VSVA_CODE_QEMU_NOT_STARTED, "cannot start QEMU: %s", strerror(-qemu));
		return CLI_SETUP;
	}
	status = spawn_wait(qemu, -1);
	return status == 127 ? CLI_SETUP : (status ? CLI_FAILED : CLI_OK);
}

static int run_on_server(struct boot *boot, const struct guest_env *env)
{
	struct words *words = boot_qemu(boot->arguments, env, boot->sockets);
	int status;

	if (!words)
		return CLI_SETUP;
	if (!boot->arguments->quiet)
		printf("QEMU %s, Linux %s, %s%s\n", guest_env_get(env, "QEMU_VERSION"),
		       guest_env_of(env, "RELEASE", boot->arguments->kernel),
		       boot->arguments->bare ? "bare, " : "", boot->arguments->run);
	status = boot->arguments->shell ? run_shell(words) : run_guest(boot, words);
	words_destroy(words);
	return status;
}

/* The whole */

static int worse(int first, int second)
{
	return first ? first : second;
}

static int run(struct boot *boot, const struct guest_env *env)
{
	int status = start_server(boot);

	if (!status)
		status = run_on_server(boot, env);
	status = worse(status, stop_server(boot));
	if (!boot->arguments->shell)
		boot_report_table(boot->report);
	if (!boot->arguments->quiet || status)
		printf("%s\n", status ? "FAILED" : "passed");
	return status;
}

static int run_in_directory(const struct boot_arguments *arguments, const struct guest_env *env)
{
	bool in_colour = output_wants_colour();
	struct boot boot = {.arguments = arguments};
	int status = make_directory(&boot);

	if (status)
		return status;
	boot.report = boot_report_create(stdout, in_colour, arguments->quiet);
	if (!boot.report) {
		complain(VSVA_CODE_NO_MEMORY, "no memory");
		status = CLI_SETUP;
	} else {
		status = run(&boot, env);
	}
	boot_report_destroy(boot.report);
	if (arguments->keep || (status && status != INTERRUPTED))
		printf("logs: %s\n", boot.directory);
	else
		remove_directory(&boot);
	return status;
}

int command_boot(int argc, char **argv)
{
	struct boot_arguments arguments;
	struct guest_env *env;
	int status = boot_options(argc, argv, &arguments);

	if (status)
		return status;
	catch_signals();
	status = boot_prepare(&arguments, &env);
	if (!status)
		status = run_in_directory(&arguments, env);
	guest_env_free(env);
	return status;
}

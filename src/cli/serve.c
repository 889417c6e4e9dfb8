/* SPDX-License-Identifier: MIT */
/* vsva serve: VMs for stock QEMUs over vfio-user, until SIGINT or SIGTERM. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/command.h"
#include "cli/control/control.h"
#include "cli/flight.h"
#include "cli/ledger.h"
#include "cli/status.h"
#include "vsva/log.h"
#include "vsva/server.h"

enum {
	KEY_ACCELERATORS = 'a',
	KEY_BARE = 'b',
	KEY_SOCKET_DIR = 'd',
	KEY_POLICY = 'p',
	KEY_QUIET = 'q',
	KEY_LEDGER = 'l',
	KEY_MDEVS = 'm',
	KEY_IN_FLIGHT = 'f',
	KEY_TEST_ENGINE = 't',
	KEY_VMS = 'n',
	KEY_REGISTER_BASE = 0x100,
	KEY_SEED,
	KEY_CONTROL,
	KEY_ALLOW_CONTROL,
	KEY_EVENTS
};

struct arguments {
	struct vsva_machine_options machine;
	struct vsva_server_options server;
	struct control_options control;
	char control_path[128];
	bool quiet, with_ledger, with_flight, with_events;
};

/* Outside checkers: what they are told, and by whom it is read. */
struct watchers {
	struct ledger *ledger;
	struct flight *flight;
};

static const struct argp_option options[] = {
	{"socket-dir", KEY_SOCKET_DIR, "DIR", 0,
	 "where the sockets and the DMAR tables go: DIR/vm0/vtd.sock and so on; made with mode "
	 "0700",
	 0},
	{"vms", KEY_VMS, "N", 0, "number of virtual machines (1)", 0},
	{"accelerators", KEY_ACCELERATORS, "N", 0, "accelerators of each VM (1, at most 8)", 0},
	{"mdevs", KEY_MDEVS, "N", 0,
	 "mediated devices of each VM, in place of accelerators: dedicated queues of one "
	 "accelerator "
	 "that all VMs share (at most 8, and 16 in all); not with --bare",
	 0},
	{"test-engine", KEY_TEST_ENGINE, NULL, 0, "a test engine for each VM too", 0},
	{"bare", KEY_BARE, NULL, 0,
	 "the VT-d page is the physical unit itself: caching mode off, no virtual command, one VM",
	 0},
	{"cache-policy", KEY_POLICY, "NAME", 0, "lru, never, random or adversarial (lru)", 0},
	{"seed", KEY_SEED, "N", 0, "of everything random (1)", 0},
	{"register-base", KEY_REGISTER_BASE, "ADDRESS", 0,
	 "where the VMM's firmware puts the VT-d function's BAR (0xf8000000)", 0},
	{"ledger", KEY_LEDGER, NULL, 0,
	 "judge every access of a device: only into the memory of its VM, only while it may; not "
	 "with --bare",
	 0},
	{"in-flight", KEY_IN_FLIGHT, NULL, 0,
	 "tell how many descriptors and page requests were in flight whenever a PASID is unbound "
	 "or "
	 "a device is told to stop",
	 0},
	{"control", KEY_CONTROL, "PATH", 0,
	 "where the control socket is, which `vsva show` and others look through "
	 "(DIR/control.sock)",
	 0},
	{"allow-control", KEY_ALLOW_CONTROL, NULL, 0,
	 "what comes through the control socket may also change something", 0},
	{"events", KEY_EVENTS, NULL, 0,
	 "record events from the beginning, the last of each thread, for `vsva trace --last` and "
	 "`vsva snapshot`; a copy takes some per cent longer",
	 0},
	{"quiet", KEY_QUIET, NULL, 0, "warnings and errors only", 0},
	{0},
};

static int take_wide_number(const char *text, const char *what, uint64_t *out)
{
	unsigned long long value;

	if (command_number(text, UINT64_MAX, what, &value))
		return EINVAL;
	*out = value;
	return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_SOCKET_DIR:
		arguments->server.socket_dir = text;
		return 0;
	case KEY_VMS:
		return command_count(text, 256, "--vms", &arguments->server.vms);
	case KEY_ACCELERATORS:
		return command_count(text, 8, "--accelerators", &arguments->server.accelerators);
	case KEY_MDEVS:
		return command_unsigned(text, 8, "--mdevs", &arguments->server.mdevs);
	case KEY_TEST_ENGINE:
		arguments->server.test_engine = true;
		return 0;
	case KEY_BARE:
		arguments->machine.bare = true;
		return 0;
	case KEY_POLICY:
		return command_policy(text, &arguments->machine.cache_policy);
	case KEY_SEED:
		return take_wide_number(text, "--seed", &arguments->machine.seed);
	case KEY_REGISTER_BASE:
		return take_wide_number(text, "--register-base", &arguments->server.register_base);
	case KEY_QUIET:
		arguments->quiet = true;
		return 0;
	case KEY_LEDGER:
		arguments->with_ledger = true;
		return 0;
	case KEY_EVENTS:
		arguments->with_events = true;
		return 0;
	case KEY_IN_FLIGHT:
		arguments->with_flight = true;
		return 0;
	case KEY_CONTROL:
		arguments->control.path = text;
		return 0;
	case KEY_ALLOW_CONTROL:
		arguments->control.allows_changes = true;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->server.socket_dir)
			misuse(state, "--socket-dir is missing: where shall the sockets go?");
		if (arguments->with_ledger && arguments->machine.bare)
			misuse(state, "--ledger needs the host that --bare leaves out");
		if (arguments->server.mdevs && arguments->machine.bare)
			misuse(state, "--mdevs needs the host that --bare leaves out");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Serves virtual machines to stock QEMUs (10.1 or newer) over vfio-user: a VT-d "
	       "register page and "
	       "DSA-compatible accelerators behind it. Prints the arguments that QEMU needs.\v"
	       "Examples:\n"
	       "  vsva serve --socket-dir /tmp/vsva\n"
	       "  vsva serve --socket-dir /tmp/vsva --bare\n"
	       "\n"
	       "It stops on SIGINT or SIGTERM. Each guest that goes is told with its counts.\n"
	       "\n"
	       "Exit status: 0 nothing was leaked, and the ledger objects to nothing; 1 something "
	       "was, or it "
	       "does;\n"
	       "2 a mistake in the arguments; 3 the server cannot be set up.",
};

static void print_arguments(const struct vsva_server *server)
{
	const char *arguments;

	for (unsigned vm = 0; (arguments = vsva_server_qemu_arguments(server, vm)); vm++)
		printf("vm%u: QEMU's arguments, beside the kernel (MEMORY is the size of the "
		       "guest, e.g. 512M):\n%s\n",
		       vm, arguments);
	fflush(stdout);
}

static int summary(struct vsva_server *server)
{
	struct vsva_server_stats stats;

	vsva_server_get_stats(server, &stats);
	printf("guests served %" PRIu64 ", leaked %" PRIu64 "\n", stats.clients_served,
	       stats.pasids_leaked);
	return stats.pasids_leaked ? CLI_FAILED : CLI_OK;
}

/* Work in flight */

/* The name that the server's own lines have; "bare" where nobody knows of VMs. */
static void name_vm(const struct vsva_server *server, uint32_t number, char name[16])
{
	struct vsva_vm *vm;

	snprintf(name, 16, "bare");
	for (unsigned i = 0; (vm = vsva_server_vm(server, i)); i++)
		if (vsva_vm_number(vm) == number)
			snprintf(name, 16, "vm%u", i);
}

static void tell_pasid(const struct flight_moment *moment)
{
	if (moment->pasid.v == VSVA_PASID_INVALID)
		return;
	printf(" host_pasid=%u", moment->pasid.v);
	if (moment->guest.v != VSVA_PASID_INVALID)
		printf(" pasid=%u", moment->guest.v);
}

static void tell_flight(const struct vsva_server *server, struct flight *flight)
{
	struct flight_moment moment;
	char vm[16];

	while (flight_take(flight, &moment)) {
		name_vm(server, moment.vm, vm);
		printf("%s: in flight: at=%s requester=%04x", vm, flight_moment_name(&moment),
		       moment.rid.v);
		tell_pasid(&moment);
		printf(" descriptors=%" PRIu64 " page_requests=%" PRIu64 "\n", moment.descriptors,
		       moment.page_requests);
	}
	fflush(stdout);
}

/* Until a signal says stop. */
static void watch(const struct vsva_server *server, struct flight *flight, const sigset_t *signals)
{
	const struct timespec look = {.tv_nsec = 50 * 1000 * 1000};
	int number;

	if (!flight) {
		sigwait(signals, &number);
		return;
	}
	while (sigtimedwait(signals, NULL, &look) < 0)
		tell_flight(server, flight);
}

/* Where it is unless somebody says where. */
static const char *control_path(struct arguments *arguments)
{
	if (arguments->control.path)
		return arguments->control.path;
	snprintf(arguments->control_path, sizeof(arguments->control_path), "%s/control.sock",
		 arguments->server.socket_dir);
	return arguments->control_path;
}

static int run_server(struct vsva_server *server, struct flight *flight, const sigset_t *signals)
{
	int err = vsva_server_start(server);

	if (err) {
		complain(VSVA_CODE_SERVER_NOT_SET_UP, "the server's threads cannot be started: %s",
			 strerror(-err));
		return CLI_SETUP;
	}
	print_arguments(server);
	watch(server, flight, signals);
	vsva_server_stop(server);
	if (flight)
		tell_flight(server, flight);
	return summary(server);
}

static int run_server_with_control(struct vsva_machine *machine, struct arguments *arguments,
				   struct vsva_server *server, struct flight *flight,
				   const sigset_t *signals)
{
	struct control *control;
	int status;

	arguments->control.path = control_path(arguments);
	arguments->control.server = server;
	control = control_start(&arguments->control);
	if (!control)
		return CLI_SETUP;
	control_set_machine(control, machine);
	status = run_server(server, flight, signals);
	control_stop(control);
	return status;
}

static int serve_on(struct vsva_machine *machine, struct arguments *arguments,
		    struct flight *flight, const sigset_t *signals)
{
	struct vsva_server *server;
	int err = vsva_server_create(machine, &arguments->server, &server), status;

	if (err) {
		complain(VSVA_CODE_SERVER_NOT_SET_UP, "the server cannot be set up in %s: %s",
			 arguments->server.socket_dir, strerror(-err));
		return CLI_SETUP;
	}
	status = run_server_with_control(machine, arguments, server, flight, signals);
	vsva_server_destroy(server);
	return status;
}

/* Signals are waited for, not handled: they are blocked before the first thread is made. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigprocmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Watchers */

static void report_violation(void *arg, const char *text)
{
	(void)arg;
	complain(VSVA_CODE_LEDGER, "ledger: %s", text);
}

static void observe(void *arg, const struct vsva_event *event)
{
	const struct watchers *watchers = arg;

	if (watchers->ledger)
		ledger_observe(watchers->ledger, event);
	if (watchers->flight)
		flight_observe(watchers->flight, event);
}

static bool make_watchers(struct watchers *watchers, struct arguments *arguments)
{
	if (arguments->with_ledger)
		watchers->ledger = ledger_create(report_violation, NULL);
	if (arguments->with_flight)
		watchers->flight = flight_create();
	if ((arguments->with_ledger && !watchers->ledger) ||
	    (arguments->with_flight && !watchers->flight))
		return false;
	if (watchers->ledger || watchers->flight) {
		arguments->machine.observer = observe;
		arguments->machine.observer_arg = watchers;
	}
	return true;
}

static int judge_flight(struct flight *flight, int status)
{
	uint64_t lost = flight ? flight_lost(flight) : 0;

	if (lost)
		complain(VSVA_CODE_EVENTS_LOST,
			 "%" PRIu64 " moments with work in flight were not told", lost);
	flight_destroy(flight);
	return lost ? CLI_FAILED : status;
}

static int judge_ledger(struct ledger *ledger, int status)
{
	struct ledger_counts counts;

	if (!ledger)
		return status;
	ledger_get_counts(ledger, &counts);
	printf("ledger: accesses %" PRIu64 ", violations %" PRIu64 ", PASIDs %" PRIu64
	       " allocated and %" PRIu64 " freed\n",
	       counts.accesses, counts.violations, counts.pasids_allocated, counts.pasids_freed);
	ledger_destroy(ledger);
	return counts.violations || counts.is_blind ? CLI_FAILED : status;
}

static int serve(struct arguments *arguments, struct flight *flight, const sigset_t *signals)
{
	struct vsva_machine *machine;
	int err = vsva_machine_create(&arguments->machine, &machine), status;

	if (err) {
		complain(VSVA_CODE_SERVER_NOT_SET_UP, "the machine cannot be made: %s",
			 strerror(-err));
		return CLI_SETUP;
	}
	if (arguments->with_events && vsva_machine_trace_start(machine, 0))
		complain(VSVA_CODE_NO_MEMORY, "no memory for events: none are recorded");
	status = serve_on(machine, arguments, flight, signals);
	vsva_machine_destroy(machine);
	return status;
}

int command_serve(int argc, char **argv)
{
	struct arguments arguments = {.machine = {.threads = true, .seed = 1}};
	struct watchers watchers = {0};
	sigset_t signals;
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	vsva_log_set_level(arguments.quiet ? VSVA_LOG_WARN : VSVA_LOG_INFO);
	block_signals(&signals);
	if (make_watchers(&watchers, &arguments)) {
		status = serve(&arguments, watchers.flight, &signals);
	} else {
		complain(VSVA_CODE_NO_MEMORY, "no memory for the watchers");
		status = CLI_SETUP;
	}
	status = judge_flight(watchers.flight, status);
	return judge_ledger(watchers.ledger, status);
}

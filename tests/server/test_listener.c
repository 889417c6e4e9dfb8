// SPDX-License-Identifier: MIT
/* Sockets, threads, several VMs, and clients that die. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "server/client.h"
#include "server/fake.h"
#include "vmm/server/listener.h"
#include "vmm/server/socket_dir.h"

enum { VTD, DSA };

struct house {
	char dir[64];
	struct vfu_server *server;
	struct fake fakes[2][2]; /* by VM and function */
	struct vfu_vm *vms[2];
	unsigned fds_before;
	struct bytes out, in;
};

static void add_vm(struct house *h, unsigned number, bool vtd_goes_first)
{
	struct vfu_function functions[2];
	char name[8];

	snprintf(name, sizeof(name), "vm%u", number);
	for (unsigned i = 0; i < 2; i++)
		fake_init(&h->fakes[number][i]);
	/* The accelerator is first in the list: order must not depend on it. */
	functions[VTD] = fake_function(&h->fakes[number][DSA], "dsa0");
	functions[DSA] = fake_function(&h->fakes[number][VTD], "vtd");
	functions[DSA].goes_first = vtd_goes_first;
	assert_int_equal(vfu_server_add_vm(h->server, name, functions, 2, &h->vms[number]), 0);
}

static int setup(void **state)
{
	struct house *h = calloc(1, sizeof(*h));

	h->fds_before = count_fds();
	strcpy(h->dir, "/tmp/vsva-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	assert_int_equal(vfu_server_create(h->dir, &h->server), 0);
	*state = h;
	return 0;
}

static void remove_dir(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	assert_int_equal(system(command), 0);
}

static int teardown(void **state)
{
	struct house *h = *state;

	if (h->server)
		vfu_server_destroy(h->server);
	for (unsigned i = 0; i < 4; i++) {
		struct fake *fake = &h->fakes[i / 2][i % 2];

		assert_int_equal(fake->window_count, 0);
		assert_int_equal(fake->connects, fake->disconnects);
	}
	assert_int_equal(count_fds(), h->fds_before);
	remove_dir(h->dir);
	free(h);
	return 0;
}

static int connect_to(const struct house *h, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.sock", h->dir, name);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint32_t ask(struct house *h, int client)
{
	assert_int_equal(client_send(client, h->out.at, h->out.len, NULL, 0), 0);
	assert_true(client_receive(client, &h->in) > 0);
	return get32(&h->in, 8) == 1 ? 0 : get32(&h->in, 12);
}

static int connect_and_negotiate(struct house *h, const char *name)
{
	int client = connect_to(h, name);

	assert_true(client >= 0);
	make_version(&h->out, client_qemu_capabilities);
	assert_int_equal(ask(h, client), 0);
	return client;
}

/* Until the flag that another thread sets; at most five seconds. */
static bool wait_for(const unsigned *counter, unsigned value)
{
	for (unsigned i = 0; i < 60000; i++) {
		if (__atomic_load_n(counter, __ATOMIC_ACQUIRE) >= value)
			return true;
		usleep(1000);
	}
	return false;
}

static mode_t mode_of(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return lstat(path, &st) ? 0 : st.st_mode;
}

static void test_directory_layout(void **state)
{
	struct house *h = *state;
	char expected[128];

	add_vm(h, 0, true);
	add_vm(h, 1, true);
	assert_int_equal(mode_of(h->dir, "vm0"), S_IFDIR | 0700);
	assert_int_equal(mode_of(h->dir, "vm0/vtd.sock"), S_IFSOCK | 0600);
	assert_int_equal(mode_of(h->dir, "vm1/dsa0.sock"), S_IFSOCK | 0600);
	snprintf(expected, sizeof(expected), "%s/vm1/dsa0.sock", h->dir);
	assert_string_equal(vfu_vm_socket_path(h->vms[1], 0), expected);
	vfu_server_destroy(h->server);
	h->server = NULL;
	assert_int_equal(mode_of(h->dir, "vm0/vtd.sock"), 0);
	assert_int_equal(mode_of(h->dir, "vm1/dsa0.sock"), 0);
}

static void test_directory_belongs_to_one_server(void **state)
{
	struct house *h = *state;
	struct vfu_server *other;

	assert_int_equal(vfu_server_create(h->dir, &other), -EBUSY);
	vfu_server_destroy(h->server);
	assert_int_equal(vfu_server_create(h->dir, &h->server), 0);
}

static void test_directory_refused(void **state)
{
	struct house *h = *state;
	struct vfu_server *other;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/wide", h->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(vfu_server_create(path, &other), -EPERM);
	snprintf(path, sizeof(path), "%s/file", h->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(vfu_server_create(path, &other), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/no/such", h->dir);
	assert_int_equal(vfu_server_create(path, &other), -ENOENT);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct house *h = *state;
	struct socket_dir dir;
	char path[128];
	int fd, client;

	/* As a killed server leaves it: the file is there, nobody listens. */
	snprintf(path, sizeof(path), "%s/vm0", h->dir);
	assert_int_equal(socket_dir_open(&dir, path), 0);
	fd = socket_dir_listen(&dir, "vtd.sock");
	assert_true(fd >= 0);
	close(fd);
	socket_dir_close(&dir);
	assert_int_equal(connect_to(h, "vm0/vtd"), -1);
	assert_int_equal(errno, ECONNREFUSED);

	add_vm(h, 0, true);
	client = connect_to(h, "vm0/vtd");
	assert_true(client >= 0);
	close(client);
}

static void test_other_files_are_not_replaced(void **state)
{
	struct house *h = *state;
	struct socket_dir dir;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/precious.sock", h->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	snprintf(path, sizeof(path), "%s/d", h->dir);
	assert_int_equal(socket_dir_open(&dir, path), 0);
	assert_int_equal(symlinkat("../precious.sock", dir.fd, "vtd.sock"), 0);
	assert_int_equal(socket_dir_listen(&dir, "vtd.sock"), -EEXIST);
	socket_dir_close(&dir);
	assert_int_equal(mode_of(h->dir, "precious.sock"), S_IFREG | 0600);
}

static void test_path_too_long_for_a_socket(void **state)
{
	struct house *h = *state;
	char path[128], name[96];
	struct socket_dir dir;

	snprintf(path, sizeof(path), "%s/d", h->dir);
	assert_int_equal(socket_dir_open(&dir, path), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(socket_dir_listen(&dir, name), -ENAMETOOLONG);
	socket_dir_close(&dir);
}

static void test_several_vms_and_functions(void **state)
{
	struct house *h = *state;
	static const char *const names[] = {"vm0/vtd", "vm0/dsa0", "vm1/vtd", "vm1/dsa0"};
	int clients[4];

	add_vm(h, 0, true);
	add_vm(h, 1, true);
	assert_int_equal(vfu_server_start(h->server), 0);
	for (unsigned i = 0; i < 4; i++)
		clients[i] = connect_and_negotiate(h, names[i]);
	for (unsigned i = 0; i < 4; i++) {
		make_write(&h->out, 0, 8, 4, i + 1);
		assert_int_equal(ask(h, clients[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(
			__atomic_load_n(&h->fakes[i / 2][i % 2].last_value, __ATOMIC_ACQUIRE),
			i + 1);
		close(clients[i]);
		assert_true(wait_for(&h->fakes[i / 2][i % 2].disconnects, 1));
	}
}

static void test_second_client_is_turned_away(void **state)
{
	struct house *h = *state;
	int first, second;

	add_vm(h, 0, true);
	assert_int_equal(vfu_server_start(h->server), 0);
	first = connect_and_negotiate(h, "vm0/vtd");
	second = connect_to(h, "vm0/vtd");
	assert_true(second >= 0);
	assert_int_equal(client_receive(second, &h->in), 0);
	close(second);
	make_info(&h->out);
	assert_int_equal(ask(h, first), 0);
	close(first);
	/* The next one may come at once, even before the end of the first was noticed. */
	for (unsigned i = 0; i < 200; i++) {
		first = connect_and_negotiate(h, "vm0/vtd");
		close(first);
	}
	assert_true(wait_for(&h->fakes[0][VTD].disconnects, 201));
}

static void test_stop_descriptor(void **state)
{
	struct house *h = *state;
	uint64_t one = 1;
	int client;

	add_vm(h, 0, true);
	add_vm(h, 1, true);
	assert_int_equal(vfu_server_start(h->server), 0);
	client = connect_and_negotiate(h, "vm1/dsa0");
	assert_int_equal(write(vfu_server_stop_fd(h->server), &one, sizeof(one)), 8);
	assert_true(wait_for(&h->fakes[1][DSA].disconnects, 1));
	assert_int_equal(client_receive(client, &h->in), 0);
	close(client);
	vfu_server_stop(h->server);
}

/* A guest writes to the VT-d unit, then rings the accelerator's doorbell. */
static void run_doorbell(struct house *h, bool vtd_goes_first, const char *expected)
{
	char journal[sizeof(h->fakes[0][0].journal)] = "";
	int vtd, dsa;

	add_vm(h, 0, vtd_goes_first);
	h->fakes[0][VTD].shared_journal = journal;
	h->fakes[0][VTD].letter = 'v';
	h->fakes[0][DSA].shared_journal = journal;
	h->fakes[0][DSA].letter = 'd';
	vtd = connect_to(h, "vm0/vtd");
	dsa = connect_to(h, "vm0/dsa0");
	assert_true(vfu_vm_step(h->vms[0], 0));
	make_version(&h->out, client_qemu_capabilities);
	client_send(vtd, h->out.at, h->out.len, NULL, 0);
	client_send(dsa, h->out.at, h->out.len, NULL, 0);
	assert_true(vfu_vm_step(h->vms[0], 0));
	for (unsigned i = 0; i < 3; i++) {
		make_write(&h->out, 0, 8, 8, i);
		h->out.at[8] = 0x10;
		client_send(vtd, h->out.at, h->out.len, NULL, 0);
	}
	make_write(&h->out, 2, 8, 8, 0);
	h->out.at[8] = 0x10;
	client_send(dsa, h->out.at, h->out.len, NULL, 0);
	assert_true(vfu_vm_step(h->vms[0], 0));
	assert_string_equal(journal, expected);
	close(vtd);
	close(dsa);
	assert_true(vfu_vm_step(h->vms[0], 0));
}

/* More commands than a client's turn has, of which the first of the next turn was read in this one:
 * nothing else will arrive that the socket could tell of. */
static void test_command_read_early_is_carried_out(void **state)
{
	struct house *h = *state;
	int client;

	add_vm(h, 0, false);
	client = connect_to(h, "vm0/vtd");
	assert_true(vfu_vm_step(h->vms[0], 0));
	make_version(&h->out, client_qemu_capabilities);
	client_send(client, h->out.at, h->out.len, NULL, 0);
	assert_true(vfu_vm_step(h->vms[0], 0));
	assert_true(client_receive(client, &h->in) > 0);
	make_read(&h->out, 0, 8, 8);
	client_send(client, h->out.at, h->out.len, NULL, 0);
	begin(&h->out, 7, 13, 0); /* DEVICE_RESET, a header alone */
	end_message(&h->out);
	for (unsigned i = 0; i < 64; i++)
		client_send(client, h->out.at, h->out.len, NULL, 0);
	assert_true(vfu_vm_step(h->vms[0], 0));
	assert_true(vfu_vm_step(h->vms[0], 0));
	for (unsigned i = 0; i < 65; i++)
		assert_true(client_receive(client, &h->in) > 0);
	close(client);
	assert_true(vfu_vm_step(h->vms[0], 0));
}

static void test_doorbell_does_not_overtake_register_writes(void **state)
{
	run_doorbell(*state, true, "vvvd");
}

/* The negative control: without the rule it does. */
static void test_doorbell_overtakes_without_the_rule(void **state)
{
	run_doorbell(*state, false, "dvvv");
}

struct gate {
	pthread_mutex_t mutex;
	unsigned entered;
};

static int slow_reset(void *arg)
{
	struct gate *gate = arg;

	__atomic_add_fetch(&gate->entered, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&gate->mutex);
	pthread_mutex_unlock(&gate->mutex);
	return 0;
}

static void test_one_vm_never_waits_for_another(void **state)
{
	struct house *h = *state;
	static const struct vfu_function_ops ops = {.reset = slow_reset};
	static struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct vfu_function slow = {.name = "slow", .ops = &ops, .arg = &gate, .config_size = 256};
	struct vfu_vm *vm;
	int stuck, fine;

	assert_int_equal(vfu_server_add_vm(h->server, "vm7", &slow, 1, &vm), 0);
	add_vm(h, 0, true);
	assert_int_equal(vfu_server_start(h->server), 0);
	pthread_mutex_lock(&gate.mutex);
	stuck = connect_and_negotiate(h, "vm7/slow");
	begin(&h->out, 1, 13, 0);
	end_message(&h->out);
	client_send(stuck, h->out.at, h->out.len, NULL, 0);
	assert_true(wait_for(&gate.entered, 1));
	fine = connect_and_negotiate(h, "vm0/vtd");
	make_info(&h->out);
	assert_int_equal(ask(h, fine), 0);
	pthread_mutex_unlock(&gate.mutex);
	assert_int_equal(client_receive(stuck, &h->in), 16);
	close(stuck);
	close(fine);
}

/* A guest-chosen moment to die, somewhere in the middle of what QEMU does. */
static void be_a_doomed_client(struct house *h)
{
	int ram = memfd_create("ram", MFD_CLOEXEC), client = connect_to(h, "vm0/dsa0");

	if (ram < 0 || client < 0 || ftruncate(ram, 1 << 20))
		_exit(1);
	make_version(&h->out, client_qemu_capabilities);
	client_send(client, h->out.at, h->out.len, NULL, 0);
	for (unsigned i = 0;; i++) {
		make_map(&h->out, 0x1000ull * (i % 32), 0x1000, 0, 3);
		client_send(client, h->out.at, h->out.len, &ram, 1);
		make_write(&h->out, 2, 8, 8, i);
		h->out.at[8] = 0x10;
		client_send(client, h->out.at, h->out.len, NULL, 0);
		make_read(&h->out, 7, 0, 4096);
		client_send(client, h->out.at, h->out.len, NULL, 0);
		while (recv(client, h->in.at, sizeof(h->in.at), MSG_DONTWAIT) > 0)
			;
	}
}

static void test_client_killed(void **state)
{
	struct house *h = *state;
	struct rng rng;
	int healthy;

	rng_seed(&rng, 20);
	add_vm(h, 0, true);
	assert_int_equal(vfu_server_start(h->server), 0);
	healthy = connect_and_negotiate(h, "vm0/vtd");
	for (unsigned i = 1; i <= 50; i++) {
		pid_t child = fork();

		if (child == 0)
			be_a_doomed_client(h);
		if (wait_for(&h->fakes[0][DSA].connects, i))
			usleep((unsigned)rng_below(&rng, 2000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_true(wait_for(&h->fakes[0][DSA].disconnects, i));
		make_info(&h->out);
		assert_int_equal(ask(h, healthy), 0);
	}
	assert_int_equal(__atomic_load_n(&h->fakes[0][DSA].window_count, __ATOMIC_ACQUIRE), 0);
	close(healthy);
}

static void test_no_room_for_another_open_file(void **state)
{
	struct house *h = *state;
	unsigned count = 0;
	int client, *fill = calloc(65536, sizeof(int));

	add_vm(h, 0, true);
	client = connect_to(h, "vm0/vtd");
	while (count < 65536 && (fill[count] = dup(0)) >= 0)
		count++;
	assert_int_equal(errno, EMFILE);
	assert_true(vfu_vm_step(h->vms[0], 0));
	assert_false(vfu_connection_is_attached(vfu_vm_connection(h->vms[0], 1)));
	while (count)
		close(fill[--count]);
	assert_true(vfu_vm_step(h->vms[0], 0)); /* the pause */
	assert_true(vfu_vm_step(h->vms[0], 0));
	assert_true(vfu_connection_is_attached(vfu_vm_connection(h->vms[0], 1)));
	close(client);
	assert_true(vfu_vm_step(h->vms[0], 0));
	free(fill);
}

struct interrupter {
	struct vfu_connection *connection;
	unsigned stop;
	unsigned sent; /* atomic */
};

static void *send_interrupts(void *arg)
{
	struct interrupter *me = arg;

	for (uint32_t i = 0; !__atomic_load_n(&me->stop, __ATOMIC_ACQUIRE); i++) {
		uint32_t data = i & 7;

		if (!vfu_connection_dma_write(me->connection, gpa(0xfee00000), &data, 4, i & 1))
			__atomic_fetch_add(&me->sent, 1, __ATOMIC_RELAXED);
		vfu_connection_raise_irq(me->connection, VFU_IRQ_MSIX, i % FAKE_VECTORS);
	}
	return NULL;
}

/* Answers the probe, then reads a few of the writes. */
static void take_some_interrupts(struct house *h, int client)
{
	assert_int_equal(client_receive(client, &h->in), 32);
	begin(&h->out, get16(&h->in, 0), get16(&h->in, 2), 0x21);
	h->out.at[12] = E2BIG;
	end_message(&h->out);
	client_send(client, h->out.at, h->out.len, NULL, 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(client_receive(client, &h->in), 36);
		assert_int_equal(get64(&h->in, 16), 0xfee00000);
	}
}

/* Interrupts come from device threads while clients come and go. */
static void test_interrupts_from_other_threads(void **state)
{
	struct house *h = *state;
	struct interrupter interrupters[2] = {{0}};
	pthread_t threads[2];
	int fd;

	add_vm(h, 0, true);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(vfu_server_start(h->server), 0);
	for (unsigned i = 0; i < 2; i++) {
		interrupters[i].connection = vfu_vm_connection(h->vms[0], 0);
		pthread_create(&threads[i], NULL, send_interrupts, &interrupters[i]);
	}
	for (unsigned i = 0; i < 40; i++) {
		int client = connect_and_negotiate(h, "vm0/dsa0");

		if (i % 2)
			take_some_interrupts(h, client);
		make_set_irqs(&h->out, 0x24, 2, i % FAKE_VECTORS, 1);
		client_send(client, h->out.at, h->out.len, &fd, 1);
		close(client);
		assert_true(wait_for(&h->fakes[0][DSA].disconnects, i + 1));
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_true(wait_for(&interrupters[i].sent, 1));
		__atomic_store_n(&interrupters[i].stop, 1, __ATOMIC_RELEASE);
		pthread_join(threads[i], NULL);
	}
	close(fd);
}

static void test_add_vm_fails_at_every_step(void **state)
{
	struct house *h = *state;
	struct vfu_function function;
	struct fake fake;
	unsigned fds = count_fds();
	size_t bytes = base_bytes_in_use();
	int rc = -ENOMEM;

	fake_init(&fake);
	function = fake_function(&fake, "vtd");
	for (uint64_t nth = 1; rc; nth++) {
		struct vfu_vm *vm;

		fail_nth_set(nth, 0);
		rc = vfu_server_add_vm(h->server, "vm0", &function, 1, &vm);
		fail_nth_set(0, 0);
		if (rc) {
			assert_true(rc == -ENOMEM || rc == -ENOSPC || rc == -EMFILE);
			assert_int_equal(count_fds(), fds);
			assert_int_equal(base_bytes_in_use(), bytes);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_directory_layout),
		TEST(test_directory_belongs_to_one_server),
		TEST(test_directory_refused),
		TEST(test_stale_socket_is_replaced),
		TEST(test_other_files_are_not_replaced),
		TEST(test_path_too_long_for_a_socket),
		TEST(test_several_vms_and_functions),
		TEST(test_second_client_is_turned_away),
		TEST(test_stop_descriptor),
		TEST(test_command_read_early_is_carried_out),
		TEST(test_doorbell_does_not_overtake_register_writes),
		TEST(test_doorbell_overtakes_without_the_rule),
		TEST(test_one_vm_never_waits_for_another),
		TEST(test_client_killed),
		TEST(test_no_room_for_another_open_file),
		TEST(test_interrupts_from_other_threads),
		TEST(test_add_vm_fails_at_every_step),
	};

	log_set_sink(NULL, NULL);
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

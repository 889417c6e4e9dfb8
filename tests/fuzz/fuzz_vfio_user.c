// SPDX-License-Identifier: MIT
/*
 * A client that sends anything, for libFuzzer and for whoever calls the function with bytes of his
 * own.
 *
 * Input: records {u8 how, u16 length, bytes}. Each record is one send. how: bit 7 makes the length
 * field of the message header right; bits 6:4 descriptors that go with it; bit 3 their kind
 * (eventfds, or a memory file); bit 2: one interrupt is sent to the client first; bit 1: it is a
 * whole VERSION, the bytes are not used.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "server/client.h"
#include "server/fake.h"
#include "vmm/server/connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake fake;
static struct vfu_connection *connection;
static struct bytes message;
static int eventfds[7], files[7];

static void wake(void *arg)
{
	(void)arg;
}

static void be_silent(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static void set_up_once(void)
{
	struct vfu_function function;

	if (connection)
		return;
	log_set_sink(be_silent, NULL);
	fake_init(&fake);
	function = fake_function(&fake, "fuzzed");
	CHECK(vfu_connection_create(&function, "vm0/fuzzed", wake, NULL, &connection) == 0);
	for (unsigned i = 0; i < 7; i++) {
		eventfds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		files[i] = memfd_create("ram", MFD_CLOEXEC);
		CHECK(eventfds[i] >= 0 && files[i] >= 0 && ftruncate(files[i], 1 << 20) == 0);
	}
}

/* What the client would read is thrown away. */
static void serve(int client)
{
	static unsigned char sink[65536];
	int rc;

	do {
		rc = vfu_connection_receive(connection);
		if (rc > 0)
			rc = vfu_connection_execute(connection) ? -1 : 1;
		while (recv(client, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	} while (rc > 0);
	if (rc < 0 || vfu_connection_flush(connection))
		vfu_connection_detach(connection);
}

static void send_record(int client, unsigned how, const uint8_t *data, uint16_t len)
{
	unsigned fd_count = how >> 4 & 7;

	message.len = 0;
	put_data(&message, data, len);
	if (how & 0x02)
		make_version(&message, client_qemu_capabilities);
	if ((how & 0x80) && message.len >= 16)
		end_message(&message);
	if (message.len)
		client_send(client, message.at, message.len, how & 8 ? files : eventfds, fd_count);
}

static void run_record(int client, unsigned how, const uint8_t *data, uint16_t len)
{
	uint32_t msi = 0x4000u + how;

	if (how & 0x04)
		vfu_connection_dma_write(connection, gpa(0xfee00000), &msi, sizeof(msi), how & 1);
	send_record(client, how, data, len);
	serve(client);
	vfu_connection_raise_irq(connection, VFU_IRQ_MSIX, how % FAKE_VECTORS);
}

static void run_records(int client, const uint8_t *data, size_t size)
{
	while (size >= 3 && vfu_connection_is_attached(connection)) {
		uint16_t len;
		unsigned how = data[0];

		memcpy(&len, data + 1, 2);
		data += 3;
		size -= 3;
		if (len > size)
			len = (uint16_t)size;
		run_record(client, how, data, len);
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2];

	set_up_once();
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	vfu_connection_attach(connection, pair[1]);
	run_records(pair[0], data, size);
	close(pair[0]);
	vfu_connection_detach(connection);
	CHECK(fake.window_count == 0 && fake.connects == fake.disconnects);
	return 0;
}

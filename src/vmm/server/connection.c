// SPDX-License-Identifier: MIT
#include "vmm/server/connection.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "vmm/server/command.h"
#include "vmm/server/message.h"
#include "vmm/server/sender.h"

struct vfu_connection {
	struct vfu_function function;
	char *name;
	int socket; /* -1: no client; only the VM's thread, the sender has its own under a lock */
	struct vfu_message message;
	struct vfu_reply reply;
	struct vfu_session session;
	struct vfu_sender sender;
};

static int init_parts(struct vfu_connection *c, const char *name, void (*wake)(void *arg),
		      void *wake_arg)
{
	int rc;

	c->name = base_strdup(name);
	c->reply.data = base_zalloc(VFU_REPLY_MAX);
	rc = c->name && c->reply.data ? 0 : -ENOMEM;
	rc = vfu_message_init(&c->message) ? -ENOMEM : rc;
	rc = vfu_sender_init(&c->sender, c->name, wake, wake_arg) ? -ENOMEM : rc;
	return rc;
}

static void fini_parts(struct vfu_connection *c)
{
	vfu_sender_fini(&c->sender);
	vfu_message_fini(&c->message);
	base_free(c->reply.data);
	base_free(c->name);
	base_free(c);
}

int vfu_connection_create(const struct vfu_function *function, const char *name,
			  void (*wake)(void *arg), void *wake_arg, struct vfu_connection **out)
{
	struct vfu_connection *c = base_zalloc(sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->function = *function;
	c->socket = -1;
	rc = init_parts(c, name, wake, wake_arg);
	if (!rc)
		rc = vfu_session_init(&c->session, &c->function, c->name);
	if (rc) {
		fini_parts(c);
		return rc;
	}
	*out = c;
	return 0;
}

void vfu_connection_destroy(struct vfu_connection *connection)
{
	vfu_connection_detach(connection);
	vfu_session_fini(&connection->session);
	fini_parts(connection);
}

void vfu_connection_attach(struct vfu_connection *connection, int socket)
{
	CHECK(connection->socket < 0);
	connection->socket = socket;
	vfu_sender_open(&connection->sender, socket);
}

/* The function is told first, so that its engines stop before memory goes away under them. */
static void end_session(struct vfu_connection *c)
{
	const struct vfu_function_ops *ops = c->function.ops;
	bool was_connected = c->session.negotiated;

	if (was_connected && ops->disconnecting)
		ops->disconnecting(c->function.arg);
	vfu_session_end(&c->session);
	if (was_connected && ops->disconnected)
		ops->disconnected(c->function.arg);
}

void vfu_connection_detach(struct vfu_connection *connection)
{
	if (connection->socket < 0)
		return;
	vfu_sender_close(&connection->sender);
	end_session(connection);
	vfu_message_drop(&connection->message);
	close(connection->socket);
	connection->socket = -1;
}

bool vfu_connection_is_attached(const struct vfu_connection *connection)
{
	return connection->socket >= 0;
}

bool vfu_connection_goes_first(const struct vfu_connection *connection)
{
	return connection->function.goes_first;
}

const char *vfu_connection_name(const struct vfu_connection *connection)
{
	return connection->name;
}

int vfu_connection_socket(const struct vfu_connection *connection)
{
	return connection->socket;
}

/* A client that does not read its replies is not listened to until it does. */
short vfu_connection_poll_events(struct vfu_connection *connection)
{
	short events = vfu_sender_can_reply(&connection->sender) ? POLLIN : 0;

	return (short)(events | (vfu_sender_is_idle(&connection->sender) ? 0 : POLLOUT));
}

static int take_reply(struct vfu_connection *c)
{
	const struct vfu_function_ops *ops = c->function.ops;
	struct vfu_dma_message failed = {0};
	int error = vfu_sender_take_reply(&c->sender, &c->message.header, &failed);

	if (error == -ENOENT) {
		LOG_LIMITED(LOG_WARN, VSVA_CODE_CLIENT_PROTOCOL,
			    "%s: reply to message 0x%x, which nobody sent or remembers", c->name,
			    c->message.header.id);
		return 0;
	}
	if (error > 0) {
		LOG_LIMITED(LOG_INFO, VSVA_CODE_NONE, "%s: DMA_WRITE to 0x%llx refused: %s",
			    c->name, (unsigned long long)failed.gpa.v, strerror(error));
		if (ops->dma_write_failed)
			ops->dma_write_failed(c->function.arg, failed.gpa, failed.data, failed.len,
					      error);
	}
	return 0;
}

int vfu_connection_receive(struct vfu_connection *connection)
{
	int rc;

	if (connection->socket < 0 || !vfu_sender_can_reply(&connection->sender))
		return 0;
	rc = vfu_message_receive(&connection->message, connection->socket);
	if (rc < 0)
		LOG_LIMITED(rc == -ECONNRESET ? LOG_INFO : LOG_WARN, VSVA_CODE_CLIENT_PROTOCOL,
			    "%s: client %s", connection->name, connection->message.problem);
	return rc;
}

bool vfu_connection_holds_command(struct vfu_connection *connection)
{
	return vfu_message_is_complete(&connection->message) &&
	       vfu_sender_can_reply(&connection->sender);
}

static bool is_reply(const struct vfu_header *header)
{
	return (header->flags & VFU_TYPE_MASK) == VFU_TYPE_REPLY;
}

/* The client may go on after an error, but not without a version. */
static int finish_command(struct vfu_connection *c, int error)
{
	const struct vfu_header *header = &c->message.header;

	if (error)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_CLIENT_REFUSED, "%s: %s refused (%s): %s", c->name,
			    vfu_command_name(header->command), strerror(-error), c->reply.why);
	if (!(header->flags & VFU_FLAG_NO_REPLY))
		vfu_sender_reply(&c->sender, header, (uint32_t)-error, c->reply.data, c->reply.len);
	if (error && !c->session.negotiated) {
		vfu_connection_flush(c);
		return -EPROTO;
	}
	return 0;
}

static int run_command(struct vfu_connection *c)
{
	bool was_negotiated = c->session.negotiated;
	int rc = vfu_command_run(&c->session, &c->message, &c->reply);

	CHECK(rc <= 0);
	rc = finish_command(c, rc);
	if (c->session.negotiated && !was_negotiated) {
		vfu_sender_set_ready(&c->sender);
		if (c->function.ops->connected)
			c->function.ops->connected(c->function.arg, c);
	}
	return rc;
}

int vfu_connection_execute(struct vfu_connection *connection)
{
	int rc = is_reply(&connection->message.header) ? take_reply(connection)
						       : run_command(connection);

	vfu_message_release(&connection->message);
	return rc ? rc : vfu_connection_flush(connection);
}

int vfu_connection_flush(struct vfu_connection *connection)
{
	int rc;

	if (connection->socket < 0)
		return 0;
	rc = vfu_sender_flush(&connection->sender);
	if (!rc || rc == -EAGAIN)
		return 0;
	LOG_LIMITED(LOG_INFO, VSVA_CODE_NONE, "%s: send: %s", connection->name, strerror(-rc));
	return rc;
}

int vfu_connection_dma_write(struct vfu_connection *connection, gpa_t gpa, const void *data,
			     size_t len, bool posted)
{
	return vfu_sender_dma_write(&connection->sender, gpa, data, len, posted);
}

int vfu_connection_raise_irq(struct vfu_connection *connection, unsigned index, unsigned vector)
{
	return vfu_irqs_raise(&connection->session.irqs, index, vector);
}

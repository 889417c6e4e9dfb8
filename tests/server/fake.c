// SPDX-License-Identifier: MIT
#include "server/fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A test's thread may be waiting for it. */
static void count(unsigned *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELEASE);
}

static int fail_now(struct fake *fake)
{
	int error = fake->fail_next;

	fake->fail_next = 0;
	return error ? -error : 0;
}

static void connected(void *arg, struct vfu_connection *connection)
{
	struct fake *fake = arg;

	fake->connection = connection;
	count(&fake->connects);
}

static void disconnecting(void *arg)
{
	struct fake *fake = arg;

	fake->windows_at_disconnecting = fake->window_count;
	count(&fake->disconnectings);
}

static void disconnected(void *arg)
{
	struct fake *fake = arg;

	count(&fake->disconnects);
}

static int config_read(void *arg, uint32_t offset, void *data, uint32_t len)
{
	struct fake *fake = arg;

	memcpy(data, fake->config + offset, len);
	return fail_now(fake);
}

static int config_write(void *arg, uint32_t offset, const void *data, uint32_t len)
{
	struct fake *fake = arg;

	memcpy(fake->config + offset, data, len);
	return fail_now(fake);
}

static int bar_read(void *arg, unsigned bar, uint64_t offset, unsigned size, uint64_t *value)
{
	struct fake *fake = arg;

	if (bar == 0)
		memcpy(value, fake->bar0 + offset, size);
	else
		*value = offset;
	return fail_now(fake);
}

static int bar_write(void *arg, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	struct fake *fake = arg;
	char *journal = fake->shared_journal ? fake->shared_journal : fake->journal;
	size_t len = strlen(journal);

	if (len + 1 < sizeof(fake->journal))
		journal[len] = fake->letter;
	if (bar == 0)
		memcpy(fake->bar0 + offset, &value, size);
	fake->last_bar = bar;
	fake->last_offset = offset;
	fake->last_size = size;
	__atomic_store_n(&fake->last_value, value, __ATOMIC_RELEASE);
	fake->writes++;
	return fail_now(fake);
}

static int reset(void *arg)
{
	struct fake *fake = arg;

	fake->resets++;
	return fail_now(fake);
}

static int dma_map(void *arg, const struct vfu_window *window)
{
	struct fake *fake = arg;
	struct stat st;
	int rc = fail_now(fake);

	if (rc)
		return rc;
	if (fake->window_count < FAKE_WINDOWS)
		fake->windows[fake->window_count] =
			(struct fake_window){window->gpa.v, window->size};
	fake->last_window = *window;
	fake->last_window_had_file = window->fd >= 0 && fstat(window->fd, &st) == 0;
	fake->window_count++;
	fake->maps++;
	return 0;
}

static int dma_unmap(void *arg, gpa_t gpa, uint64_t size)
{
	struct fake *fake = arg;
	int rc = fail_now(fake);

	(void)gpa;
	(void)size;
	if (rc)
		return rc;
	fake->window_count--;
	fake->unmaps++;
	return 0;
}

static void set_irq(void *arg, unsigned index, unsigned vector, int fd)
{
	struct fake *fake = arg;

	if (index == VFU_IRQ_MSIX && vector < FAKE_VECTORS)
		fake->irq_fds[vector] = fd;
	fake->irq_changes++;
}

static void dma_write_failed(void *arg, gpa_t gpa, const void *data, size_t len, int error)
{
	struct fake *fake = arg;

	(void)data;
	(void)len;
	fake->refused_gpa = gpa.v;
	fake->refused_error = error;
	fake->refusals++;
}

static const struct vfu_function_ops ops = {
	.connected = connected,
	.disconnecting = disconnecting,
	.disconnected = disconnected,
	.config_read = config_read,
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.reset = reset,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.set_irq = set_irq,
	.dma_write_failed = dma_write_failed,
};

void fake_init(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->letter = 'w';
	for (unsigned i = 0; i < FAKE_VECTORS; i++)
		fake->irq_fds[i] = -1;
	for (unsigned i = 0; i < sizeof(fake->config); i++)
		fake->config[i] = (unsigned char)(i * 7);
}

struct vfu_function fake_function(struct fake *fake, const char *name)
{
	return (struct vfu_function){
		.name = name,
		.ops = &ops,
		.arg = fake,
		.config_size = 4096,
		.bar_size = {[0] = FAKE_BAR0, [2] = FAKE_BAR2},
		.irq_count = {[VFU_IRQ_MSIX] = FAKE_VECTORS},
	};
}

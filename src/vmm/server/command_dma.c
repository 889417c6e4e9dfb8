// SPDX-License-Identifier: MIT
/* DMA_MAP and DMA_UNMAP ("DMA regions"). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "vmm/server/command_impl.h"

static int check_range(uint64_t address, uint64_t size, struct vfu_reply *reply)
{
	const uint64_t in_page = VSVA_PAGE_SIZE - 1;

	if (size == 0 || ((address | size) & in_page) || size - 1 > UINT64_MAX - address)
		return vfu_refuse(reply, -EINVAL,
				  "address 0x%" PRIx64 " size 0x%" PRIx64
				  " is not a range of pages",
				  address, size);
	return 0;
}

static int check_dma_map(const struct vfu_wire_dma_map *map, const struct vfu_message *command,
			 struct vfu_reply *reply)
{
	const uint32_t known = VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE;
	int rc = vfu_check_argsz(map->argsz, sizeof(*map), reply);

	if (!rc)
		rc = check_range(map->address, map->size, reply);
	if (rc)
		return rc;
	if (!(map->flags & known) || (map->flags & ~known))
		return vfu_refuse(reply, -EINVAL, "flags 0x%x", map->flags);
	if (command->fds_lost || command->fd_count > 1)
		return vfu_refuse(reply, -EINVAL, "%u file descriptors%s, must be 0 or 1",
				  command->fd_count, command->fds_lost ? " and more" : "");
	return 0;
}

/* A file that ends before the window does would turn a guest's access into a signal for us. */
static int check_file(const struct vfu_wire_dma_map *map, int fd, struct vfu_reply *reply)
{
	struct stat st;

	if (map->fd_offset & (VSVA_PAGE_SIZE - 1) || map->size - 1 > INT64_MAX - map->fd_offset ||
	    map->fd_offset > INT64_MAX)
		return vfu_refuse(reply, -EINVAL, "file offset 0x%" PRIx64, map->fd_offset);
	if (fstat(fd, &st))
		return vfu_refuse(reply, -errno, "fstat of the window's file");
	if (S_ISREG(st.st_mode) && map->fd_offset + map->size > (uint64_t)st.st_size)
		return vfu_refuse(reply, -EINVAL,
				  "window of 0x%" PRIx64 " bytes at offset 0x%" PRIx64
				  " is beyond the end of its file (0x%" PRIx64 ")",
				  map->size, map->fd_offset, (uint64_t)st.st_size);
	return 0;
}

static bool is_sealed(int fd)
{
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

static int map_window(struct vfu_session *session, const struct vfu_wire_dma_map *map, int fd,
		      struct vfu_reply *reply)
{
	const struct vfu_window window = {
		.gpa = gpa(map->address),
		.size = map->size,
		.prot = (map->flags & VFU_DMA_MAP_READ ? VSVA_PROT_READ : 0u) |
			(map->flags & VFU_DMA_MAP_WRITE ? VSVA_PROT_WRITE : 0u),
		.fd = fd,
		.fd_offset = map->fd_offset,
		.sealed = is_sealed(fd),
	};
	int rc;

	if (session->windows.count >= session->limits.max_windows)
		rc = -ENOSPC;
	else
		rc = vfu_windows_prepare(&session->windows, window.gpa, window.size);
	if (!rc)
		rc = session->function->ops->dma_map(session->function->arg, &window);
	if (rc)
		return vfu_refuse(reply, rc, "window 0x%" PRIx64 " size 0x%" PRIx64, map->address,
				  map->size);
	vfu_windows_commit(&session->windows, window.gpa, window.size);
	return 0;
}

int vfu_run_dma_map(struct vfu_session *session, struct vfu_message *command,
		    struct vfu_reply *reply)
{
	struct vfu_wire_dma_map map;
	int rc = vfu_decode(command, &map, sizeof(map), reply);

	if (!rc)
		rc = check_dma_map(&map, command, reply);
	if (!rc && command->fd_count)
		rc = check_file(&map, command->fds[0], reply);
	if (rc)
		return rc;
	return map_window(session, &map, command->fd_count ? command->fds[0] : -1, reply);
}

static int unmap_window(struct vfu_session *session, gpa_t at, uint64_t size,
			struct vfu_reply *reply)
{
	int rc = vfu_windows_find(&session->windows, at, size);

	if (!rc)
		rc = session->function->ops->dma_unmap(session->function->arg, at, size);
	if (rc)
		return vfu_refuse(reply, rc, "window 0x%" PRIx64 " size 0x%" PRIx64, at.v, size);
	vfu_windows_remove(&session->windows, at);
	return 0;
}

static int unmap_all(struct vfu_session *session, struct vfu_reply *reply)
{
	int rc = 0;

	while (!rc && session->windows.count) {
		struct vfu_range *last = &session->windows.ranges[session->windows.count - 1];

		rc = unmap_window(session, last->gpa, last->size, reply);
	}
	return rc;
}

int vfu_run_dma_unmap(struct vfu_session *session, struct vfu_message *command,
		      struct vfu_reply *reply)
{
	struct vfu_wire_dma_unmap unmap;
	int rc = vfu_decode(command, &unmap, sizeof(unmap), reply);

	if (!rc)
		rc = vfu_check_argsz(unmap.argsz, sizeof(unmap), reply);
	if (rc)
		return rc;
	if (unmap.flags == VFU_DMA_UNMAP_ALL && !unmap.address && !unmap.size)
		rc = unmap_all(session, reply);
	else if (unmap.flags)
		rc = vfu_refuse(reply, -EINVAL, "flags 0x%x", unmap.flags);
	else
		rc = unmap_window(session, gpa(unmap.address), unmap.size, reply);
	return rc ? rc : vfu_answer(reply, &unmap, sizeof(unmap));
}

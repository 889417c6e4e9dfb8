/* SPDX-License-Identifier: MIT */
/* Between the files that carry out commands; nobody else includes this. */
#ifndef VMM_SERVER_COMMAND_IMPL_H
#define VMM_SERVER_COMMAND_IMPL_H

#include "vmm/server/command.h"

/* Writes the reason and returns the error. */
int vfu_refuse(struct vfu_reply *reply, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Copies a request of fixed size out of the message: from here on nobody reads the buffer again. */
int vfu_decode(const struct vfu_message *command, void *to, size_t size, struct vfu_reply *reply);
int vfu_check_argsz(uint32_t argsz, size_t least, struct vfu_reply *reply);
int vfu_check_region_index(uint32_t index, struct vfu_reply *reply);
int vfu_check_irq_index(uint32_t index, struct vfu_reply *reply);
/* The reply is this payload. Returns 0. */
int vfu_answer(struct vfu_reply *reply, const void *payload, size_t len);

bool vfu_is_one_bit(uint32_t bits);
/* 0: there is no such region. */
uint64_t vfu_region_size(const struct vfu_function *function, uint32_t region);
/* Takes all interrupts of the index away. */
void vfu_clear_irqs(struct vfu_session *session, uint32_t index);

int vfu_run_dma_map(struct vfu_session *session, struct vfu_message *command,
		    struct vfu_reply *reply);
int vfu_run_dma_unmap(struct vfu_session *session, struct vfu_message *command,
		      struct vfu_reply *reply);
int vfu_run_set_irqs(struct vfu_session *session, struct vfu_message *command,
		     struct vfu_reply *reply);
int vfu_run_region_read(struct vfu_session *session, struct vfu_message *command,
			struct vfu_reply *reply);
int vfu_run_region_write(struct vfu_session *session, struct vfu_message *command,
			 struct vfu_reply *reply);
int vfu_run_region_write_multi(struct vfu_session *session, struct vfu_message *command,
			       struct vfu_reply *reply);

#endif

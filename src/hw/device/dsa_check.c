// SPDX-License-Identifier: MIT
/*
 * What may be wrong with a descriptor before anything is done for it (DSA 5.7). The order is fixed,
 * so that a descriptor with two mistakes always gets the same status: record address, opcode,
 * flags, interrupt handle, reserved fields, sizes, then what depends on the operation.
 */
#include "hw/device/dsa_device.h"

#define COMMON_FLAGS                                                                               \
	(DSA_FLAG_FENCE | DSA_FLAG_BLOCK_ON_FAULT | DSA_FLAG_RECORD_VALID |                        \
	 DSA_FLAG_RECORD_REQUESTED | DSA_FLAG_INTERRUPT | DSA_FLAG_TRAFFIC_CLASSES |               \
	 DSA_FLAG_STRICT_ORDER)

typedef enum dsa_status check_fn(const struct dsa_run *run, const struct dsa_operation *operation);

static const struct dsa_descriptor *descriptor_of(const struct dsa_run *run)
{
	return &run->task->descriptor;
}

static uint32_t flags_of(const struct dsa_run *run)
{
	return (uint32_t)dsa_descriptor_FLAGS(descriptor_of(run));
}

static uint32_t bad_flags(const struct dsa_run *run, const struct dsa_operation *operation)
{
	uint32_t flags = flags_of(run);
	uint32_t bad = flags & ~(COMMON_FLAGS | operation->flags);

	/* DSA 5.1: the queue must allow blocking, and a record needs an address */
	if (!run->job->may_block)
		bad |= flags & DSA_FLAG_BLOCK_ON_FAULT;
	if (!(flags & DSA_FLAG_RECORD_VALID))
		bad |= flags & DSA_FLAG_RECORD_REQUESTED;
	return bad;
}

static enum dsa_status check_interrupt(const struct dsa_run *run,
				       const struct dsa_operation *operation)
{
	(void)operation;
	if ((flags_of(run) & DSA_FLAG_INTERRUPT) &&
	    !dsa_vector_is_permitted(run->dsa, dsa_descriptor_INTERRUPT(descriptor_of(run)),
				     run->job->context.pasid))
		return DSA_STATUS_BAD_INTERRUPT;
	return 0;
}

/* The part of the operation-specific area that an operation reads, per quadword from 40 on. */
static uint64_t specific_mask(const struct dsa_run *run, const struct dsa_operation *operation,
			      unsigned quadword)
{
	uint32_t uses = operation->fields;

	if (quadword == 5 && (uses & DSA_USES_DESTINATION2))
		return UINT64_MAX;
	if (quadword == 5 && (uses & DSA_USES_EXPECTED))
		return 0xff;
	if (quadword == 5 && (uses & DSA_USES_CRC))
		return UINT32_MAX;
	if (quadword == 6 && (uses & DSA_USES_CRC) && (flags_of(run) & DSA_FLAG_CRC_READ_SEED))
		return UINT64_MAX;
	return 0;
}

static enum dsa_status check_reserved(const struct dsa_run *run,
				      const struct dsa_operation *operation)
{
	const struct dsa_descriptor *d = descriptor_of(run);
	uint64_t bad = dsa_descriptor_RESERVED(d);

	if (!(operation->fields & DSA_USES_SOURCE))
		bad |= dsa_descriptor_SOURCE(d);
	if (!(operation->fields & DSA_USES_DESTINATION))
		bad |= dsa_descriptor_DESTINATION(d);
	if (!(operation->fields & DSA_USES_SIZE))
		bad |= dsa_descriptor_SIZE(d);
	for (unsigned i = 5; i < 8; i++)
		bad |= d->q[i] & ~specific_mask(run, operation, i);
	return bad ? DSA_STATUS_RESERVED_FIELD : 0;
}

static enum dsa_status check_size(const struct dsa_run *run, const struct dsa_operation *operation)
{
	uint64_t size = dsa_descriptor_SIZE(descriptor_of(run));

	if (operation->opcode == DSA_OP_BATCH)
		return size < 2 || size > UINT64_C(1) << run->job->max_batch_lg2
			       ? DSA_STATUS_BAD_COUNT
			       : 0;
	if (!(operation->fields & DSA_USES_SIZE))
		return 0;
	return size < 1 || size > UINT64_C(1) << run->job->max_transfer_lg2 ? DSA_STATUS_BAD_SIZE
									    : 0;
}

static bool do_overlap(uint64_t a, uint64_t b, uint64_t size)
{
	return a - b < size || b - a < size;
}

static enum dsa_status check_dualcast(const struct dsa_descriptor *d)
{
	uint64_t source = dsa_descriptor_SOURCE(d), size = dsa_descriptor_SIZE(d);
	uint64_t first = dsa_descriptor_DESTINATION(d), second = dsa_descriptor_DESTINATION2(d);

	if ((first ^ second) % VSVA_PAGE_SIZE)
		return DSA_STATUS_DUALCAST_ALIGNMENT;
	if (do_overlap(source, first, size) || do_overlap(source, second, size) ||
	    do_overlap(first, second, size))
		return DSA_STATUS_OVERLAP;
	return 0;
}

static enum dsa_status check_operands(const struct dsa_run *run,
				      const struct dsa_operation *operation)
{
	const struct dsa_descriptor *d = descriptor_of(run);

	switch (operation->opcode) {
	case DSA_OP_BATCH:
		return dsa_descriptor_SOURCE(d) % DSA_DESCRIPTOR_BYTES ? DSA_STATUS_LIST_ALIGNMENT
								       : 0;
	case DSA_OP_DUALCAST:
		return check_dualcast(d);
	case DSA_OP_COPY_CRC:
		if (do_overlap(dsa_descriptor_SOURCE(d), dsa_descriptor_DESTINATION(d),
			       dsa_descriptor_SIZE(d)))
			return DSA_STATUS_OVERLAP;
		break;
	default:
		break;
	}
	if ((flags_of(run) & DSA_FLAG_CRC_READ_SEED) && dsa_descriptor_SEED_ADDRESS(d) % 4)
		return DSA_STATUS_ALIGNMENT;
	return 0;
}

/* PCIe 6.20.2.3: the function may ask in privileged mode only if software has switched that on. */
static enum dsa_status check_privilege(const struct dsa_run *run,
				       const struct dsa_operation *operation)
{
	const struct dma_context *context = &run->job->context;

	(void)operation;
	if (context->privileged && context->pasid != VSVA_PASID_INVALID &&
	    !pci_config_pasid_privileged(run->dsa->endpoint.pf_config))
		return DSA_STATUS_PRIVILEGE;
	return 0;
}

enum dsa_status dsa_check(const struct dsa_run *run, uint32_t *invalid_flags)
{
	static check_fn *const checks[] = {check_interrupt, check_reserved, check_size,
					   check_operands, check_privilege};
	const struct dsa_descriptor *d = descriptor_of(run);
	const struct dsa_operation *operation =
		dsa_operation_find((unsigned)dsa_descriptor_OPCODE(d));
	enum dsa_status status = 0;

	*invalid_flags = 0;
	if ((flags_of(run) & DSA_FLAG_RECORD_VALID) && dsa_descriptor_RECORD(d) % DSA_RECORD_BYTES)
		return DSA_STATUS_RECORD_ALIGNMENT;
	if (!operation || (run->task == &run->job->child && !operation->in_batch))
		return DSA_STATUS_BAD_OPCODE;
	*invalid_flags = bad_flags(run, operation);
	if (*invalid_flags)
		return DSA_STATUS_BAD_FLAGS;
	for (unsigned i = 0; i < ARRAY_LEN(checks) && !status; i++)
		status = checks[i](run, operation);
	return status;
}

// SPDX-License-Identifier: MIT
/*
 * The operations (DSA chapter 8). Each function does one step: windows on its operands, the work
 * that they permit, and the account of it. The memory is shared with CPUs that may change it
 * meanwhile: nothing is read twice where that could matter.
 */
#include "hw/device/dsa_device.h"

#include <string.h>

static uint64_t left_of(const struct dsa_task *task)
{
	return dsa_descriptor_SIZE(&task->descriptor) - task->done;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* So much is worked on at once. */
static uint64_t piece_of(const struct dsa_task *task)
{
	return least(left_of(task), ENDPOINT_PIECE);
}

static uint32_t flags_of(const struct dsa_task *task)
{
	return (uint32_t)dsa_descriptor_FLAGS(&task->descriptor);
}

static enum dsa_step finish(struct dsa_task *task, enum dsa_status status)
{
	task->status = (uint8_t)status;
	return DSA_STEP_DONE;
}

/* len more bytes are done. */
static enum dsa_step advance(struct dsa_task *task, size_t len)
{
	task->done += len;
	return left_of(task) ? DSA_STEP_MORE : finish(task, DSA_STATUS_SUCCESS);
}

static struct dsa_operand source_at(const struct dsa_task *task)
{
	return (struct dsa_operand){dsa_descriptor_SOURCE(&task->descriptor) + task->done,
				    UNIT_READ};
}

static struct dsa_operand destination_at(const struct dsa_task *task, enum unit_access access)
{
	return (struct dsa_operand){dsa_descriptor_DESTINATION(&task->descriptor) + task->done,
				    access};
}

/* A drain has nothing to do once it is run: it was held back until it may. */
static enum dsa_step step_nothing(struct dsa_run *run)
{
	return finish(run->task, DSA_STATUS_SUCCESS);
}

/* Memory move */

static bool must_go_backward(const struct dsa_descriptor *d)
{
	uint64_t distance = dsa_descriptor_DESTINATION(d) - dsa_descriptor_SOURCE(d);

	return distance != 0 && distance < dsa_descriptor_SIZE(d);
}

/* Bytes between the begin of the page in which a range ends and its end. */
static uint64_t tail_of_page(uint64_t end)
{
	return (end - 1) % VSVA_PAGE_SIZE + 1;
}

/* The last piece that is left, so that source bytes are read before they are written over. */
static enum dsa_step step_backward(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	uint64_t source_end = dsa_descriptor_SOURCE(&task->descriptor) + left_of(task);
	uint64_t destination_end = dsa_descriptor_DESTINATION(&task->descriptor) + left_of(task);
	uint64_t len = least(left_of(task),
			     least(tail_of_page(source_end), tail_of_page(destination_end)));
	const struct dsa_operand operands[] = {{source_end - len, UNIT_READ},
					       {destination_end - len, UNIT_WRITE}};
	struct dma_window w[2];
	enum dsa_step step = dsa_windows(run, operands, 2, len, w);

	task->backward = true;
	if (step != DSA_STEP_MORE)
		return step;
	/* len does not cross a page, so the windows are whole */
	memmove(w[1].pointer, w[0].pointer, w[1].len);
	return advance(task, w[1].len);
}

/* What is left of windows when somebody waits for the read section is asked for anew. */
static size_t copy_pieces(struct dsa_run *run, const struct dma_window *w)
{
	size_t copied = endpoint_copy_pieces(w[1].pointer, w[0].pointer, w[1].len);

	run->job->cost -= w[1].len - copied;
	return copied;
}

static enum dsa_step step_move(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	const struct dsa_operand operands[] = {source_at(task), destination_at(task, UNIT_WRITE)};
	struct dma_window w[2];
	enum dsa_step step;

	if (must_go_backward(&task->descriptor))
		return step_backward(run);
	step = dsa_windows(run, operands, 2, left_of(task), w);
	if (step != DSA_STEP_MORE)
		return step;
	return advance(task, copy_pieces(run, w));
}

/* Fill */

/* The pattern as it lies in memory from a position on. */
static uint64_t pattern_at(uint64_t pattern, uint64_t position)
{
	unsigned shift = (unsigned)(position % 8) * 8;

	return shift ? pattern >> shift | pattern << (64 - shift) : pattern;
}

static enum dsa_step step_fill(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	const struct dsa_operand operand = destination_at(task, UNIT_WRITE);
	uint64_t pattern = pattern_at(dsa_descriptor_SOURCE(&task->descriptor), task->done);
	struct dma_window w;
	enum dsa_step step = dsa_windows(run, &operand, 1, piece_of(task), &w);
	unsigned char *to;

	if (step != DSA_STEP_MORE)
		return step;
	to = w.pointer;
	for (size_t i = 0; i < w.len; i += 8)
		memcpy(to + i, &pattern, least(8, w.len - i));
	return advance(task, w.len);
}

/* Comparisons */

/* DSA 8.3.5: with "check result" the answer is compared with what the descriptor expects. */
static enum dsa_step judge(struct dsa_task *task, bool different)
{
	uint64_t expected = dsa_descriptor_EXPECTED(&task->descriptor) & 1;

	task->result = different;
	if ((flags_of(task) & DSA_FLAG_CHECK_RESULT) && expected != different)
		return finish(task, DSA_STATUS_FALSE_PREDICATE);
	return finish(task, DSA_STATUS_SUCCESS);
}

/* same: bytes that are equal at the begin of a window of len. */
static enum dsa_step compared(struct dsa_task *task, size_t same, size_t len)
{
	task->done += same;
	if (same < len)
		return judge(task, true);
	return left_of(task) ? DSA_STEP_MORE : judge(task, false);
}

static size_t same_bytes(const unsigned char *a, const unsigned char *b, size_t len)
{
	size_t same = 0;

	if (!memcmp(a, b, len))
		return len;
	while (same < len && a[same] == b[same])
		same++;
	return same;
}

static enum dsa_step step_compare(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	const struct dsa_operand operands[] = {source_at(task), destination_at(task, UNIT_READ)};
	struct dma_window w[2];
	enum dsa_step step = dsa_windows(run, operands, 2, piece_of(task), w);

	if (step != DSA_STEP_MORE)
		return step;
	return compared(task, same_bytes(w[0].pointer, w[1].pointer, w[1].len), w[1].len);
}

static enum dsa_step step_compare_pattern(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	const struct dsa_operand operand = source_at(task);
	uint64_t pattern = pattern_at(dsa_descriptor_DESTINATION(&task->descriptor), task->done);
	struct dma_window w;
	enum dsa_step step = dsa_windows(run, &operand, 1, piece_of(task), &w);
	const unsigned char *from;
	size_t same = 0;

	if (step != DSA_STEP_MORE)
		return step;
	from = w.pointer;
	while (same < w.len && from[same] == (unsigned char)(pattern >> same % 8 * 8))
		same++;
	return compared(task, same, w.len);
}

/* Checksums */

/* DSA 8.3.14: the seed is in the descriptor, or in memory. */
static enum dsa_step read_seed(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	uint32_t seed = (uint32_t)dsa_descriptor_CRC_SEED(&task->descriptor);
	enum dsa_step step = DSA_STEP_MORE;

	if (flags_of(task) & DSA_FLAG_CRC_READ_SEED) {
		const struct dsa_operand operand = {dsa_descriptor_SEED_ADDRESS(&task->descriptor),
						    UNIT_READ};
		struct dma_window w;

		step = dsa_windows(run, &operand, 1, sizeof(seed), &w);
		if (step == DSA_STEP_MORE)
			memcpy(&seed, w.pointer, sizeof(seed));
	}
	if (step == DSA_STEP_MORE) {
		task->crc = dsa_crc_begin(seed, flags_of(task));
		task->seeded = true;
	}
	return step;
}

static enum dsa_step step_crc(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	const struct dsa_operand operand = source_at(task);
	struct dma_window w;
	enum dsa_step step;

	if (!task->seeded)
		return read_seed(run);
	step = dsa_windows(run, &operand, 1, piece_of(task), &w);
	if (step != DSA_STEP_MORE)
		return step;
	task->crc = dsa_crc_add(task->crc, flags_of(task), w.pointer, w.len);
	return advance(task, w.len);
}

static enum dsa_step step_copy_crc(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	const struct dsa_operand operands[] = {source_at(task), destination_at(task, UNIT_WRITE)};
	struct dma_window w[2];
	enum dsa_step step;

	if (!task->seeded)
		return read_seed(run);
	step = dsa_windows(run, operands, 2, piece_of(task), w);
	if (step != DSA_STEP_MORE)
		return step;
	memmove(w[1].pointer, w[0].pointer, w[1].len);
	task->crc = dsa_crc_add(task->crc, flags_of(task), w[1].pointer, w[1].len);
	return advance(task, w[1].len);
}

/* The rest */

static enum dsa_step step_dualcast(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	uint64_t second = dsa_descriptor_DESTINATION2(&task->descriptor) + task->done;
	const struct dsa_operand operands[] = {
		source_at(task), destination_at(task, UNIT_WRITE), {second, UNIT_WRITE}};
	struct dma_window w[3];
	enum dsa_step step = dsa_windows(run, operands, 3, piece_of(task), w);

	if (step != DSA_STEP_MORE)
		return step;
	memmove(w[1].pointer, w[0].pointer, w[2].len);
	memmove(w[2].pointer, w[0].pointer, w[2].len);
	return advance(task, w[2].len);
}

/* Memory here is coherent: what is left of a flush is that its addresses must translate. */
static enum dsa_step step_flush(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	const struct dsa_operand operand = destination_at(task, UNIT_READ);
	struct dma_window w;
	enum dsa_step step = dsa_windows(run, &operand, 1, piece_of(task), &w);

	return step == DSA_STEP_MORE ? advance(task, w.len) : step;
}

#define CRC_FLAGS                                                                                  \
	(DSA_FLAG_CRC_READ_SEED | DSA_FLAG_CRC_BYPASS_INVERSION | DSA_FLAG_CRC_BYPASS_REFLECTION)
#define USES_COPY (DSA_USES_SOURCE | DSA_USES_DESTINATION | DSA_USES_SIZE)

static const struct dsa_operation operations[] = {
	{DSA_OP_NOOP, true, 0, 0, step_nothing},
	{DSA_OP_BATCH, false, 0, DSA_USES_SOURCE | DSA_USES_SIZE, dsa_batch_step},
	{DSA_OP_DRAIN, false, 0, 0, step_nothing},
	{DSA_OP_MOVE, true, DSA_FLAG_CACHE_CONTROL, USES_COPY, step_move},
	{DSA_OP_FILL, true, DSA_FLAG_CACHE_CONTROL, USES_COPY, step_fill},
	{DSA_OP_COMPARE, true, DSA_FLAG_CHECK_RESULT, USES_COPY | DSA_USES_EXPECTED, step_compare},
	{DSA_OP_COMPARE_PATTERN, true, DSA_FLAG_CHECK_RESULT, USES_COPY | DSA_USES_EXPECTED,
	 step_compare_pattern},
	{DSA_OP_DUALCAST, true, DSA_FLAG_CACHE_CONTROL, USES_COPY | DSA_USES_DESTINATION2,
	 step_dualcast},
	{DSA_OP_CRC, true, CRC_FLAGS, DSA_USES_SOURCE | DSA_USES_SIZE | DSA_USES_CRC, step_crc},
	{DSA_OP_COPY_CRC, true, CRC_FLAGS | DSA_FLAG_CACHE_CONTROL, USES_COPY | DSA_USES_CRC,
	 step_copy_crc},
	{DSA_OP_CACHE_FLUSH, true, DSA_FLAG_CACHE_CONTROL, DSA_USES_DESTINATION | DSA_USES_SIZE,
	 step_flush},
};

const struct dsa_operation *dsa_operation_find(unsigned opcode)
{
	for (unsigned i = 0; i < ARRAY_LEN(operations); i++)
		if (operations[i].opcode == opcode)
			return &operations[i];
	return NULL;
}

void dsa_operations_bitmap(uint64_t bitmap[4])
{
	memset(bitmap, 0, 4 * sizeof(bitmap[0]));
	for (unsigned i = 0; i < ARRAY_LEN(operations); i++)
		bitmap[operations[i].opcode / 64] |= UINT64_C(1) << operations[i].opcode % 64;
}

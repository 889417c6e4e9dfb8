/* SPDX-License-Identifier: MIT */
/*
 * Two VMs on one accelerator: each has a mediated device and the same guest PASID. Their data is
 * right, every access is theirs (the ledger judges), and what one does or does not do is nothing to
 * the other.
 */
#include <errno.h>
#include <string.h>

#include "watch.h"

#include "base/alloc.h"
#include "vsva/dsa.h"
#include "vsva/guest.h"
#include "vsva/mdev.h"

#define PASID 5u
#define LEN   (3 * VSVA_PAGE_SIZE + 100)
#define AREA  (4 * VSVA_PAGE_SIZE)

enum { CONFIG_DEVICE_CONTROL = 0x48, FLR = 0x8000, CMD = 0xa0, CMDSTS = 0xa8, WQCFG = 0x500 };
enum { COMMAND_DISABLE_WQ = 7, COMMAND_DRAIN_WQ = 8, COMMAND_DRAIN_PASID = 11 };

struct side {
	struct vsva_guest *guest;
	struct vsva_mdev *mdev;
	struct vsva_guest_device *device;
	struct vsva_process *process;
	bool shared;
};

struct pair {
	struct ledger *ledger;
	struct vsva_machine *machine;
	struct vsva_device *dsa;
	struct vsva_vdcm *vdcm;
	struct side side[2];
};

static void observe(void *ledger, const struct vsva_event *event)
{
	ledger_observe(ledger, event);
}

static void side_start(struct pair *p, struct side *side, const struct vsva_guest_options *options,
		       enum vsva_mdev_type type)
{
	side->shared = type == VSVA_MDEV_SHARED;
	assert_int_equal(vsva_guest_create(p->machine, options, &side->guest), 0);
	assert_int_equal(vsva_mdev_create(p->vdcm, type, &side->mdev), 0);
	assert_int_equal(vsva_guest_add_mdev(side->guest, side->mdev, rid(0x30), &side->device), 0);
}

static void side_bind(struct side *side)
{
	assert_int_equal(vsva_process_create(side->guest, &side->process), 0);
	assert_int_equal(vsva_process_bind(side->process, side->device), 0);
}

static void pair_machine(struct pair *p, const struct vsva_machine_options *wanted)
{
	struct vsva_machine_options options = *wanted;
	struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};

	memset(p, 0, sizeof(*p));
	p->ledger = watch_begin();
	options.observer = observe;
	options.observer_arg = p->ledger;
	assert_int_equal(vsva_machine_create(&options, &p->machine), 0);
	assert_int_equal(vsva_device_create(p->machine, &dsa, &p->dsa), 0);
	assert_int_equal(vsva_vdcm_create(p->dsa, &p->vdcm), 0);
}

static void pair_create(struct pair *p, enum vsva_cache_policy policy, enum vsva_mdev_type first,
			enum vsva_mdev_type second)
{
	struct vsva_machine_options machine = {.cache_policy = policy, .seed = 3};
	struct vsva_guest_options options = {.first_pasid = PASID};

	pair_machine(p, &machine);
	side_start(p, &p->side[0], &options, first);
	side_start(p, &p->side[1], &options, second);
	side_bind(&p->side[0]);
	side_bind(&p->side[1]);
}

static void pair_destroy(struct pair *p)
{
	struct vsva_iommu_stats stats;

	for (int i = 0; i < 2; i++) {
		vsva_guest_destroy(p->side[i].guest);
		assert_int_equal(vsva_mdev_destroy(p->side[i].mdev), 0);
	}
	assert_int_equal(vsva_vdcm_destroy(p->vdcm), 0);
	vsva_machine_run_idle(p->machine, 100000);
	vsva_iommu_get_stats(vsva_machine_iommu(p->machine), &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.requests_pending_now, 0);
	vsva_machine_destroy(p->machine);
	watch_end(p->ledger);
}

/* Work */

static gva_t buffer(struct side *side, uint8_t seed)
{
	uint8_t bytes[LEN];
	gva_t address;

	for (unsigned i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(seed + i * 7);
	assert_int_equal(vsva_process_mmap(side->process, gva(0), AREA, true, false, &address), 0);
	assert_int_equal(vsva_process_write(side->process, address, bytes, LEN), 0);
	return address;
}

static gva_t empty(struct side *side)
{
	gva_t address;

	assert_int_equal(vsva_process_mmap(side->process, gva(0), AREA, true, false, &address), 0);
	return address;
}

static void expect_content(struct side *side, gva_t address, uint8_t seed)
{
	uint8_t bytes[LEN];

	assert_int_equal(vsva_process_read(side->process, address, bytes, LEN), 0);
	for (unsigned i = 0; i < LEN; i++)
		assert_int_equal(bytes[i], (uint8_t)(seed + i * 7));
}

static struct vsva_dsa_descriptor move(gva_t from, gva_t to, gva_t completion)
{
	return (struct vsva_dsa_descriptor){
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_COMPLETION_VALID |
				VSVA_DSA_REQUEST_COMPLETION | VSVA_DSA_BLOCK_ON_FAULT,
		.completion = completion.v,
		.source = from.v,
		.destination = to.v,
		.size = LEN,
	};
}

static gva_t submit(struct side *side, gva_t from, gva_t to)
{
	gva_t completion = empty(side);
	struct vsva_dsa_descriptor d = move(from, to, completion);

	assert_int_equal(vsva_process_submit(side->process, side->device, &d, side->shared), 0);
	return completion;
}

/* Copies into pages that are not there yet. */
static void copy(struct side *side, uint8_t seed)
{
	gva_t from = buffer(side, seed), to = empty(side);
	gva_t completion = submit(side, from, to);

	assert_int_equal(vsva_process_wait(side->process, completion, NULL), VSVA_DSA_SUCCESS);
	expect_content(side, to, seed);
}

static uint64_t reg(struct side *side, uint64_t offset)
{
	uint64_t value = 0;

	assert_int_equal(
		vsva_assigned_read(vsva_guest_device_assigned(side->device), 0, offset, 4, &value),
		0);
	return value;
}

static uint64_t command(struct side *side, uint32_t code, uint32_t operand)
{
	assert_int_equal(vsva_assigned_write(vsva_guest_device_assigned(side->device), 0, CMD, 4,
					     code << 20 | operand),
			 0);
	return reg(side, CMDSTS);
}

/* Two VMs with guest PASID 5 */

static void in_every_policy(void (*func)(enum vsva_cache_policy policy))
{
	for (unsigned policy = VSVA_CACHE_LRU; policy <= VSVA_CACHE_ADVERSARIAL; policy++)
		func((enum vsva_cache_policy)policy);
}

static void copies_of_both(struct pair *p)
{
	hpasid_t host[2];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(vsva_process_pasid(p->side[i].process).v, PASID);
		assert_int_equal(
			vsva_vm_hpasid(vsva_guest_vm(p->side[i].guest), gpasid(PASID), &host[i]),
			0);
	}
	assert_int_not_equal(host[0].v, host[1].v);
	for (uint8_t round = 0; round < 3; round++)
		for (int i = 0; i < 2; i++)
			copy(&p->side[i], (uint8_t)(16 * i + round));
}

static void dedicated(enum vsva_cache_policy policy)
{
	struct pair p;

	pair_create(&p, policy, VSVA_MDEV_DEDICATED, VSVA_MDEV_DEDICATED);
	copies_of_both(&p);
	pair_destroy(&p);
}

static void test_two_vms_dedicated(void **state)
{
	(void)state;
	in_every_policy(dedicated);
}

static void shared(enum vsva_cache_policy policy)
{
	struct pair p;

	pair_create(&p, policy, VSVA_MDEV_SHARED, VSVA_MDEV_SHARED);
	copies_of_both(&p);
	pair_destroy(&p);
}

static void test_two_vms_shared_by_enqcmd(void **state)
{
	(void)state;
	in_every_policy(shared);
}

static void mixed(enum vsva_cache_policy policy)
{
	struct pair p;

	pair_create(&p, policy, VSVA_MDEV_DEDICATED, VSVA_MDEV_SHARED);
	copies_of_both(&p);
	pair_destroy(&p);
}

static void test_one_of_each(void **state)
{
	(void)state;
	in_every_policy(mixed);
}

/* Both at work at once, answers in any order. */
static void at_once(enum vsva_cache_policy policy)
{
	struct pair p;
	gva_t to[2][8], completion[2][8];

	pair_create(&p, policy, VSVA_MDEV_DEDICATED, VSVA_MDEV_SHARED);
	for (int job = 0; job < 8; job++)
		for (int i = 0; i < 2; i++) {
			to[i][job] = empty(&p.side[i]);
			completion[i][job] =
				submit(&p.side[i], buffer(&p.side[i], (uint8_t)(job + 40 * i)),
				       to[i][job]);
		}
	for (int job = 0; job < 8; job++)
		for (int i = 0; i < 2; i++) {
			assert_int_equal(
				vsva_process_wait(p.side[i].process, completion[i][job], NULL),
				VSVA_DSA_SUCCESS);
			expect_content(&p.side[i], to[i][job], (uint8_t)(job + 40 * i));
		}
	pair_destroy(&p);
}

static void test_both_at_once(void **state)
{
	(void)state;
	in_every_policy(at_once);
}

/* A pointer of the other VM's is an address like any other: of one's own, or of nothing. */
static void test_pointers_are_ones_own(void **state)
{
	struct pair p;
	gva_t theirs, completion, mine;
	struct vsva_dsa_completion record;

	(void)state;
	pair_create(&p, VSVA_CACHE_ADVERSARIAL, VSVA_MDEV_DEDICATED, VSVA_MDEV_DEDICATED);
	for (int i = 0; i < 8; i++)
		theirs = buffer(&p.side[1], 99); /* beyond what this side has */
	copy(&p.side[1], 3);
	mine = empty(&p.side[0]);
	completion = submit(&p.side[0], theirs, mine);
	assert_int_equal(vsva_process_wait(p.side[0].process, completion, &record),
			 VSVA_DSA_PAGE_REQUEST_INVALID);
	assert_int_equal(record.fault_address & ~UINT64_C(0xfff), theirs.v & ~UINT64_C(0xfff));
	pair_destroy(&p);
}

/* Requests without PASID: each through its own tables. */
static void kernel_dma(enum vsva_cache_policy policy)
{
	struct pair p;
	uint64_t iova[2];
	gpa_t memory[2];
	uint64_t word;

	pair_create(&p, policy, VSVA_MDEV_DEDICATED, VSVA_MDEV_DEDICATED);
	for (int i = 0; i < 2; i++) {
		struct vsva_assigned *a = vsva_guest_device_assigned(p.side[i].device);

		assert_int_equal(vsva_guest_dma_alloc(p.side[i].device, VSVA_PAGE_SIZE, &iova[i],
						      &memory[i]),
				 0);
		/* the queue without PASID: dedicated, priority, 16 entries */
		vsva_assigned_write(a, 0, WQCFG + 8, 4, 1 | 10 << 4);
		assert_int_equal(command(&p.side[i], 6, 0), 0);
	}
	for (int i = 0; i < 2; i++) {
		struct vsva_dsa_descriptor fill = {
			.flags_opcode = (uint32_t)VSVA_DSA_FILL << 24 | VSVA_DSA_COMPLETION_VALID |
					VSVA_DSA_REQUEST_COMPLETION,
			.completion = iova[i],
			.source = 0x1111111111111111u * (unsigned)(i + 1),
			.destination = iova[i] + 64,
			.size = 64,
		};

		assert_int_equal(
			vsva_assigned_movdir64b(vsva_guest_device_assigned(p.side[i].device),
						0x1000, &fill),
			0);
		vsva_machine_run_idle(p.machine, 10000);
		vsva_vm_read(vsva_guest_vm(p.side[i].guest), memory[i], &word, 1);
		assert_int_equal((uint8_t)word, VSVA_DSA_SUCCESS);
		vsva_vm_read(vsva_guest_vm(p.side[i].guest), gpa(memory[i].v + 64), &word, 8);
		assert_int_equal(word, 0x1111111111111111u * (unsigned)(i + 1));
		/* what the kernel has not mapped faults, in its own VM */
		fill.destination = iova[i] + 0x100000;
		vsva_assigned_movdir64b(vsva_guest_device_assigned(p.side[i].device), 0x1000,
					&fill);
		vsva_machine_run_idle(p.machine, 10000);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			vsva_guest_dma_free(p.side[i].device, iova[i], memory[i], VSVA_PAGE_SIZE),
			0);
		command(&p.side[i], COMMAND_DISABLE_WQ, 1);
	}
	pair_destroy(&p);
}

static void test_requests_without_pasid(void **state)
{
	(void)state;
	in_every_policy(kernel_dma);
}

/* One that hangs */

/* The first guest never answers; what waits for it in the accelerator holds nobody up. */
static void hung_beside_good(enum vsva_cache_policy policy, enum vsva_mdev_type type)
{
	struct vsva_machine_options machine = {.cache_policy = policy, .seed = 3};
	struct vsva_guest_options hung = {.first_pasid = PASID, .silent_handler = true};
	struct vsva_guest_options good = {.first_pasid = PASID};
	struct pair p;
	gva_t from;

	pair_machine(&p, &machine);
	side_start(&p, &p.side[0], &hung, type);
	side_start(&p, &p.side[1], &good, type);
	side_bind(&p.side[0]);
	side_bind(&p.side[1]);
	from = buffer(&p.side[0], 1);
	submit(&p.side[0], from, empty(&p.side[0]));
	vsva_machine_run_idle(p.machine, 10000);
	assert_true(command(&p.side[0], COMMAND_DRAIN_WQ, 1) >> 31);
	for (int round = 0; round < 2; round++) {
		copy(&p.side[1], (uint8_t)round);
		/* a process that goes: drain, disable, unbind */
		vsva_process_exit(p.side[1].process);
		side_bind(&p.side[1]);
		assert_int_equal(command(&p.side[1], COMMAND_DRAIN_WQ, 1), 0);
	}
	copy(&p.side[1], 77);
	assert_int_equal(vsva_guest_reboot(p.side[1].guest), 0);
	side_bind(&p.side[1]);
	copy(&p.side[1], 78);
	assert_true(reg(&p.side[0], CMDSTS) >> 31);
	pair_destroy(&p);
}

static void hung_dedicated(enum vsva_cache_policy policy)
{
	hung_beside_good(policy, VSVA_MDEV_DEDICATED);
}

static void hung_shared(enum vsva_cache_policy policy)
{
	hung_beside_good(policy, VSVA_MDEV_SHARED);
}

static void test_hung_guest_delays_nobody(void **state)
{
	(void)state;
	in_every_policy(hung_dedicated);
	in_every_policy(hung_shared);
}

/* Deaths */

enum death { DEATH_KILL, DEATH_REBOOT, DEATH_FLR, DEATH_REMOVE, DEATH_COUNT };

static void die(struct pair *p, struct side *side, enum death death)
{
	switch (death) {
	case DEATH_KILL:
		vsva_guest_destroy(side->guest);
		side->guest = NULL;
		break;
	case DEATH_REBOOT:
		assert_int_equal(vsva_guest_reboot(side->guest), 0);
		break;
	case DEATH_FLR:
		vsva_assigned_config_write(vsva_guest_device_assigned(side->device),
					   CONFIG_DEVICE_CONTROL, 2, FLR);
		break;
	default:
		assert_int_equal(vsva_guest_remove_device(side->device), 0);
		break;
	}
	(void)p;
}

/* With work that waits, with a drain that waits for it; the other one works on, and the queue has a
 * next owner. */
static void one_dies(enum vsva_cache_policy policy, enum vsva_mdev_type type, enum death death)
{
	struct vsva_guest_options options = {.first_pasid = PASID};
	struct vsva_guest_options hung = {.first_pasid = PASID, .silent_handler = true};
	struct vsva_machine_options machine = {.cache_policy = policy, .seed = 3};
	struct pair p;
	struct side next = {0};

	pair_machine(&p, &machine);
	side_start(&p, &p.side[0], &hung, type);
	side_start(&p, &p.side[1], &options, type);
	side_bind(&p.side[0]);
	side_bind(&p.side[1]);
	submit(&p.side[0], buffer(&p.side[0], 1), empty(&p.side[0]));
	vsva_machine_run_idle(p.machine, 10000);
	command(&p.side[0], COMMAND_DRAIN_WQ, 1);
	die(&p, &p.side[0], death);
	copy(&p.side[1], 9);
	vsva_guest_destroy(p.side[0].guest);
	p.side[0].guest = NULL;
	assert_int_equal(vsva_mdev_destroy(p.side[0].mdev), 0);
	/* the same queue again, for another VM: nothing of the first is in it */
	side_start(&p, &next, &options, type);
	side_bind(&next);
	copy(&next, 21);
	copy(&p.side[1], 22);
	p.side[0] = next;
	pair_destroy(&p);
}

static void every_death(enum vsva_cache_policy policy)
{
	for (unsigned death = 0; death < DEATH_COUNT; death++) {
		one_dies(policy, VSVA_MDEV_DEDICATED, (enum death)death);
		one_dies(policy, VSVA_MDEV_SHARED, (enum death)death);
	}
}

static void test_one_dies_the_other_works_on(void **state)
{
	(void)state;
	in_every_policy(every_death);
}

/* Scenario: unbinding the driver while PASIDs are active crashed the host. Here the parent does not go
 * while somebody has a part of it, and pulled out it takes nobody along. */
static void test_parent_does_not_go_under_its_children(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned type = VSVA_MDEV_DEDICATED; type <= VSVA_MDEV_SHARED; type++) {
		pair_create(&p, VSVA_CACHE_LRU, (enum vsva_mdev_type)type,
			    (enum vsva_mdev_type)type);
		copy(&p.side[0], 1);
		assert_int_equal(vsva_vdcm_destroy(p.vdcm), -EBUSY);
		assert_int_equal(vsva_device_destroy(p.dsa), -EBUSY);
		assert_int_equal(vsva_mdev_destroy(p.side[0].mdev), -EBUSY);
		copy(&p.side[0], 2);
		submit(&p.side[0], buffer(&p.side[0], 3), empty(&p.side[0]));
		vsva_device_set_gone(p.dsa, true);
		for (int i = 0; i < 2; i++)
			vsva_guest_remove_device(p.side[i].device);
		pair_destroy(&p);
	}
}

/* Freed before it is unbound, by the guest's virtual command, under both policies. */
static void freed_first(enum vsva_mdev_type type, bool with_work)
{
	struct vsva_machine_options machine = {.cache_policy = VSVA_CACHE_ADVERSARIAL, .seed = 5};
	struct vsva_guest_options options = {.use_vcmd = true, .silent_handler = with_work};
	struct pair p;
	hpasid_t host;

	pair_machine(&p, &machine);
	side_start(&p, &p.side[0], &options, type);
	options.silent_handler = false;
	side_start(&p, &p.side[1], &options, type);
	side_bind(&p.side[0]);
	side_bind(&p.side[1]);
	if (with_work) {
		submit(&p.side[0], buffer(&p.side[0], 1), empty(&p.side[0]));
		vsva_machine_run_idle(p.machine, 10000);
	} else {
		copy(&p.side[0], 4);
	}
	assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(p.side[0].guest),
					vsva_process_pasid(p.side[0].process), &host),
			 0);
	vsva_guest_mmio_write(p.side[0].guest, 0xe00, 8,
			      (uint64_t)vsva_process_pasid(p.side[0].process).v << 16 | 2);
	vsva_machine_run_idle(p.machine, 100000);
	assert_int_equal(
		vsva_ioasid_state_of(vsva_iommu_ioasid_space(vsva_machine_iommu(p.machine)), host,
				     NULL),
		VSVA_IOASID_FREE);
	copy(&p.side[1], 5);
	pair_destroy(&p);
}

static void test_freed_by_the_guest_while_in_use(void **state)
{
	(void)state;
	for (int with_work = 0; with_work < 2; with_work++) {
		freed_first(VSVA_MDEV_DEDICATED, with_work);
		freed_first(VSVA_MDEV_SHARED, with_work);
	}
}

/* Every fallible step of giving it to a VM, binding and submitting fails once, and for good: an error,
 * nothing kept, and then it works. */
static int add_and_work(struct pair *p, struct side *side, uint64_t nth, int stuck)
{
	struct vsva_dsa_descriptor noop = {.flags_opcode = (uint32_t)VSVA_DSA_NOOP << 24};
	int err;

	assert_int_equal(vsva_process_create(side->guest, &side->process), 0);
	fail_nth_set(nth, stuck);
	err = vsva_guest_add_mdev(side->guest, side->mdev, rid(0x30), &side->device);
	if (!err) {
		err = vsva_process_bind(side->process, side->device);
		if (!err)
			err = vsva_process_submit(side->process, side->device, &noop, side->shared);
		fail_nth_set(0, 0);
		vsva_guest_remove_device(side->device);
	}
	fail_nth_set(0, 0);
	vsva_process_exit(side->process);
	vsva_machine_run_idle(p->machine, 100000);
	return err;
}

/* The last steps are answers of the parent: one that does not answer is out of order, for both sides. */
static uint64_t add_until_it_works(struct pair *p, int stuck)
{
	struct vsva_vm_stats stats;
	uint64_t nth = 1;
	int err;

	while ((err = add_and_work(p, &p->side[0], nth, stuck)) && err != -EIO && err != -ENODEV) {
		vsva_vm_get_stats(vsva_guest_vm(p->side[0].guest), &stats);
		assert_int_equal(stats.pasids_now, 0);
		assert_int_equal(stats.bound_now, 0);
		assert_int_equal(add_and_work(p, &p->side[0], 0, 0), 0);
		copy(&p->side[1], (uint8_t)nth);
		assert_true(nth++ < 1000);
	}
	return nth;
}

static void adding_fails(enum vsva_mdev_type type, int stuck)
{
	struct vsva_machine_options machine = {.seed = 3};
	struct vsva_guest_options options = {.first_pasid = PASID};
	struct pair p;

	pair_machine(&p, &machine);
	for (int i = 0; i < 2; i++)
		side_start(&p, &p.side[i], &options, type);
	assert_int_equal(vsva_guest_remove_device(p.side[0].device), 0);
	side_bind(&p.side[1]);
	assert_true(add_until_it_works(&p, stuck) > 4);
	pair_destroy(&p);
}

static void test_adding_fails_at_every_step(void **state)
{
	(void)state;
	for (int stuck = 0; stuck < 2; stuck++) {
		adding_fails(VSVA_MDEV_DEDICATED, stuck);
		adding_fails(VSVA_MDEV_SHARED, stuck);
	}
}

/* A hostile one */

static uint64_t random_state = 88172645463325252u;

static uint64_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void hostile_step(struct side *side)
{
	struct vsva_assigned *a = vsva_guest_device_assigned(side->device);
	uint64_t value = rnd() & rnd(), words[8];

	switch (rnd() % 8) {
	case 0:
		vsva_assigned_write(a, 0, (rnd() % 0x1000) & ~UINT64_C(3), 4, value);
		break;
	case 1:
		vsva_assigned_write(a, 0, CMD, 4,
				    (rnd() % 32) << 20 | (rnd() & rnd() & 0x8000001f));
		break;
	case 2:
		vsva_assigned_write(a, 0, WQCFG + 8 * (rnd() % 4), 8, rnd() & rnd());
		break;
	case 3:
		vsva_assigned_config_write(a, (uint32_t)(rnd() % 0x180) & ~3u, 4, (uint32_t)value);
		break;
	case 4:
		vsva_assigned_write(a, 2, (rnd() % 0x4000) & ~UINT64_C(7), 8, rnd());
		break;
	case 5:
		vsva_assigned_config_write(a, 4, 2, 6);
		vsva_assigned_config_write(a, 0x146, 2, 1);
		break;
	default:
		for (int i = 0; i < 8; i++)
			words[i] = rnd();
		words[0] = (words[0] & 0x80ffffffffffffff) | (rnd() % 8) << 56;
		words[4] &= 0xffff0000000fffff;
		vsva_assigned_movdir64b(a, (rnd() % 0x4000) & ~UINT64_C(63), words);
		vsva_assigned_enqcmd(a, (rnd() % 0x4000) & ~UINT64_C(63),
				     (uint32_t)rnd() % 16 | 1u << 31, words);
		break;
	}
	vsva_assigned_read(a, 0, (rnd() % 0x4000) & ~UINT64_C(7), 8, &value);
}

static void hostile(enum vsva_cache_policy policy)
{
	struct pair p;

	for (unsigned type = VSVA_MDEV_DEDICATED; type <= VSVA_MDEV_SHARED; type++) {
		pair_create(&p, policy, (enum vsva_mdev_type)type, VSVA_MDEV_DEDICATED);
		ledger_set_opaque(p.ledger, vsva_vm_number(vsva_guest_vm(p.side[0].guest)));
		for (int round = 0; round < 10; round++) {
			for (int step = 0; step < 200; step++)
				hostile_step(&p.side[0]);
			copy(&p.side[1], (uint8_t)round);
		}
		pair_destroy(&p);
	}
}

static void test_hostile_guest_beside_a_good_one(void **state)
{
	(void)state;
	in_every_policy(hostile);
}

/* With threads */

static void test_two_vms_with_threads(void **state)
{
	struct vsva_machine_options machine = {.threads = true, .seed = 3};
	struct vsva_guest_options options = {.first_pasid = PASID};
	struct vsva_guest_options hung = {.first_pasid = PASID, .silent_handler = true};
	struct pair p;
	struct side third = {0};

	(void)state;
	pair_machine(&p, &machine);
	side_start(&p, &p.side[0], &options, VSVA_MDEV_DEDICATED);
	side_start(&p, &p.side[1], &options, VSVA_MDEV_SHARED);
	side_start(&p, &third, &hung, VSVA_MDEV_DEDICATED);
	side_bind(&p.side[0]);
	side_bind(&p.side[1]);
	side_bind(&third);
	submit(&third, buffer(&third, 1), empty(&third));
	assert_true(command(&third, COMMAND_DRAIN_WQ, 1) >> 31);
	for (uint8_t round = 0; round < 20; round++)
		for (int i = 0; i < 2; i++) {
			copy(&p.side[i], round);
			if (round % 5)
				continue;
			vsva_process_exit(p.side[i].process);
			side_bind(&p.side[i]);
		}
	vsva_guest_destroy(third.guest);
	assert_int_equal(vsva_mdev_destroy(third.mdev), 0);
	pair_destroy(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_vms_dedicated),
		cmocka_unit_test(test_two_vms_shared_by_enqcmd),
		cmocka_unit_test(test_one_of_each),
		cmocka_unit_test(test_both_at_once),
		cmocka_unit_test(test_pointers_are_ones_own),
		cmocka_unit_test(test_requests_without_pasid),
		cmocka_unit_test(test_hung_guest_delays_nobody),
		cmocka_unit_test(test_one_dies_the_other_works_on),
		cmocka_unit_test(test_parent_does_not_go_under_its_children),
		cmocka_unit_test(test_freed_by_the_guest_while_in_use),
		cmocka_unit_test(test_adding_fails_at_every_step),
		cmocka_unit_test(test_hostile_guest_beside_a_good_one),
		cmocka_unit_test(test_two_vms_with_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

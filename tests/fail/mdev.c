// SPDX-License-Identifier: MIT
/* vsva/mdev.h */
#include "trial.h"

RUN(vdcm_create)
{
	return vsva_vdcm_create(w->accelerator, &w->vdcm);
}

RUN(vdcm_destroy)
{
	int err = vsva_vdcm_destroy(w->vdcm);

	w->vdcm = NULL;
	/* who has the device next: one that did not answer was reset */
	vsva_device_reset_config(w->accelerator);
	return err;
}

static void undo_vdcm_create(struct fail_world *w)
{
	assert_int_equal(run_vdcm_destroy(w), 0);
}

RUN(mdev_type_parse)
{
	enum vsva_mdev_type type;

	(void)w;
	return vsva_mdev_type_parse("1dwq", &type);
}

RUN(mdev_create)
{
	return vsva_mdev_create(w->vdcm, VSVA_MDEV_SHARED, &w->mdev);
}

RUN(mdev_destroy)
{
	int err = vsva_mdev_destroy(w->mdev);

	w->mdev = NULL;
	return err;
}

static void undo_mdev_create(struct fail_world *w)
{
	assert_int_equal(run_mdev_destroy(w), 0);
}

RUN(mdev_open)
{
	struct vsva_mdev_owner owner = {.set = w->set};
	int err = vsva_mdev_open(w->mdev, &owner);

	w->is_mdev_open = !err;
	return err;
}

RUN(mdev_close)
{
	vsva_mdev_close(w->mdev);
	w->is_mdev_open = false;
	return 0;
}

static void undo_open(struct fail_world *w)
{
	run_mdev_close(w);
}

static void setup_open(struct fail_world *w)
{
	world_mdev(w);
	world_set(w);
}

RUN(mdev_reset)
{
	vsva_mdev_reset(w->mdev);
	return 0;
}

RUN(mdev_read)
{
	uint64_t value;

	return vsva_mdev_read(w->mdev, 0, 0, 8, &value);
}

RUN(mdev_write)
{
	return vsva_mdev_write(w->mdev, 0, 0x80, 4, 0);
}

RUN(mdev_portal_write)
{
	static const unsigned char descriptor[64];

	return vsva_mdev_portal_write(w->mdev, 0, descriptor, false);
}

RUN(mdev_config_read)
{
	uint32_t value;

	return vsva_mdev_config_read(w->mdev, 0, 4, &value);
}

RUN(mdev_config_write)
{
	return vsva_mdev_config_write(w->mdev, 4, 2, 0x6);
}

const struct trial mdev_trials[] = {
	UNDONE(vdcm_create, world_accelerator, undo_vdcm_create,
	       MAY_NOMEM | MAY_NOSPC | MAY_AGAIN | MAY_TIMEDOUT | MAY_NODEV),
	DONE(vdcm_destroy, world_vdcm, 0),
	NO_STEP(mdev_type_parse, world_bare, NULL),
	UNDONE(mdev_create, world_vdcm, undo_mdev_create, MAY_NOMEM | MAY_NOSPC),
	NO_STEP(mdev_destroy, world_mdev, NULL),
	UNDONE(mdev_open, setup_open, undo_open, MAY_NOMEM),
	NO_STEP(mdev_close, world_mdev_open, NULL),
	NO_STEP(mdev_reset, world_mdev_open, NULL),
	NO_STEP(mdev_read, world_mdev_open, NULL),
	NO_STEP(mdev_write, world_mdev_open, NULL),
	NO_STEP(mdev_portal_write, world_mdev_open, NULL),
	NO_STEP(mdev_config_read, world_mdev_open, NULL),
	NO_STEP(mdev_config_write, world_mdev_open, NULL),
	{.function = NULL},
};

/* SPDX-License-Identifier: MIT */
/*
 * A guest without a driver: a VM whose tables, queue and registers the test writes itself, with an
 * observer that keeps what the host did about it.
 */
#ifndef TESTS_VMM_RAW_GUEST_H
#define TESTS_VMM_RAW_GUEST_H

#include "watch.h"

#include "vsva/device.h"
#include "vsva/vm.h"
#include "vtd/descriptors.h"
#include "vtd/faults.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

#define RAW_RAM      (UINT64_C(8) << 20)
#define RAW_DEVICES  2u
#define RAW_EVENTS   4096u
#define RAW_NO_PASID VSVA_PASID_INVALID

enum { RAW_MSI_FAULT = 1, RAW_MSI_QUEUE = 2, RAW_MSI_PAGE = 3, RAW_MSI_END };

struct raw_device {
	struct vsva_device *device;
	struct vsva_assigned *assigned;
	rid_t rid; /* as the guest sees it */
	gpa_t directory;
};

struct raw_guest {
	struct ledger *ledger; /* watches; judges at the end */
	struct vsva_machine *machine;
	struct vsva_vm *vm;
	struct raw_device device[RAW_DEVICES];
	uint8_t *ram;
	uint64_t next_page;
	gpa_t root, queue, status, prq;
	uint32_t tail;
	uint32_t wait_data;
	unsigned msi[RAW_MSI_END];
	struct vsva_event events[RAW_EVENTS];
	unsigned event_count;
};

struct raw_options {
	uint64_t seed; /* order of workers; 0: a default */
	bool dsa;      /* accelerators instead of test engines */
	enum vsva_cache_policy policy;
	struct vsva_vm_options vm;
	bool no_pri; /* the guest leaves PRI off */
	bool no_ats;
};

/* VM with memory and two devices; nothing programmed. options NULL: two test engines. */
void raw_create(struct raw_guest *raw, const struct raw_options *options);
/* Root table, queue, page-request queue, events, PASID directories with context entries; TE on. */
void raw_boot(struct raw_guest *raw, const struct raw_options *options);
/* Everything must have been returned: asserts it. */
void raw_destroy(struct raw_guest *raw);

/* 2^order zeroed pages */
gpa_t raw_pages(struct raw_guest *raw, unsigned order);
void *raw_memory(struct raw_guest *raw, gpa_t address);

uint64_t raw_reg(struct raw_guest *raw, uint32_t offset, unsigned size);
void raw_set_reg(struct raw_guest *raw, uint32_t offset, unsigned size, uint64_t value);
/* GCMD bit, and runs until it is done. */
void raw_command(struct raw_guest *raw, uint64_t bit, bool set);

/* Puts a descriptor in the queue and runs until it was executed. */
void raw_submit(struct raw_guest *raw, const struct vtd_desc *descriptor);
/* Puts it there and moves the tail. */
void raw_post(struct raw_guest *raw, const struct vtd_desc *descriptor);
void raw_wait(struct raw_guest *raw, bool drain);
void raw_run(struct raw_guest *raw);

struct vtd_desc raw_pasid_cache(unsigned granularity, uint32_t pasid, uint16_t domain);
struct vtd_desc raw_pasid_iotlb(uint32_t pasid, uint16_t domain);
struct vtd_desc raw_pasid_iotlb_page(uint32_t pasid, uint16_t domain, uint64_t address,
				     unsigned am);
struct vtd_desc raw_device_tlb(rid_t source, uint64_t address, unsigned lg2_pages);
struct vtd_desc raw_pasid_device_tlb(rid_t source, uint32_t pasid, uint64_t address,
				     unsigned lg2_pages);
struct vtd_desc raw_context_device(rid_t source);
struct vtd_desc raw_response(rid_t source, uint32_t pasid, uint16_t prgi, unsigned code);
void raw_flush_pasid(struct raw_guest *raw, uint32_t pasid);

/* Tables */
struct vtd_context_entry *raw_context(struct raw_guest *raw, const struct raw_device *device);
struct vtd_pasid_entry *raw_entry(struct raw_guest *raw, const struct raw_device *device,
				  uint32_t pasid);
/* A first-stage entry with this root and domain id. */
void raw_set_first_stage(struct vtd_pasid_entry *entry, gpa_t root, uint16_t domain);
void raw_set_pass_through(struct vtd_pasid_entry *entry, uint16_t domain);
void raw_clear(struct vtd_pasid_entry *entry);
gpa_t raw_page_table(struct raw_guest *raw);
void raw_map(struct raw_guest *raw, gpa_t root, uint64_t address, gpa_t to);
void raw_unmap(struct raw_guest *raw, gpa_t root, uint64_t address);

/* Binds guest PASID on the device to a fresh page table that maps `address` to a fresh page;
 * returns the page. */
gpa_t raw_bind(struct raw_guest *raw, struct raw_device *device, uint32_t pasid, uint64_t address,
	       uint16_t domain);

/* Test engine: reads 8 bytes and returns the status (2 done, 3 fault, 1 still busy). flags: 0x100
 * ATS, 0x200 page requests. */
unsigned raw_dma_read(struct raw_guest *raw, const struct raw_device *device, uint32_t pasid,
		      uint64_t address, uint32_t flags);
unsigned raw_engine_status(struct raw_guest *raw, const struct raw_device *device);

/* The record of the last fault; asserts that there is exactly one, and clears it. */
struct vtd_fault_record raw_take_fault(struct raw_guest *raw);
enum vtd_fault raw_take_fault_reason(struct raw_guest *raw);
bool raw_has_fault(struct raw_guest *raw);

/* Events since the last call to raw_forget_events(). */
void raw_forget_events(struct raw_guest *raw);
unsigned raw_count(const struct raw_guest *raw, enum vsva_event_kind kind);
/* The nth event of the kind; asserts that it is there. */
const struct vsva_event *raw_event(const struct raw_guest *raw, enum vsva_event_kind kind,
				   unsigned nth);
/* Invalidation descriptors of the type that the physical unit executed. */
unsigned raw_count_descriptors(const struct raw_guest *raw, enum vtd_desc_type type);
hpasid_t raw_hpasid(struct raw_guest *raw, uint32_t guest);
struct vsva_vm_stats raw_stats(struct raw_guest *raw);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * vsva_test: drives vsva's PCI test engine from inside a stock Linux guest.
 *
 * Unlike the rest of vsva this module is GPL-2.0-only, as it uses the kernel's GPL-only symbols;
 * it is built against the guest's kernel and linked with nothing of vsva.
 *
 *   insmod vsva_test.ko test=dma [rounds=N]   DMA without PASID: coherent, streaming, scattered
 *   insmod vsva_test.ko test=sva              DMA with the PASID of insmod's own address space
 *
 * It works while it is being loaded: insmod succeeds when all is well and fails with EIO when a
 * check failed. Results are kernel messages "VSVA: module case=<name> <key>=<value>... ok|FAIL".
 *
 * On Linux 6.1 the public iommu_sva_bind_device() is switched off; the IOMMU driver's own sva_bind
 * operation behind it still works and is what `test=sva` calls there. It allocates the PASID with
 * the driver's virtual command.
 */
#define pr_fmt(fmt) "VSVA: module " fmt

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

static char *test = "dma";
module_param(test, charp, 0444);
MODULE_PARM_DESC(test, "dma or sva");

static unsigned int rounds = 200;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how many random streaming copies");

/* The engine's registers, BAR0, little endian. */
enum {
	ENGINE_ID = 0x00,          /* u32, "AVSV" */
	ENGINE_VERSION = 0x04,     /* u32 */
	ENGINE_SOURCE = 0x08,      /* u64 */
	ENGINE_DESTINATION = 0x10, /* u64 */
	ENGINE_LENGTH = 0x18,      /* u32, at most 1 MiB */
	ENGINE_PASID = 0x1c,       /* u32, 19:0 and the two bits below */
	ENGINE_COMMAND = 0x20,     /* u32, a write starts */
	ENGINE_STATUS = 0x24,      /* u32 */
	ENGINE_FAULT = 0x28,       /* u64 */
	ENGINE_FILL = 0x30,        /* u64 */
	ENGINE_RESULT = 0x38,      /* u64 */
	ENGINE_DONE = 0x40,        /* u32, bytes */
};

#define ENGINE_ID_VALUE    0x56535641u
#define ENGINE_PASID_VALID BIT(31)

enum {
	COMMAND_COPY = 1,
	COMMAND_FILL = 2,
	COMMAND_SUM = 3,
	COMMAND_FETCH_ADD = 4,
	COMMAND_ATS = BIT(8), /* through the device TLB */
	COMMAND_PRI = BIT(9), /* may ask for pages */
	COMMAND_INTERRUPT = BIT(10),
};

enum {
	STATUS_IDLE = 0,
	STATUS_BUSY = 1,
	STATUS_DONE = 2,
	STATUS_FAULT = 3,
	STATUS_BAD_COMMAND = 4,
	STATUS_NO_ANSWER = 0xffff, /* ours: the engine stayed busy */
};

struct engine {
	struct pci_dev *pdev;
	struct device *dev;
	void __iomem *registers;
	u32 pasid;     /* with ENGINE_PASID_VALID, or 0 */
	u32 modifiers; /* ORed into each command */
	atomic_t interrupts;
	bool failed;
};

static struct engine engine;

#define REPORT(good, format, ...)                                                                  \
	do {                                                                                       \
		bool good_ = (good);                                                               \
		engine.failed |= !good_;                                                           \
		pr_info(format " %s\n", ##__VA_ARGS__, good_ ? "ok" : "FAIL");                     \
	} while (0)

/* --- one command ------------------------------------------------------------------------------ */

static u32 engine_run(u32 command, u64 source, u64 destination, u32 length, u64 fill)
{
	void __iomem *r = engine.registers;
	unsigned int left = 10000;
	u32 status;

	writeq(source, r + ENGINE_SOURCE);
	writeq(destination, r + ENGINE_DESTINATION);
	writel(length, r + ENGINE_LENGTH);
	writel(engine.pasid, r + ENGINE_PASID);
	writeq(fill, r + ENGINE_FILL);
	wmb(); /* memory that the engine will read */
	writel(command | engine.modifiers, r + ENGINE_COMMAND);
	while ((status = readl(r + ENGINE_STATUS)) == STATUS_BUSY && --left)
		usleep_range(500, 2000);
	rmb(); /* memory that the engine wrote */
	return status == STATUS_BUSY ? STATUS_NO_ANSWER : status;
}

static u32 engine_copy(u64 source, u64 destination, u32 length)
{
	return engine_run(COMMAND_COPY, source, destination, length, 0);
}

static u64 engine_fault(void)
{
	return readq(engine.registers + ENGINE_FAULT);
}

static u32 engine_done(void)
{
	return readl(engine.registers + ENGINE_DONE);
}

static void randomize(void *at, size_t length)
{
	get_random_bytes(at, length);
}

/* --- DMA without PASID --------------------------------------------------------------------------
 */

static void test_coherent(const char *name)
{
	const u32 length = SZ_64K;
	dma_addr_t from_at, to_at;
	u8 *from = dma_alloc_coherent(engine.dev, length, &from_at, GFP_KERNEL);
	u8 *to = dma_alloc_coherent(engine.dev, length, &to_at, GFP_KERNEL);
	u64 sum = 0;
	u32 status;

	if (!from || !to) {
		REPORT(false, "case=%s reason=no-memory", name);
		goto out;
	}
	randomize(from, length);
	memset(to, 0, length);
	status = engine_copy(from_at, to_at, length);
	REPORT(status == STATUS_DONE && engine_done() == length && !memcmp(from, to, length),
	       "case=%s-copy status=%u bytes=%u iova=%pad", name, status, engine_done(), &to_at);

	status = engine_run(COMMAND_FILL, 0, to_at + 8, 4096, 0x1122334455667788);
	REPORT(status == STATUS_DONE && !memcmp(to, from, 8) &&
		       *(u64 *)(to + 8) == 0x1122334455667788 &&
		       *(u64 *)(to + 4096) == 0x1122334455667788 &&
		       !memcmp(to + 4104, from + 4104, 64),
	       "case=%s-fill status=%u", name, status);

	for (u32 i = 0; i < length; i++)
		sum += from[i];
	status = engine_run(COMMAND_SUM, from_at, 0, length, 0);
	REPORT(status == STATUS_DONE && readq(engine.registers + ENGINE_RESULT) == sum,
	       "case=%s-sum status=%u result=%llu expected=%llu", name, status,
	       readq(engine.registers + ENGINE_RESULT), sum);

	*(u64 *)to = 40;
	status = engine_run(COMMAND_FETCH_ADD, 0, to_at, 8, 2);
	REPORT(status == STATUS_DONE && *(u64 *)to == 42 &&
		       readq(engine.registers + ENGINE_RESULT) == 40,
	       "case=%s-fetch-add status=%u value=%llu old=%llu", name, status, *(u64 *)to,
	       readq(engine.registers + ENGINE_RESULT));
out:
	if (from)
		dma_free_coherent(engine.dev, length, from, from_at);
	if (to)
		dma_free_coherent(engine.dev, length, to, to_at);
}

/* One streaming copy between two mappings made and unmade for it. */
static u32 stream_once(void *from, void *to, u32 length)
{
	dma_addr_t from_at = dma_map_single(engine.dev, from, length, DMA_TO_DEVICE);
	dma_addr_t to_at = dma_map_single(engine.dev, to, length, DMA_FROM_DEVICE);
	u32 status = STATUS_NO_ANSWER;

	if (!dma_mapping_error(engine.dev, from_at) && !dma_mapping_error(engine.dev, to_at))
		status = engine_copy(from_at, to_at, length);
	if (!dma_mapping_error(engine.dev, from_at))
		dma_unmap_single(engine.dev, from_at, length, DMA_TO_DEVICE);
	if (!dma_mapping_error(engine.dev, to_at))
		dma_unmap_single(engine.dev, to_at, length, DMA_FROM_DEVICE);
	return status;
}

static void test_streaming(const char *name)
{
	static const u32 lengths[] = {1, 63, 4095, 4096, 4097, 65536, 262144};
	u8 *from = kmalloc(SZ_512K, GFP_KERNEL), *to = kmalloc(SZ_512K, GFP_KERNEL);

	for (size_t i = 0; from && to && i < ARRAY_SIZE(lengths); i++) {
		u32 length = lengths[i], status;

		randomize(from, length + 128);
		memset(to, 0x5a, length + 128);
		status = stream_once(from + 64, to + 64, length);
		REPORT(status == STATUS_DONE && !memcmp(from + 64, to + 64, length) &&
			       to[63] == 0x5a && to[64 + length] == 0x5a,
		       "case=%s length=%u status=%u", name, length, status);
	}
	if (!from || !to)
		REPORT(false, "case=%s reason=no-memory", name);
	kfree(from);
	kfree(to);
}

/* Addresses are used again and again for other pages: a translation that was kept too long shows
 * as wrong data. */
static void test_rounds(const char *name)
{
	u8 *from[4] = {}, *to[4] = {};
	unsigned int good = 0;

	for (size_t i = 0; i < 4; i++) {
		from[i] = (u8 *)__get_free_pages(GFP_KERNEL, 5);
		to[i] = (u8 *)__get_free_pages(GFP_KERNEL, 5);
		if (!from[i] || !to[i]) {
			REPORT(false, "case=%s reason=no-memory", name);
			goto out;
		}
	}
	for (unsigned int i = 0; i < rounds; i++) {
		u32 random[4], length, from_offset, to_offset;
		u8 *source, *destination;

		randomize(random, sizeof(random));
		length = 1 + random[0] % SZ_64K;
		from_offset = random[1] % SZ_32K;
		to_offset = random[2] % SZ_32K;
		source = from[random[3] & 3] + from_offset;
		destination = to[random[3] >> 2 & 3] + to_offset;
		randomize(source, length);
		if (stream_once(source, destination, length) == STATUS_DONE &&
		    !memcmp(source, destination, length))
			good++;
	}
	REPORT(good == rounds, "case=%s rounds=%u good=%u", name, rounds, good);
out:
	for (size_t i = 0; i < 4; i++) {
		free_pages((unsigned long)from[i], 5);
		free_pages((unsigned long)to[i], 5);
	}
}

/* Scattered pages at one range of DMA addresses. */
static void test_scattered(const char *name)
{
	enum { COUNT = 16 };
	struct scatterlist list[COUNT], *sg;
	struct page *pages[COUNT] = {};
	const u32 length = COUNT * PAGE_SIZE;
	u8 *from = vmalloc(length), *bounce = kmalloc(length, GFP_KERNEL);
	dma_addr_t bounce_at;
	u32 status = STATUS_DONE, at = 0;
	bool same = true;
	int segments = 0, i;

	if (!from || !bounce)
		goto out;
	sg_init_table(list, COUNT);
	for (i = 0; i < COUNT; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (!pages[i])
			goto out;
		/* Backwards, so that neighbours are not neighbours in memory. */
		sg_set_page(&list[COUNT - 1 - i], pages[i], PAGE_SIZE, 0);
	}
	randomize(from, length);
	memcpy(bounce, from, length);
	bounce_at = dma_map_single(engine.dev, bounce, length, DMA_TO_DEVICE);
	if (dma_mapping_error(engine.dev, bounce_at))
		goto out;
	segments = dma_map_sg(engine.dev, list, COUNT, DMA_FROM_DEVICE);
	for_each_sg(list, sg, segments, i)
	{
		if (status == STATUS_DONE)
			status = engine_copy(bounce_at + at, sg_dma_address(sg), sg_dma_len(sg));
		at += sg_dma_len(sg);
	}
	if (segments)
		dma_unmap_sg(engine.dev, list, COUNT, DMA_FROM_DEVICE);
	dma_unmap_single(engine.dev, bounce_at, length, DMA_TO_DEVICE);
	for (i = 0; i < COUNT; i++)
		same &= !memcmp(page_address(pages[COUNT - 1 - i]), from + i * PAGE_SIZE,
				PAGE_SIZE);
out:
	REPORT(segments > 0 && status == STATUS_DONE && same && at == length,
	       "case=%s pages=%d segments=%d status=%u", name, COUNT, segments, status);
	for (i = 0; i < COUNT; i++)
		if (pages[i])
			__free_page(pages[i]);
	kfree(bounce);
	vfree(from);
}

/* 2 MiB in one mapping: a large page in the IOMMU's table where addresses allow it. */
static void test_large(const char *name)
{
	const u32 half = SZ_1M, length = SZ_2M;
	struct page *page = alloc_pages(GFP_KERNEL, get_order(length));
	dma_addr_t at;
	u32 status;
	u8 *memory;

	if (!page) {
		REPORT(false, "case=%s reason=no-memory", name);
		return;
	}
	memory = page_address(page);
	randomize(memory, half);
	memset(memory + half, 0, half);
	at = dma_map_page(engine.dev, page, 0, length, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(engine.dev, at)) {
		REPORT(false, "case=%s reason=map", name);
		goto out;
	}
	status = engine_copy(at, at + half, half);
	dma_unmap_page(engine.dev, at, length, DMA_BIDIRECTIONAL);
	REPORT(status == STATUS_DONE && !memcmp(memory, memory + half, half),
	       "case=%s status=%u iova=%pad", name, status, &at);
out:
	__free_pages(page, get_order(length));
}

/* A mapping for reading only must refuse the engine's write. */
static void test_read_only(const char *name)
{
	u8 *memory = kmalloc(2 * PAGE_SIZE, GFP_KERNEL);
	dma_addr_t at;
	u32 status;

	if (!memory) {
		REPORT(false, "case=%s reason=no-memory", name);
		return;
	}
	memset(memory, 0x5a, 2 * PAGE_SIZE);
	at = dma_map_single(engine.dev, memory, 2 * PAGE_SIZE, DMA_TO_DEVICE);
	if (dma_mapping_error(engine.dev, at)) {
		REPORT(false, "case=%s reason=map", name);
		goto out;
	}
	status = engine_run(COMMAND_FILL, 0, at, PAGE_SIZE, 0);
	REPORT(status == STATUS_FAULT && (engine_fault() & PAGE_MASK) == (at & PAGE_MASK) &&
		       !memchr_inv(memory, 0x5a, 2 * PAGE_SIZE),
	       "case=%s status=%u fault=%#llx expected=%pad", name, status, engine_fault(), &at);
	dma_unmap_single(engine.dev, at, 2 * PAGE_SIZE, DMA_TO_DEVICE);
out:
	kfree(memory);
}

/* After dma_unmap the address is gone, unless the kernel flushes lazily. */
static void test_stale(const char *name)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(engine.dev);
	u8 *memory;
	dma_addr_t at;
	u32 status;

	if (!domain || domain->type != IOMMU_DOMAIN_DMA) {
		pr_info("case=%s domain_type=%#x reason=lazy-or-none skip\n", name,
			domain ? domain->type : 0);
		return;
	}
	memory = (u8 *)__get_free_pages(GFP_KERNEL, 2);
	if (!memory) {
		REPORT(false, "case=%s reason=no-memory", name);
		return;
	}
	memset(memory, 0x5a, 4 * PAGE_SIZE);
	at = dma_map_single(engine.dev, memory, 4 * PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(engine.dev, at)) {
		REPORT(false, "case=%s reason=map", name);
		goto out;
	}
	status = engine_run(COMMAND_FILL, 0, at, 4 * PAGE_SIZE, 0);
	dma_unmap_single(engine.dev, at, 4 * PAGE_SIZE, DMA_BIDIRECTIONAL);
	REPORT(status == STATUS_DONE && !memchr_inv(memory, 0, 4 * PAGE_SIZE),
	       "case=%s-before status=%u", name, status);
	memset(memory, 0x5a, 4 * PAGE_SIZE);
	status = engine_run(COMMAND_FILL, 0, at + PAGE_SIZE, PAGE_SIZE, 0);
	REPORT(status == STATUS_FAULT && !memchr_inv(memory, 0x5a, 4 * PAGE_SIZE),
	       "case=%s-after status=%u fault=%#llx", name, status, engine_fault());
out:
	free_pages((unsigned long)memory, 2);
}

static void test_interrupt(void)
{
	dma_addr_t at;
	u8 *memory = dma_alloc_coherent(engine.dev, PAGE_SIZE, &at, GFP_KERNEL);
	u32 status;

	if (!memory) {
		REPORT(false, "case=interrupt reason=no-memory");
		return;
	}
	atomic_set(&engine.interrupts, 0);
	status = engine_run(COMMAND_FILL | COMMAND_INTERRUPT, 0, at, 64, 0);
	for (int i = 0; i < 500 && !atomic_read(&engine.interrupts); i++)
		usleep_range(1000, 2000);
	REPORT(status == STATUS_DONE && atomic_read(&engine.interrupts) == 1,
	       "case=interrupt status=%u count=%d", status, atomic_read(&engine.interrupts));
	dma_free_coherent(engine.dev, PAGE_SIZE, memory, at);
}

static void test_dma(void)
{
	u32 status;

	REPORT(readl(engine.registers + ENGINE_VERSION) == 1,
	       "case=identify id=%#x version=%u ats=%d", readl(engine.registers + ENGINE_ID),
	       readl(engine.registers + ENGINE_VERSION), engine.pdev->ats_enabled);
	status = engine_run(0x7f, 0, 0, 0, 0);
	REPORT(status == STATUS_BAD_COMMAND, "case=bad-command status=%u", status);
	test_interrupt();
	test_coherent("coherent");
	test_streaming("streaming");
	test_scattered("scattered");
	test_large("large");
	test_rounds("rounds");
	test_read_only("read-only");
	test_stale("stale");
	if (!engine.pdev->ats_enabled) {
		pr_info("case=ats reason=not-enabled skip\n");
		return;
	}
	engine.modifiers = COMMAND_ATS;
	test_coherent("ats-coherent");
	test_streaming("ats-streaming");
	test_rounds("ats-rounds");
	test_read_only("ats-read-only");
	test_stale("ats-stale");
	engine.modifiers = 0;
}

/* --- DMA with a PASID
 * ------------------------------------------------------------------------------- */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
static struct iommu_sva *sva_bind(struct mm_struct *mm)
{
	int error = iommu_dev_enable_feature(engine.dev, IOMMU_DEV_FEAT_IOPF);

	if (!error)
		error = iommu_dev_enable_feature(engine.dev, IOMMU_DEV_FEAT_SVA);
	if (error) {
		pr_info("case=sva-enable error=%d\n", error);
		return ERR_PTR(error);
	}
	if (!dev_iommu_ops(engine.dev)->sva_bind)
		return ERR_PTR(-ENODEV);
	return dev_iommu_ops(engine.dev)->sva_bind(engine.dev, mm, NULL);
}

static u32 sva_pasid(struct iommu_sva *bond)
{
	return dev_iommu_ops(engine.dev)->sva_get_pasid(bond);
}

static void sva_unbind(struct iommu_sva *bond)
{
	dev_iommu_ops(engine.dev)->sva_unbind(bond);
	iommu_dev_disable_feature(engine.dev, IOMMU_DEV_FEAT_SVA);
	iommu_dev_disable_feature(engine.dev, IOMMU_DEV_FEAT_IOPF);
}
#else
static struct iommu_sva *sva_bind(struct mm_struct *mm)
{
	return iommu_sva_bind_device(engine.dev, mm);
}

static u32 sva_pasid(struct iommu_sva *bond)
{
	return iommu_sva_get_pasid(bond);
}

static void sva_unbind(struct iommu_sva *bond)
{
	iommu_sva_unbind_device(bond);
}
#endif

static unsigned long user_map(unsigned long length, unsigned long protection)
{
	unsigned long at = vm_mmap(NULL, 0, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, 0);

	return IS_ERR_VALUE(at) ? 0 : at;
}

/* All by pointers of the process that runs insmod. */
static void sva_copies(void)
{
	const u32 length = SZ_256K;
	unsigned long from = user_map(length, PROT_READ | PROT_WRITE);
	unsigned long to = user_map(length, PROT_READ | PROT_WRITE);
	u8 *expected = vmalloc(length), *seen = vmalloc(length);
	u32 status;

	if (!from || !to || !expected || !seen) {
		REPORT(false, "case=sva reason=no-memory");
		goto out;
	}
	randomize(expected, length);
	memset(seen, 0, length);
	if (copy_to_user((void __user *)from, expected, length)) {
		REPORT(false, "case=sva reason=copy-to-user");
		goto out;
	}
	status = engine_copy(from, to, length);
	REPORT(status == STATUS_DONE && !copy_from_user(seen, (void __user *)to, length) &&
		       !memcmp(expected, seen, length),
	       "case=sva-copy destination=untouched status=%u bytes=%u fault=%#llx", status,
	       engine_done(), engine_fault());

	memset(seen, 0, length);
	status = engine_copy(from + 1, to + 3, length - 8);
	REPORT(status == STATUS_DONE &&
		       !copy_from_user(seen, (void __user *)(to + 3), length - 8) &&
		       !memcmp(expected + 1, seen, length - 8),
	       "case=sva-copy-again status=%u", status);

	vm_munmap(to, length);
	status = engine_copy(from, to, length);
	REPORT(status == STATUS_FAULT && (engine_fault() & PAGE_MASK) == to,
	       "case=sva-unmapped status=%u fault=%#llx expected=%#lx", status, engine_fault(), to);
	to = 0;
out:
	if (from)
		vm_munmap(from, length);
	if (to)
		vm_munmap(to, length);
	vfree(expected);
	vfree(seen);
}

static void test_sva(void)
{
	struct iommu_sva *bond = sva_bind(current->mm);
	unsigned long at;
	u32 status;

	if (IS_ERR(bond)) {
		REPORT(false, "case=sva-bind error=%ld", PTR_ERR(bond));
		return;
	}
	engine.pasid = sva_pasid(bond) | ENGINE_PASID_VALID;
	engine.modifiers = COMMAND_ATS | COMMAND_PRI;
	REPORT(true, "case=sva-bind pasid=%u ats=%d pri=%d", sva_pasid(bond),
	       engine.pdev->ats_enabled, engine.pdev->pri_enabled);
	sva_copies();

	at = user_map(PAGE_SIZE, PROT_READ | PROT_WRITE);
	if (at && !clear_user((void __user *)at, PAGE_SIZE)) {
		sva_unbind(bond);
		status = engine_run(COMMAND_FILL, 0, at, PAGE_SIZE, ~0ull);
		REPORT(status == STATUS_FAULT, "case=sva-unbound status=%u fault=%#llx", status,
		       engine_fault());
	} else {
		sva_unbind(bond);
		REPORT(false, "case=sva-unbound reason=no-memory");
	}
	if (at)
		vm_munmap(at, PAGE_SIZE);
	engine.pasid = 0;
	engine.modifiers = 0;
}

/* --- the driver
 * ------------------------------------------------------------------------------------------ */

static irqreturn_t engine_interrupt(int irq, void *data)
{
	atomic_inc(&engine.interrupts);
	return IRQ_HANDLED;
}

static int engine_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int error = pcim_enable_device(pdev);

	if (error)
		return error;
	if (engine.pdev)
		return -EBUSY;
	engine.registers = pcim_iomap(pdev, 0, 0);
	if (!engine.registers)
		return -ENOMEM;
	if (readl(engine.registers + ENGINE_ID) != ENGINE_ID_VALUE)
		return -ENODEV;
	error = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (error)
		return error;
	pci_set_master(pdev);
	error = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSIX);
	if (error < 0)
		return error;
	error = request_irq(pci_irq_vector(pdev, 0), engine_interrupt, 0, "vsva_test", &engine);
	if (error) {
		pci_free_irq_vectors(pdev);
		return error;
	}
	engine.pdev = pdev;
	engine.dev = &pdev->dev;
	return 0;
}

static void engine_remove(struct pci_dev *pdev)
{
	free_irq(pci_irq_vector(pdev, 0), &engine);
	pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
	engine.pdev = NULL;
}

static const struct pci_device_id engine_ids[] = {{PCI_DEVICE(0x1ee7, 0x0002)}, {}};
MODULE_DEVICE_TABLE(pci, engine_ids);

static struct pci_driver engine_driver = {
	.name = "vsva_test",
	.id_table = engine_ids,
	.probe = engine_probe,
	.remove = engine_remove,
};

static int __init vsva_test_init(void)
{
	int error = pci_register_driver(&engine_driver);

	if (error)
		return error;
	if (!engine.pdev)
		REPORT(false, "case=probe reason=no-device");
	else if (!strcmp(test, "dma"))
		test_dma();
	else if (!strcmp(test, "sva"))
		test_sva();
	else
		REPORT(false, "test=%s reason=unknown", test);
	pr_info("end test=%s status=%d\n", test, engine.failed);
	if (!engine.failed)
		return 0;
	pci_unregister_driver(&engine_driver);
	return -EIO;
}

static void __exit vsva_test_exit(void)
{
	pci_unregister_driver(&engine_driver);
}

module_init(vsva_test_init);
module_exit(vsva_test_exit);

MODULE_DESCRIPTION("test engine driver of vsva");
MODULE_AUTHOR("the vsva authors");
MODULE_LICENSE("GPL");

-- DMA without PASID: what a guest's ordinary kernel drivers do. The guest's I/O page table is a first stage
-- too, nested on the VM's second stage.

local PAGE = 4096
local m = machine()
local engine = m:test_engine()
local guest = m:guest{name = "alice"}
guest:add(engine)

section "Kernel DMA memory"
local src, src_memory = guest:dma_alloc(engine, 4 * PAGE)
local dst, dst_memory = guest:dma_alloc(engine, 4 * PAGE)
expect(src ~= src_memory, "the device's address is not the guest's physical one")
guest:write(src_memory, string.rep("vt-d", PAGE))
local copy = guest:engine(engine, {op = "copy", src = src, dst = dst, len = 4 * PAGE})
expect_eq(copy.status, "done", "copy")
expect_eq(copy.bytes, 4 * PAGE, "bytes")
expect_eq(guest:read(dst_memory, 4 * PAGE), string.rep("vt-d", PAGE), "data")

section "The other operations of the test engine"
guest:engine(engine, {op = "fill", dst = dst, len = 16, fill = 0x0807060504030201})
expect_eq(guest:read(dst_memory, 16), "\1\2\3\4\5\6\7\8\1\2\3\4\5\6\7\8", "fill")
local read = guest:engine(engine, {op = "read", src = dst, len = 16})
expect_eq(read.result, 72, "sum of the bytes")
local add = guest:engine(engine, {op = "add", dst = dst, fill = 1})
expect_eq(add.result, 0x0807060504030201, "atomic add: the old value")
expect_eq(guest:read(dst_memory, 1), "\2", "and the new one")

section "Through the device TLB"
copy = guest:engine(engine, {op = "copy", src = src, dst = dst, len = 4 * PAGE, ats = true})
expect_eq(copy.status, "done", "copy")
expect_eq(guest:read(dst_memory, 4), "vt-d", "data")

section "After dma_free there is nothing"
guest:dma_free(engine, dst, dst_memory, 4 * PAGE)
for _, ats in ipairs{false, true} do
	copy = guest:engine(engine, {op = "copy", src = src, dst = dst, len = 64, ats = ats})
	expect_eq(copy.status, "fault", ats and "through the device TLB" or "untranslated")
	expect_eq(copy.fault_address, dst, "fault address")
end
m:run()
expect(guest:stats().faults > 0, "the guest was told")

section "With and without PASID are two worlds"
local p = guest:process("app")
p:bind(engine)
local a = p:alloc(PAGE)
p:write(a, "process")
local sum = p:engine(engine, {op = "read", src = a, len = 7})
expect_eq(sum.status, "done", "with PASID the process' address leads to its memory")
expect_eq(guest:engine(engine, {op = "read", src = a, len = 7}).status, "fault", "without, to nothing")
expect_eq(p:engine(engine, {op = "read", src = src, len = 7}).status, "fault",
	"and with PASID the kernel's address leads to nothing")

section "The interrupt range is special without PASID only"
local special = p:alloc(PAGE, {at = 0xfee00000})
p:write(special, "memory")
expect_eq(p:engine(engine, {op = "read", src = special, len = 6}).status, "done", "with PASID it is an address like any other")
expect_eq(guest:engine(engine, {op = "fill", dst = 0xfee00000, len = 4, fill = 0}).status, "fault", "without, it is no memory")

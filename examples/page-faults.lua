-- Memory that was never touched: the accelerator asks for each page, the guest's handler makes it
-- present, the accelerator goes on. Page by page for small pages, at once for a huge one.

local PAGE = 4096
local m = machine()
local dsa = m:dsa()
local guest = m:guest{name = "alice", memory = 64 << 20}
guest:add(dsa)
local p = guest:process("app")
p:bind(dsa)

local function requests(f)
	local before = guest:stats().page_requests
	f()
	return guest:stats().page_requests - before
end

section "Destination untouched, 64 small pages"
local LEN = 64 * PAGE
local src = p:alloc(LEN)
local dst = p:alloc(LEN)
p:fill(src, LEN, 1)
local count = requests(function()
	expect(p:copy(dsa, {src = src, dst = dst, len = LEN}).ok, "copied")
end)
expect_eq(count, 64, "page requests")
expect(p:check(dst, LEN, 1), "data")

section "The same again: the pages are there"
count = requests(function()
	expect(p:copy(dsa, {src = src, dst = dst, len = LEN}).ok, "copied")
end)
expect_eq(count, 0, "page requests")

section "Source and destination untouched: zeroes are copied"
local zeroes = p:alloc(8 * PAGE)
count = requests(function()
	expect(p:copy(dsa, {src = zeroes, dst = dst, len = 8 * PAGE}).ok, "copied")
end)
expect_eq(count, 8, "page requests")
expect_eq(p:read(dst, 8 * PAGE), string.rep("\0", 8 * PAGE), "data")

section "One huge page"
local huge = p:alloc(2 << 20, {huge = true})
count = requests(function()
	expect(p:copy(dsa, {src = src, dst = huge + 12345, len = LEN}).ok, "copied")
end)
expect_eq(count, 1, "page requests")
expect(p:equal(src, huge + 12345, LEN), "data")

section "A read-only destination"
local constant = p:alloc(PAGE, {writable = false})
local copy = p:copy(dsa, {src = src, dst = constant, len = 100})
expect_eq(copy.name, "page request refused", "status")
expect_eq(copy.fault_address, constant, "fault address")
copy = p:copy(dsa, {src = constant, dst = dst, len = 100})
expect_eq(copy.name, "success", "it can be read")
copy = p:copy(dsa, {src = src, dst = constant, len = 100})
expect_eq(copy.name, "page request refused", "and not be written, also when it is cached for reading")

section "Without block on fault the accelerator stops and says how far it came"
local half = p:alloc(4 * PAGE)
p:write(half, "x")
p:write(half + PAGE, "x")
copy = p:copy(dsa, {src = src, dst = half, len = 4 * PAGE, block_on_fault = false})
expect_eq(copy.name, "page fault", "status")
expect_eq(copy.bytes, 2 * PAGE, "bytes completed")
expect_eq(copy.fault_address, half + 2 * PAGE, "fault address")

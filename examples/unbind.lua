-- Unbind with hot caches, and a device that goes on under the same PASID: it meets faults, and later the next
-- owner's memory, never the former one's.

local PAGE = 4096
local m = machine()
local engine = m:test_engine()
local guest = m:guest{name = "alice"}
guest:add(engine)

local function read(pasid, address, ats)
	return guest:engine(engine, {op = "read", src = address, len = 8, pasid = pasid, ats = ats})
end

section "Everything is cached: PASID entry, translations, device TLB"
local p = guest:process("first")
local a = p:alloc(PAGE, {at = 0x10000000})
p:write(a, "\1\1\1\1\1\1\1\1")
p:bind(engine)
local pasid = p:pasid()
for _ = 1, 4 do
	expect_eq(read(pasid, a, false).result, 8, "read by the unit's translation")
	expect_eq(read(pasid, a, true).result, 8, "read by the device's own")
end

section "Unbound: the device still has the PASID in its register"
p:unbind(engine)
for _, ats in ipairs{false, true, false, true} do
	local result = read(pasid, a, ats)
	expect_eq(result.status, "fault", ats and "through the device TLB" or "untranslated")
	expect_eq(result.bytes, 0, "nothing was read")
end

section "Bound again: the same process"
for round = 1, 5 do
	p:bind(engine)
	expect_eq(p:engine(engine, {op = "read", src = a, len = 8, ats = round % 2 == 0}).status, "done", "bound")
	local number = p:pasid()
	p:unbind(engine)
	expect_eq(read(number, a, round % 2 == 0).status, "fault", "unbound")
end

section "Another process at the same address"
local q = guest:process("second")
q:alloc(PAGE, {at = a})
q:write(a, "\2\2\2\2\2\2\2\2")
q:bind(engine)
for _, ats in ipairs{false, true} do
	expect_eq(q:engine(engine, {op = "read", src = a, len = 8, ats = ats}).result, 16, "its own bytes")
end
p:bind(engine)
for _, ats in ipairs{false, true} do
	expect_eq(p:engine(engine, {op = "read", src = a, len = 8, ats = ats}).result, 8, "the first one's bytes")
	expect_eq(q:engine(engine, {op = "read", src = a, len = 8, ats = ats}).result, 16, "the second one's bytes")
end
p:unbind(engine)
expect_eq(q:engine(engine, {op = "read", src = a, len = 8}).result, 16, "the second one does not notice")

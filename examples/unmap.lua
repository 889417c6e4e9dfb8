-- munmap: entries cleared, IOTLB and device TLB invalidated and waited for, then pages freed and used by
-- somebody else. The ledger watches that no access goes through the old translation.

local PAGE = 4096
local m = machine()
local dsa = m:dsa()
local guest = m:guest{name = "alice"}
guest:add(dsa)
local p = guest:process("app")
p:bind(dsa)

local src = p:alloc(16 * PAGE)
local dst = p:alloc(16 * PAGE)
p:fill(src, 16 * PAGE, 1)
p:fill(dst, 16 * PAGE, 2)
expect(p:copy(dsa, {src = src, dst = dst, len = 16 * PAGE}).ok, "everything is cached now")

section "The destination goes"
p:munmap(dst, 16 * PAGE)
local copy = p:copy(dsa, {src = src, dst = dst, len = 100})
expect_eq(copy.name, "page request refused", "block on fault: the guest says no")
expect_eq(copy.status | (copy.write and 0x80 or 0), 0x84, "status byte")
expect_eq(copy.fault_address, dst, "fault address")
copy = p:copy(dsa, {src = src, dst = dst, len = 100, block_on_fault = false})
expect_eq(copy.status | (copy.write and 0x80 or 0), 0x83, "without block on fault")
expect_eq(copy.fault_address, dst, "fault address")

section "The source goes"
local target = p:alloc(PAGE)
p:munmap(src + 4 * PAGE, 4 * PAGE)
copy = p:copy(dsa, {src = src + 3 * PAGE, dst = target, len = 2 * PAGE, block_on_fault = false})
expect(copy.fault_address == target or copy.fault_address == src + 4 * PAGE, "stopped at a page that is not there")
copy = p:copy(dsa, {src = src + 4 * PAGE, dst = target, len = 8})
expect_eq(copy.name, "page request refused", "a hole in the middle of an area")
expect_eq(copy.write, false, "it was the read")
expect(p:copy(dsa, {src = src, dst = target, len = PAGE}).ok, "its neighbours are still there")
expect(p:check(target, PAGE, 1), "data")

section "Pages go round: unmapped, freed, used by another process"
local other = guest:process("other")
other:bind(dsa)
for round = 1, 20 do
	local a = p:alloc(4 * PAGE)
	p:fill(a, 4 * PAGE, round)
	p:copy(dsa, {src = a, dst = target, len = PAGE})
	p:munmap(a, 4 * PAGE)
	local b = other:alloc(8 * PAGE)
	other:fill(b, 4 * PAGE, 1000 + round)
	other:copy(dsa, {src = b, dst = b + 4 * PAGE, len = 4 * PAGE})
	if not other:check(b + 4 * PAGE, 4 * PAGE, 1000 + round) then
		expect(false, "round " .. round .. ": data of the other process")
	end
	other:munmap(b, 8 * PAGE)
	copy = p:copy(dsa, {src = a, dst = target, len = 8, block_on_fault = false})
	if copy.name ~= "page fault" then
		expect(false, "round " .. round .. ": " .. copy.name)
	end
end
expect(p:check(target, PAGE, 20), "twenty rounds")

section "Unmapped, and mapped again at the same address"
local at = 0x123456789000
for round = 1, 5 do
	p:alloc(PAGE, {at = at})
	p:fill(at, PAGE, 50 + round)
	p:copy(dsa, {src = at, dst = target, len = PAGE})
	p:munmap(at, PAGE)
	if not p:check(target, PAGE, 50 + round) then
		expect(false, "round " .. round .. ": old data")
	end
end
expect(p:check(target, PAGE, 55), "five rounds")

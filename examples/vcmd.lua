-- Virtual command: a guest that does not pick its PASIDs but asks the virtual unit for them.

local m = machine()
local dsa = m:dsa()
local guest = m:guest{name = "alice", vcmd = true, quota = 8}
guest:add(dsa)

section "PASIDs are allocated by the virtual unit"
local p = {}
for i = 1, 3 do
	p[i] = guest:process("app" .. i)
	p[i]:bind(dsa)
	expect(guest:host_pasid(p[i]:pasid()) ~= nil, "the host knows guest PASID number " .. i)
	expect(guest:host_pasid(p[i]:pasid()) ~= p[i]:pasid(), "under another number")
end
expect_eq(guest:stats().vcmd_allocs, 3, "allocations")
expect(p[1]:pasid() ~= p[2]:pasid() and p[2]:pasid() ~= p[3]:pasid(), "all different")

section "They work"
for i = 1, 3 do
	local src, dst = p[i]:alloc(5000), p[i]:alloc(5000)
	p[i]:fill(src, 5000, i)
	expect(p[i]:copy(dsa, {src = src, dst = dst, len = 5000}).ok, "copy " .. i)
	expect(p[i]:check(dst, 5000, i), "data " .. i)
end

section "And go back"
local pasid = p[1]:pasid()
p[1]:unbind(dsa)
expect_eq(guest:stats().vcmd_frees, 0, "a process keeps its PASID until it exits")
p[1]:exit()
expect_eq(guest:stats().vcmd_frees, 1, "frees")
expect_eq(guest:host_pasid(pasid), nil, "the host has forgotten the first")
p[2]:exit()
expect_eq(guest:stats().vcmd_frees, 2, "frees")
expect_eq(guest:stats().pasids_now, 1, "PASIDs in use")

section "The set has a quota"
local many = {}
for i = 1, 7 do
	many[i] = guest:process()
	many[i]:bind(dsa)
end
local one_more = guest:process("one too many")
expect_error("ENOSPC", one_more.bind, one_more, dsa)
many[1]:exit()
one_more:bind(dsa)
expect_eq(guest:stats().pasids_now, 8, "PASIDs in use: the quota")

-- The shared queue: ENQCMD carries the PASID of whoever executes it; the virtual machine's PASID is replaced
-- by the host's on the way.

local PAGE = 4096
local m = machine()
local dsa = m:dsa()
local guest = m:guest{name = "alice", first_pasid = 0x55}
guest:add(dsa)

section "Four processes share one queue"
local procs = {}
for i = 1, 4 do
	local p = guest:process("app" .. i)
	p:bind(dsa)
	procs[i] = {p = p, src = p:alloc(4 * PAGE), dst = p:alloc(4 * PAGE), jobs = {}}
	p:fill(procs[i].src, 4 * PAGE, i)
end
for round = 1, 5 do
	for i, who in ipairs(procs) do
		who.jobs[round] = who.p:submit(dsa, {op = "copy", src = who.src, dst = who.dst, len = 4 * PAGE, shared = true})
	end
end
for i, who in ipairs(procs) do
	local good = 0
	for _, job in ipairs(who.jobs) do
		good = good + (job:wait().ok and 1 or 0)
	end
	expect_eq(good, 5, "copies of app" .. i)
	expect(who.p:check(who.dst, 4 * PAGE, i), "data of app" .. i)
end

section "Dedicated and shared queue at the same time"
local one, two = procs[1], procs[2]
local first = one.p:submit(dsa, {op = "copy", src = one.src, dst = one.dst, len = PAGE})
local second = two.p:submit(dsa, {op = "copy", src = two.src, dst = two.dst, len = PAGE, shared = true})
expect(first:wait().ok and second:wait().ok, "both")

section "ENQCMD with a PASID that the guest does not have"
local noop = string.pack("<I4I4I8I8I8I4I2I2I8I8I8", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
local PORTAL = 0x4000 + 0x1000
expect(guest:enqcmd(dsa, PORTAL, 0x77, noop) < 0, "IA32_PASID not valid: refused (#GP)")
expect(guest:enqcmd(dsa, PORTAL, 0x80000077, noop) < 0, "no translation: refused (VM exit)")
expect_eq(guest:enqcmd(dsa, PORTAL, 0x80000055, noop), 0, "its own: accepted")
m:run()

section "An ENQCMD cannot choose a PASID in its bytes"
local rec = one.p:alloc(PAGE)
one.p:write(rec, string.rep("\0", 32))
local forged = string.pack("<I4I4I8I8I8I4I2I2I8I8I8", 0x1001 | 1 << 31, 3 << 24 | 0xe, rec, one.src, one.dst, PAGE, 0, 0, 0, 0, 0)
one.p:fill(one.dst, PAGE, 42)
expect_eq(guest:enqcmd(dsa, PORTAL, 0x80000055, forged), 0, "accepted")
m:run()
expect_eq(one.p:read(rec, 1), "\1", "done, in the sender's own address space")
expect(one.p:check(one.dst, PAGE, 1), "its data")

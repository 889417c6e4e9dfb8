-- PASIDs are a shared good: each guest has a quota. What is beyond stays unbound, is said, faults under the
-- guest's PASID, and works as soon as there is room.

local m = machine()
local engine = m:test_engine()
local guest = m:guest{name = "alice", quota = 3}
guest:add(engine)

section "Three PASIDs are allowed"
local procs, pages = {}, {}
for i = 1, 4 do
	procs[i] = guest:process("app" .. i)
	procs[i]:bind(engine) -- the guest's descriptor itself never fails
	pages[i] = procs[i]:alloc(4096)
	procs[i]:write(pages[i], string.char(i))
end
for i = 1, 3 do
	expect_eq(procs[i]:engine(engine, {op = "read", src = pages[i], len = 1}).result, i, "process " .. i)
end

section "The fourth is refused"
expect_eq(guest:stats().refused_binds > 0, true, "refused binds are counted")
expect_eq(guest:host_pasid(procs[4]:pasid()), nil, "the host has no PASID for it")
local read = procs[4]:engine(engine, {op = "read", src = pages[4], len = 1})
expect_eq(read.status, "fault", "its DMA")
m:run()
expect(guest:stats().faults > 0, "the guest was told")
expect_eq(guest:stats().last_fault_pasid, procs[4]:pasid(), "under its own number")

section "One dies, and there is room"
procs[1]:exit()
procs[4]:unbind(engine)
procs[4]:bind(engine)
read = procs[4]:engine(engine, {op = "read", src = pages[4], len = 1})
expect_eq(read.status, "done", "its DMA")
expect_eq(read.result, 4, "data")

section "Quotas are per guest"
local other = m:guest{name = "bob", quota = 2}
local second = m:test_engine()
other:add(second)
local p = other:process("app")
p:bind(second)
local a = p:alloc(4096)
p:write(a, "\9")
expect_eq(p:engine(second, {op = "read", src = a, len = 1}).result, 9, "bob's DMA")
guest:kill()
expect_eq(p:engine(second, {op = "read", src = a, len = 1}).result, 9, "bob's DMA when alice is dead")

-- A process dies while its work is in flight; the next process gets its PASID and sees none of it.

local PAGE = 4096
local LEN = 32 * PAGE
local m = machine()
local dsa = m:dsa()
local guest = m:guest{name = "alice"}
guest:add(dsa)
local witness = guest:process("witness")
witness:bind(dsa)
local area = witness:alloc(2 * LEN)
witness:fill(area, LEN, 99)

section "Twelve processes, each dies with copies under way"
local free = guest:free_pages()
for round = 1, 12 do
	local p = guest:process("mortal" .. round)
	p:bind(dsa)
	local src, dst = p:alloc(LEN), p:alloc(LEN)
	p:fill(src, LEN, round)
	for _ = 1, 4 do
		p:submit(dsa, {op = "copy", src = src, dst = dst, len = LEN, shared = round % 2 == 0})
	end
	for _ = 1, random(0, 40) do
		m:step()
	end
	p:exit()
	if not witness:copy(dsa, {src = area, dst = area + LEN, len = LEN}).ok then
		expect(false, "round " .. round .. ": the witness' copy")
	end
end
expect(witness:check(area + LEN, LEN, 99), "the witness' data")
expect_eq(m:stats().bound_now, 1, "only the witness is bound")
expect(guest:free_pages() >= free - 64, "the memory of the dead is free again")

section "The dead are dead"
local p = guest:process("last")
p:bind(dsa)
local pasid = p:pasid()
p:exit()
expect_error("is dead", p.bind, p, dsa)
expect_eq(guest:host_pasid(pasid), nil, "its PASID means nothing to the host")

section "Somebody who uses the dead one's PASID meets a fault, not memory"
local before = guest:stats().faults
local engine = m:test_engine()
guest:add(engine)
local read = guest:engine(engine, {op = "read", src = area, len = 64, pasid = pasid})
expect_eq(read.status, "fault", "a read under the dead PASID")
m:run()
expect(guest:stats().faults > before, "the guest was told")
expect_eq(guest:stats().last_fault_pasid, pasid, "under the guest's number")

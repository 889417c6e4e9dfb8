-- System reset with everything bound, then the same guest again: nothing of the former life is left.

local PAGE = 4096
local LEN = 8 * PAGE
local m = machine()
local dsa = m:dsa()
local engine = m:test_engine()
local guest = m:guest{name = "alice"}
guest:add(dsa)
guest:add(engine)

for life = 1, 4 do
	section("Life " .. life)
	local p = guest:process("app")
	p:bind(dsa)
	p:bind(engine)
	expect_eq(p:pasid(), 1, "the guest starts again with PASID 1")
	local src, dst = p:alloc(LEN), p:alloc(LEN)
	p:fill(src, LEN, life)
	expect(p:copy(dsa, {src = src, dst = dst, len = LEN}).ok, "copy")
	expect(p:check(dst, LEN, life), "data")
	local read = p:engine(engine, {op = "read", src = dst, len = 8, ats = true, page_requests = true})
	expect_eq(read.status, "done", "the test engine reads under the same PASID")
	expect_eq(m:stats().bound_now, 2, "bindings: one for each device")

	p:submit(dsa, {op = "copy", src = src, dst = p:alloc(LEN), len = LEN})
	for _ = 1, random(0, 30) do
		m:step()
	end
	guest:reboot()
	expect(not p:is_alive(), "the process is gone")
	expect_eq(m:stats().bound_now, 0, "nothing is bound")
	expect_eq(m:stats().pasids_now, 0, "no host PASID is in use")
	expect_eq(guest:engine(engine, {op = "read", src = dst, len = 8, pasid = 1}).status, "fault",
		"PASID 1 leads nowhere")
end

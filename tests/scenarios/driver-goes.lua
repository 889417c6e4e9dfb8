-- idxd-config #7: the driver of a device goes with PASIDs bound and work under way. The guest's other
-- devices go on, and when the driver comes back nothing of its former life is left.

local PAGE = 4096
local LEN = 16 * PAGE
local m = machine()
local dsa = m:dsa{name = "dsa0"}
local other = m:dsa{name = "dsa1"}
local guest = m:guest{name = "alice"}
guest:add(other)

for life = 1, 6 do
	section("Life " .. life)
	guest:add(dsa)
	local people = {}
	for i = 1, 4 do
		local p = guest:process("app" .. life .. i)
		p:bind(dsa)
		p:bind(other)
		local src, dst = p:alloc(LEN), p:alloc(LEN)
		p:fill(src, LEN, 10 * life + i)
		expect(p:copy(dsa, {src = src, dst = dst, len = LEN}).ok, "copy")
		expect(p:check(dst, LEN, 10 * life + i), "data")
		p:submit(dsa, {op = "copy", src = src, dst = p:alloc(LEN), len = LEN})
		people[i] = {p = p, src = src}
	end
	for _ = 1, random(0, 60) do
		m:step()
	end
	expect_eq(m:stats().bound_now, 8, "four PASIDs on two devices")
	guest:remove(dsa)
	expect_eq(m:stats().bound_now, 4, "those of the other device")
	for i, who in ipairs(people) do
		local dst = who.p:alloc(LEN)
		expect(who.p:copy(other, {src = who.src, dst = dst, len = LEN}).ok, "the other device")
		expect(who.p:check(dst, LEN, 10 * life + i), "and its data")
		who.p:exit()
	end
	expect_eq(m:stats().bound_now, 0, "nothing is bound")
end

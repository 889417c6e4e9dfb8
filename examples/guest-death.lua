-- A guest dies in whatever state: copies under way, page requests that nobody will answer. Everything goes
-- back to the host, and other guests do not notice.

local PAGE = 4096
local LEN = 16 * PAGE
local m = machine()
local dsa = m:dsa()
local survivor = m:guest{name = "survivor"}
local own = m:dsa()
survivor:add(own)
local s = survivor:process("app")
s:bind(own)
local area = s:alloc(2 * LEN)
s:fill(area, LEN, 7)

section "Ten guests live and die"
for round = 1, 10 do
	local guest = m:guest{name = "mortal" .. round, memory = 8 << 20}
	guest:add(dsa)
	for n = 1, 3 do
		local p = guest:process()
		p:bind(dsa)
		local src, dst = p:alloc(LEN), p:alloc(LEN)
		p:fill(src, LEN, n)
		p:submit(dsa, {op = "copy", src = src, dst = dst, len = LEN, shared = true})
	end
	for _ = 1, random(0, 60) do
		m:step()
	end
	guest:kill()
	local stats = m:stats()
	if stats.bound_now ~= 1 or stats.pasids_now ~= 1 or stats.requests_pending_now ~= 0 then
		expect(false, ("round %d: %d bound, %d PASIDs, %d requests pending"):format(round, stats.bound_now,
			stats.pasids_now, stats.requests_pending_now))
	end
end
expect_eq(m:stats().pasids_now, 1, "PASIDs: the survivor's")
expect(s:copy(own, {src = area, dst = area + LEN, len = LEN}).ok, "the survivor's copy")
expect(s:check(area + LEN, LEN, 7), "the survivor's data")

section "A hung guest: its page-request handler never answers"
local hung = m:guest{name = "hung", silent_handler = true}
hung:add(dsa)
local p = hung:process("app")
p:bind(dsa)
local src, dst = p:alloc(PAGE), p:alloc(PAGE)
p:fill(src, PAGE, 1)
p:submit(dsa, {op = "copy", src = src, dst = dst, len = PAGE})
m:run()
expect_eq(m:stats().requests_pending_now, 1, "a page request is pending")
expect(s:copy(own, {src = area, dst = area + LEN, len = LEN}).ok, "the survivor does not wait for it")
hung:kill()
expect_eq(m:stats().requests_pending_now, 0, "it was answered for the dead guest")
expect_error("is dead", hung.process, hung)

section "The accelerator serves the next guest"
local heir = m:guest{name = "heir"}
heir:add(dsa)
p = heir:process("app")
p:bind(dsa)
src, dst = p:alloc(LEN), p:alloc(LEN)
p:fill(src, LEN, 11)
expect(p:copy(dsa, {src = src, dst = dst, len = LEN}).ok, "copy")
expect(p:check(dst, LEN, 11), "data")

-- A device goes without a word, in the middle of its work. Invalidations to it end after a bounded wait,
-- everything is torn down, the guest lives on.

local PAGE = 4096
local m = machine()
local dsa = m:dsa{name = "doomed"}
local other = m:dsa{name = "sound"}
local guest = m:guest{name = "alice"}
guest:add(dsa)
guest:add(other)
local p = guest:process("app")
p:bind(dsa)
p:bind(other)
expect_eq(m:stats().bound_now, 2, "one PASID, two devices")
local src, dst = p:alloc(16 * PAGE), p:alloc(16 * PAGE)
p:fill(src, 16 * PAGE, 1)
expect(p:copy(dsa, {src = src, dst = dst, len = 16 * PAGE}).ok, "it works")

section "Removed"
p:submit(dsa, {op = "copy", src = src, dst = p:alloc(16 * PAGE), len = 16 * PAGE})
for _ = 1, 10 do
	m:step()
end
dsa:remove()
expect_error("was removed", p.copy, p, dsa, {src = src, dst = dst, len = 8})
expect_eq(m:stats().bound_now, 1, "bindings")

section "The other one goes on"
local b = p:alloc(16 * PAGE)
expect(p:copy(other, {src = src, dst = b, len = 16 * PAGE}).ok, "copy")
expect(p:check(b, 16 * PAGE, 1), "data")
p:munmap(b, 16 * PAGE)
expect_eq(p:copy(other, {src = src, dst = b, len = 8, block_on_fault = false}).name, "page fault", "and munmap works")

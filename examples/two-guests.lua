-- Isolation: two guests with the same guest PASIDs and the same addresses, each with an accelerator, and
-- neither ever sees a byte of the other.

local PAGE = 4096
local LEN = 8 * PAGE
local AT = 0x7e0000000000
local m = machine()

local function make(name, pattern)
	local dsa = m:dsa{name = name .. "'s"}
	local guest = m:guest{name = name, first_pasid = 7}
	guest:add(dsa)
	local p = guest:process("app")
	p:bind(dsa)
	p:alloc(2 * LEN, {at = AT})
	p:fill(AT, LEN, pattern)
	return {guest = guest, dsa = dsa, p = p, pattern = pattern}
end

section "Two guests that are as alike as can be"
local alice, bob = make("alice", 1), make("bob", 2)
expect_eq(alice.p:pasid(), bob.p:pasid(), "the same guest PASID")
expect(alice.guest:host_pasid(7) ~= bob.guest:host_pasid(7), "different host PASIDs")

section "Copies at the same addresses, in turn"
for round = 1, 5 do
	for _, who in ipairs{alice, bob} do
		expect(who.p:copy(who.dsa, {src = AT, dst = AT + LEN, len = LEN}).ok, "copy of " .. tostring(who.guest))
	end
end
expect(alice.p:check(AT + LEN, LEN, 1), "alice's data")
expect(bob.p:check(AT + LEN, LEN, 2), "bob's data")

section "One unmaps, the other does not notice"
alice.p:munmap(AT + LEN, LEN)
local copy = alice.p:copy(alice.dsa, {src = AT, dst = AT + LEN, len = LEN})
expect_eq(copy.name, "page request refused", "alice's copy")
expect(bob.p:copy(bob.dsa, {src = AT, dst = AT + LEN, len = LEN}).ok, "bob's copy")
expect(bob.p:check(AT + LEN, LEN, 2), "bob's data")

section "One device cannot use what is bound to another"
expect_error("does not have device", alice.p.copy, alice.p, bob.dsa, {src = AT, dst = AT, len = 8})
expect_error("EBUSY", bob.guest.add, bob.guest, alice.dsa)

section "Two processes of one guest, the same addresses"
local second = alice.guest:process("second")
second:bind(alice.dsa)
second:alloc(2 * LEN, {at = AT})
second:fill(AT, LEN, 3)
expect(second:copy(alice.dsa, {src = AT, dst = AT + LEN, len = LEN}).ok, "copy of the second")
expect(second:check(AT + LEN, LEN, 3), "data of the second")
expect(alice.p:check(AT, LEN, 1), "data of the first")

section "One guest dies, the other does not notice"
local ok = bob.p:submit(bob.dsa, {op = "copy", src = AT, dst = AT + LEN, len = LEN})
alice.guest:kill()
expect(ok:wait().ok, "bob's copy")
expect_eq(m:stats().bound_now, 1, "bindings")

-- One accelerator, shared by several guests: each has a mediated device, a queue of it that looks like an
-- accelerator of its own. All use the same guest PASID at the same addresses.

local PAGE = 4096
local LEN = 8 * PAGE
local AT = 0x7e0000000000
local PASID = 5
local PORTAL = 0x1000
local CMD, CMDSTS = 0xa0, 0xa8
local DRAIN_QUEUE, DRAIN_PASID, ABORT_PASID = 8 << 20, 11 << 20, 12 << 20
local m = machine()
local dsa = m:dsa()

local function make(name, type, pattern, options)
	options = options or {}
	options.name, options.first_pasid = name, PASID
	local who = {name = name, shared = type == "1swq", pattern = pattern}
	who.dev = dsa:mdev{name = name .. "'s", type = type}
	who.guest = m:guest(options)
	who.guest:add(who.dev)
	who.p = who.guest:process("app")
	who.p:bind(who.dev)
	who.p:alloc(2 * LEN, {at = AT})
	who.p:fill(AT, LEN, pattern)
	return who
end

local function copies(who, text)
	local copy = who.p:copy(who.dev, {src = AT, dst = AT + LEN, len = LEN, shared = who.shared})
	expect(copy.ok, who.name .. "'s copy " .. text)
	expect(who.p:check(AT + LEN, LEN, who.pattern), who.name .. "'s data " .. text)
end

section "Four guests on one accelerator: two dedicated queues, two shared ones (ENQCMD)"
local all = {make("alice", "1dwq", 1), make("bob", "1swq", 2), make("carol", "1dwq", 3), make("dave", "1swq", 4)}
local numbers = {}
for _, who in ipairs(all) do
	local host = who.guest:host_pasid(PASID)
	expect_eq(who.p:pasid(), PASID, who.name .. "'s PASID")
	expect(not numbers[host], "a host PASID of its own")
	numbers[host] = true
end
for round = 1, 3 do
	for _, who in ipairs(all) do
		copies(who, "in round " .. round)
	end
end

section "All at once"
for _, who in ipairs(all) do
	who.p:fill(AT + LEN, LEN, 99)
	who.job = who.p:submit(who.dev, {op = "copy", src = AT, dst = AT + LEN, len = LEN, shared = who.shared})
end
for _, who in ipairs(all) do
	expect(who.job:wait().ok, who.name .. "'s copy")
	expect(who.p:check(AT + LEN, LEN, who.pattern), who.name .. "'s data")
end

local alice, bob, carol, dave = table.unpack(all)

section "A device of one queue"
expect_error("EBUSY", bob.guest.add, bob.guest, alice.dev)
expect_eq(alice.guest:device_read(alice.dev, 0, 0x20, 8) >> 16 & 0xff, 1, "queues")
expect_eq(alice.guest:device_read(alice.dev, 0, 0x20, 8) >> 48 & 3, 2, "alice's is dedicated")
expect_eq(bob.guest:device_read(bob.dev, 0, 0x20, 8) >> 48 & 3, 1, "bob's is shared")

section "A guest that hangs: its work waits, nobody else's does"
local eve = make("eve", "1dwq", 5, {silent_handler = true})
local hole = eve.p:alloc(PAGE)
eve.p:submit(eve.dev, {op = "copy", src = AT, dst = hole, len = PAGE})
m:run()
eve.guest:device_write(eve.dev, 0, CMD, 4, DRAIN_QUEUE | 1)
expect_eq(eve.guest:device_read(eve.dev, 0, CMDSTS, 4) >> 31, 1, "eve's drain waits")
for _, who in ipairs(all) do
	copies(who, "while eve hangs")
end
local second = carol.guest:process("second")
second:bind(carol.dev)
second:alloc(2 * LEN, {at = AT})
second:fill(AT, LEN, 6)
expect(second:copy(carol.dev, {src = AT, dst = AT + LEN, len = LEN}).ok, "carol's queue changes hands meanwhile")
carol.guest:device_write(carol.dev, 0, CMD, 4, DRAIN_QUEUE | 1)
expect_eq(carol.guest:device_read(carol.dev, 0, CMDSTS, 4), 0, "carol's drain does not wait")
expect_eq(eve.guest:device_read(eve.dev, 0, CMDSTS, 4) >> 31, 1, "eve's still does")

section "Commands about a PASID: one's own"
for _, host in ipairs{alice.guest:host_pasid(PASID), dave.guest:host_pasid(PASID), eve.guest:host_pasid(PASID)} do
	bob.guest:device_write(bob.dev, 0, CMD, 4, ABORT_PASID | host)
	expect_eq(bob.guest:device_read(bob.dev, 0, CMDSTS, 4), 0, "a host PASID is none of bob's")
end
bob.guest:device_write(bob.dev, 0, CMD, 4, ABORT_PASID | PASID)
expect_eq(eve.guest:device_read(eve.dev, 0, CMDSTS, 4) >> 31, 1, "eve's work is where it was")

section "A PASID in the bytes of a command counts for nothing"
local noop = string.pack("<I4I4I8I8I8I4I2I2I8I8I8", alice.guest:host_pasid(PASID) | 1 << 31, 0xc, AT, 0, 0, 0, 0, 0, 0, 0, 0)
expect(bob.guest:enqcmd(bob.dev, PORTAL, 0x80000000 | 77, noop) < 0, "bob has no PASID 77")
bob.guest:movdir64b(bob.dev, PORTAL, noop)
m:run()
expect(alice.p:check(AT, LEN, 1), "a posted write to a shared queue reaches nobody")

section "Deaths: of the one that hangs, and of others"
eve.guest:kill()
eve.dev:remove()
bob.guest:kill()
copies(alice, "after eve and bob have died")
carol.guest:reboot()
dave.p:exit()
copies(alice, "after carol's reboot")

section "The queues have new owners"
local frank = make("frank", "1swq", 7)
local grace = make("grace", "1dwq", 8)
copies(frank, "in a queue that was somebody else's")
copies(grace, "in another")

section "The accelerator is pulled out"
local last = grace.p:submit(grace.dev, {op = "copy", src = AT, dst = AT + LEN, len = LEN})
dsa:remove()
expect(alice.guest:is_alive() and grace.guest:is_alive(), "the guests live on")

-- Whoever dies first, whatever is under way: every death at every moment, for each way to use a device.
-- Each cell of the table is a life of its own: a process gets a device, is brought to the moment, something dies, and
-- then nothing may be left of it, nobody else may have noticed, and the next one must find a device that works.
-- `-g every=8` looks at every eighth cell only; which ones, the seed decides.

local PAGE = 4096
local LEN = 32 * PAGE
local SMALL = 4 * PAGE
local LONG = 2 << 20 -- more of these than an engine does in one go are work under way

local EVERY = tonumber(given.every or 1)

local m = machine()

local KINDS = {"guest SVA", "native SVA", "mdev dedicated", "mdev shared"}
local MOMENTS = {"idle", "DMA", "at device", "in host", "in guest", "flush", "half bound"}
local DEATHS = {"process exit", "free, unbind", "unbind, free", "guest reset", "VM fd close", "VMM killed",
	"device removal", "unit reset"}

section "What the words mean"
print "idle        bound, everything it did is done; its translations are cached"
print "DMA         copies are under way"
print "at device   a page request waits in the device, because another one has no answer yet"
print "in host     a page request is in the host's queue, and nobody has looked at it"
print "in guest    a page request is in the guest's queue (half of these guests are hung)"
print "flush       an invalidation of the guest's is in its queue, and copies are under way"
print "half bound  the guest has written its entry, the host may not have seen it; native: bound, the device not told"

-- Why some cells cannot be

local function impossible(kind, moment, death)
	if kind ~= "native SVA" then
		return nil
	end
	if moment == "in guest" then
		return "the host itself answers the page requests of its processes: there is no guest to wait for"
	end
	if moment == "flush" then
		return "one thread: the host's flush is over when the call returns, nothing else runs between (threads: tests/host/test_sva)"
	end
	if death == "free, unbind" then
		return "the PASID of a host's process is nobody's to free: it goes with the last unbind"
	end
	if death == "guest reset" or death == "VM fd close" or death == "VMM killed" then
		return "a host's process has no VM"
	end
end

-- Devices

local own -- of guest SVA and native SVA
local parent -- of the mediated devices
local bystanders -- who must not notice: beside each of them

local function make_own()
	own = m:dsa{name = "own", rid = 0x100}
end

local function make_bystander(name)
	local b = {guest = m:guest{name = name, memory = 4 << 20}}
	return b
end

local function equip(b, device)
	if b.process then
		b.process:exit()
	end
	b.device = device
	b.guest:add(device)
	b.process = b.guest:process("app")
	b.process:bind(device)
	b.src, b.dst = b.process:alloc(SMALL), b.process:alloc(SMALL)
	b.turn = 0
end

local function make_parent()
	parent = m:dsa{name = "parent", rid = 0x108}
	equip(bystanders.mdev, parent:mdev{name = "sibling"})
end

bystanders = {mdev = make_bystander("sibling"), own = make_bystander("neighbour")}
equip(bystanders.own, m:dsa{name = "neighbour", rid = 0x110})
make_own()
make_parent()

local function is_mdev(c)
	return c.kind == "mdev dedicated" or c.kind == "mdev shared"
end

local function bystander_works(c)
	local b = is_mdev(c) and bystanders.mdev or bystanders.own
	b.turn = b.turn + 1
	b.process:fill(b.src, SMALL, b.turn)
	return b.process:copy(b.device, {src = b.src, dst = b.dst, len = SMALL}).ok and
		b.process:check(b.dst, SMALL, b.turn)
end

-- A cell's process and its device

local function take_device(c)
	if c.kind == "mdev dedicated" then
		c.device = parent:mdev{type = "1dwq"}
	elseif c.kind == "mdev shared" then
		c.device = parent:mdev{type = "1swq"}
	else
		c.device = own
	end
end

local function make_process(c, options)
	if c.kind == "native SVA" then
		c.process = m:native("app")
		return
	end
	options.memory = 8 << 20
	options.vcmd = true
	c.guest = m:guest(options)
	c.guest:add(c.device)
	c.process = c.guest:process("app")
end

local function job(c, op)
	op.shared = c.shared
	return op
end

-- Pages of its own for everything that follows
local function make_buffers(c)
	c.src, c.dst = c.process:alloc(LEN), c.process:alloc(LEN)
	c.process:fill(c.src, LEN, 1)
end

local function copies(c, dst, len)
	return c.process:copy(c.device, job(c, {src = c.src, dst = dst or c.dst, len = len or LEN}))
end

local function is_working()
	return m:count("submit") > m:count("complete") + m:count("abort")
end

local function steps(most)
	for _ = 1, random(0, most) do
		m:step()
	end
end

-- Moments

local bring = {}

bring["idle"] = function(c)
	assert(copies(c).ok, "copy before")
end

local function start_long_copies(c)
	local src, dst = c.process:alloc(LONG), c.process:alloc(LONG)
	c.process:fill(src, LONG, 1)
	c.process:fill(dst, LONG, 2)
	for _ = 1, 4 do
		c.process:submit(c.device, job(c, {op = "copy", src = src, dst = dst, len = LONG}))
	end
	assert(m:run_until("access"), "an access")
	assert(is_working(), "work in flight")
	return dst
end

bring["DMA"] = start_long_copies

local function ask(c)
	c.process:submit(c.device, job(c, {op = "fill", dst = c.process:alloc(PAGE), len = PAGE, pattern = 7}))
end

bring["at device"] = function(c)
	assert(c.process:noop(c.device, job(c, {})).ok)
	c.device:page_request_limit(1)
	local asked = m:stats().groups_asked
	ask(c)
	ask(c)
	assert(m:run_until("page-request-queued"), "a page request")
	assert(m:stats().groups_asked == asked + 1 and is_working(), "the other one waits")
end

bring["in host"] = function(c)
	local seen = m:count("page-request-host")
	ask(c)
	assert(m:run_until("page-request-queued"), "a page request")
	assert(m:count("page-request-host") == seen and m:stats().groups_open == 1, "in the host's queue")
end

bring["in guest"] = function(c)
	local handled = m:count("page-fault-guest")
	ask(c)
	assert(m:run_until("page-request-guest"), "a page request")
	assert(m:count("page-fault-guest") == handled and m:stats().groups_open == 1, "in the guest's queue")
end

bring["flush"] = function(c)
	local dst = start_long_copies(c)
	local executed = m:count("viommu-descriptor")
	c.process:flush_begin(dst, LONG)
	assert(m:count("viommu-descriptor") == executed, "nothing executed yet")
end

bring["half bound"] = function() end

local function bind(c, moment)
	if moment ~= "half bound" then
		c.process:bind(c.device)
		make_buffers(c)
	elseif c.guest then
		local bound = m:stats().bound_now
		c.process:bind_begin(c.device)
		assert(m:stats().bound_now == bound, "not bound yet")
		steps(3)
	else
		c.process:bind(c.device)
	end
end

-- Deaths. Operations of somebody whose device does not answer may fail: what counts is what is left.

local die = {}

local function exit(c)
	if c.process:is_alive() then
		c.process:exit()
	end
end

die["process exit"] = exit

-- Soon: the guest unbinds while the host takes down what it has freed. Late: that is done.
die["free, unbind"] = function(c)
	local host = c.guest:host_pasid(c.process:pasid())
	c.process:free_pasid()
	if c.variant == "unbinds-first" then
		assert(not host or m:pasid_state(host) ~= "active", "unbound first")
	end
	if c.variant == "late" then
		m:run()
		-- an entry that the host sees only after the free is a new bind, of a number that the guest has chosen
		assert(c.moment == "half bound" or m:stats().bound_now == c.bound_before, "the host has unbound it")
		assert(not host or m:pasid_state(host) ~= "active", "and given it up")
	else
		steps(20)
	end
	pcall(c.process.unbind, c.process, c.device)
	exit(c)
end

die["unbind, free"] = function(c)
	pcall(c.process.unbind, c.process, c.device)
	exit(c)
end

die["guest reset"] = function(c)
	c.guest:reboot()
end

die["VM fd close"] = function(c)
	c.guest:kill()
end

die["VMM killed"] = function(c)
	local left = c.guest:vanish()
	assert(left == 0, "the VM has kept " .. left)
end

die["device removal"] = function(c)
	if is_mdev(c) then
		parent:remove()
	else
		own:remove()
	end
	exit(c)
end

die["unit reset"] = function(c)
	m:reset_unit()
	m:run()
	if not c.is_hung then
		c.process:bind(c.device)
		make_buffers(c)
		assert(copies(c).ok and c.process:check(c.dst, LEN, 1), "it goes on working")
	end
	exit(c)
end

-- Afterwards

local function successor_in_guest(c)
	c.process = c.guest:process("next")
	c.process:bind(c.device)
	make_buffers(c)
	assert(copies(c).ok and c.process:check(c.dst, LEN, 1), "the next process of this guest")
	c.process:exit()
end

local function let_go(c)
	if c.guest and c.guest:is_alive() then
		c.guest:kill()
	end
	if is_mdev(c) then
		pcall(c.device.remove, c.device)
	end
	m:run()
end

local function replace_device(c)
	if is_mdev(c) then
		make_parent()
	else
		make_own()
	end
end

local function unlimit(device)
	pcall(device.page_request_limit, device, 512)
end

local function next_one_works(kind, shared)
	local c = {kind = kind, shared = shared}
	take_device(c)
	make_process(c, {name = "heir"})
	c.process:bind(c.device)
	unlimit(c.device)
	make_buffers(c)
	local ok = copies(c).ok and c.process:check(c.dst, LEN, 1)
	c.process:exit()
	let_go(c)
	return ok
end

local function measure()
	local s = m:stats()
	local records, pages = m:memory()
	return {bound = s.bound_now, PASIDs = s.pasids_now, domains = s.domains_now, pending = s.requests_pending_now,
		unanswered = s.groups_open, ["answered wrongly"] = s.groups_wrong, violations = s.violations,
		records = records, ["pages of tables"] = pages}
end

local function compare(before, after)
	for what, count in pairs(before) do
		assert(after[what] == count, ("%s: %d, was %d"):format(what, after[what], count))
	end
end

-- Cells

local function live_and_die(c, moment, death)
	take_device(c)
	local wants_silence = moment == "at device" or moment == "in guest" and random(0, 1) == 1
	c.is_hung = wants_silence and c.kind ~= "native SVA"
	make_process(c, {name = "mortal", silent_handler = c.is_hung,
		free_policy = c.variant == "unbinds-first" and "unbinds-first" or "reclaims"})
	c.bound_before = m:stats().bound_now
	bind(c, moment)
	bring[moment](c)
	die[death](c)
	if c.guest and c.guest:is_alive() and not c.is_hung and death ~= "device removal" then
		successor_in_guest(c)
	end
end

local function run_cell(kind, moment, death, variant)
	local c = {kind = kind, moment = moment, variant = variant}
	c.shared = kind == "mdev shared" or kind ~= "mdev dedicated" and random(0, 1) == 1
	local ok, problem = pcall(live_and_die, c, moment, death)
	pcall(let_go, c)
	if death == "device removal" then
		replace_device(c)
	end
	assert(ok, problem)
	assert(bystander_works(c), "somebody else has noticed")
	assert(next_one_works(kind, c.shared), "the next one's copy")
end

local function check_cell(kind, moment, death, variant)
	local before = measure()
	local ok, problem = pcall(run_cell, kind, moment, death, variant)
	if ok then
		ok, problem = pcall(compare, before, measure())
	end
	if not ok then
		expect(false, ("%s, %s, %s, %s: %s"):format(kind, moment, death, variant, problem))
	end
	return ok
end

local counts = {ok = 0, FAILED = 0, ["-"] = 0, ["."] = 0}
local reasons = {}
local turn = random(0, EVERY - 1)

local function cell(kind, moment, death)
	local why = impossible(kind, moment, death)
	local word = "."
	turn = turn + 1
	if why then
		word = "-"
		reasons[why] = (reasons[why] or 0) + 1
	elseif turn % EVERY == 0 then
		word = "ok"
		for _, variant in ipairs(death == "free, unbind" and {"soon", "late", "unbinds-first"} or {"plain"}) do
			word = check_cell(kind, moment, death, variant) and word or "FAILED"
		end
	end
	counts[word] = counts[word] + 1
	return ("%-11s"):format(word)
end

for _, kind in ipairs(KINDS) do
	section(kind)
	-- whoever has the device, and tables that only grow, are there from here on
	run_cell(kind, "idle", "device removal", "plain")
	run_cell(kind, "idle", "process exit", "plain")
	local head = {("%-16s"):format("")}
	for _, moment in ipairs(MOMENTS) do
		head[#head + 1] = ("%-11s"):format(moment)
	end
	print(table.concat(head))
	for _, death in ipairs(DEATHS) do
		local row = {("%-16s"):format(death)}
		for _, moment in ipairs(MOMENTS) do
			row[#row + 1] = cell(kind, moment, death)
		end
		print(table.concat(row))
	end
end

section "The table"
print(("%d cells hold, %d failed, %d were left out (.), %d are impossible (-):"):format(counts.ok, counts.FAILED, counts["."],
	counts["-"]))
local sorted = {}
for why, count in pairs(reasons) do
	sorted[#sorted + 1] = ("%3d  %s"):format(count, why)
end
table.sort(sorted)
for _, line in ipairs(sorted) do
	print(line)
end
expect_eq(counts.FAILED, 0, "cells that failed")

-- Deaths at moments that nobody has chosen: devices, handlers and the host run in threads of their own. What is under way
-- when something dies is another thing each time; what is left must be nothing. (death-matrix chooses the moments.)

local PAGE = 4096
local LEN = 64 * PAGE
local ROUNDS = tonumber(given.rounds or 24)

local m = machine{threads = true}
local own = m:dsa{name = "own", rid = 0x100}
local parent = m:dsa{name = "parent", rid = 0x108}

-- Somebody works all the time, and must not notice
local neighbour = m:guest{name = "neighbour", memory = 8 << 20}
local sibling = parent:mdev{name = "sibling"}
neighbour:add(sibling)
local good = neighbour:process("good")
good:bind(sibling)
local from, to = good:alloc(LEN), good:alloc(LEN)
good:fill(from, LEN, 1)

local KINDS = {"guest", "native", "1dwq", "1swq"}

-- Of a hung guest nobody can wait for anything: it dies as a whole
local OF_HUNG = {["reboot"] = true, ["new kernel"] = true, ["VM closed"] = true, ["VMM killed"] = true}

local function begin(kind, death)
	local c = {kind = kind, shared = kind == "1swq" or kind ~= "1dwq" and random(2) == 1}
	c.device = (kind == "guest" or kind == "native") and own or parent:mdev{type = kind}
	if kind == "native" then
		c.process = m:native("mortal")
	else
		c.guest = m:guest{name = "mortal", memory = 8 << 20, vcmd = true, silent_handler = OF_HUNG[death] and random(2) == 1,
			free_policy = random(2) == 1 and "reclaims" or "unbinds-first"}
		c.guest:add(c.device)
		c.process = c.guest:process("mortal")
	end
	c.process:bind(c.device)
	c.src = c.process:alloc(LEN)
	c.process:fill(c.src, LEN, 2)
	return c
end

local function work(c)
	for _ = 1, random(1, 8) do
		c.process:submit(c.device, {op = "copy", src = c.src, dst = c.process:alloc(LEN), len = LEN,
			shared = c.shared, record = random(2) == 1})
	end
end

local DEATHS = {
	["process exit"] = function(c) c.process:exit() end,
	["early free"] = function(c) c.process:free_pasid() end,
	["unbind"] = function(c) pcall(c.process.unbind, c.process, c.device) end,
	["reboot"] = function(c) c.guest:reboot() end,
	["new kernel"] = function(c) c.guest:reinit() end,
	["VM closed"] = function(c) c.guest:kill() end,
	["VMM killed"] = function(c) expect_eq(c.guest:vanish(), 0, "kept by the VM") end,
	["unit reset"] = function() m:reset_unit() end,
}
local OF_ANY = {"process exit", "unbind", "unit reset"}
local OF_GUESTS = {"process exit", "early free", "unbind", "reboot", "new kernel", "VM closed", "VMM killed", "unit reset"}

local function finish(c)
	if c.process:is_alive() then
		pcall(c.process.exit, c.process)
	end
	if c.guest and c.guest:is_alive() then
		c.guest:kill()
	end
	if c.device ~= own then
		c.device:remove()
	end
end

section "Deaths"
for round = 1, ROUNDS do
	local kind = KINDS[random(1, #KINDS)]
	local deaths = kind == "native" and OF_ANY or OF_GUESTS
	local death = deaths[random(1, #deaths)]
	local c = begin(kind, death)
	work(c)
	m:run(random(4))
	DEATHS[death](c)
	m:run(random(4))
	finish(c)
	local stats = m:stats()
	if stats.bound_now ~= 1 or stats.groups_wrong ~= 0 then
		expect(false, ("round %d, %s, %s: %d bound, %d groups answered wrongly"):format(round, kind, death,
			stats.bound_now, stats.groups_wrong))
	end
	local job = good:copy(sibling, {src = from, dst = to, len = LEN})
	if not (job.ok and good:check(to, LEN, 1)) then
		expect(death == "unit reset", ("round %d, %s, %s: the neighbour has noticed: %s"):format(round, kind, death, job.name))
	end
end
m:run()
expect_eq(m:stats().groups_open, 0, "groups without an answer")
expect_eq(m:stats().pasids_now, 3, "PASIDs: the neighbour's, and two of the parent's")

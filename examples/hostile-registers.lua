-- A guest that writes random values to random registers of its virtual unit and of its devices. Whatever
-- becomes of it: no other guest notices, and everything is returned when it dies.

local PAGE = 4096
local LEN = 4 * PAGE
local m = machine()

local good = m:guest{name = "good"}
local sound = m:dsa{name = "sound"}
good:add(sound)
local p = good:process("app")
p:bind(sound)
local src, dst = p:alloc(LEN), p:alloc(LEN)
p:fill(src, LEN, 1)

local function good_is_well(when)
	p:fill(dst, LEN, 2)
	local ok = p:copy(sound, {src = src, dst = dst, len = LEN}).ok and p:check(dst, LEN, 1)
	if not ok then
		expect(false, when .. ": the good guest's copy")
	end
	return ok
end

local dsa = m:dsa()
local engine = m:test_engine()
local sizes = {1, 2, 4, 8}

-- mostly registers that exist, and values with few bits: those get furthest
local offsets = {0x08, 0x18, 0x1c, 0x20, 0x28, 0x34, 0x38, 0x3c, 0x40, 0x80, 0x88, 0x90, 0x9c, 0xa0, 0xa8, 0xb0,
	0xc0, 0xc8, 0xd0, 0xdc, 0xe0, 0xe8, 0xe00, 0x220, 0x228, 0x108, 0x100}
local function value()
	local kind = random(4)
	if kind == 0 then return 1 << random(64) end
	if kind == 1 then return random(1 << 16) << 12 end
	if kind == 2 then return random(256) end
	return random() * 2 + random(2)
end

for round = 1, 3 do
	section("Round " .. round)
	local bad = m:guest{name = "bad" .. round, memory = 4 << 20}
	bad:add(dsa)
	bad:add(engine)
	local b = bad:process("victim")
	b:bind(dsa)
	b:bind(engine)
	local area = b:alloc(LEN)
	b:fill(area, LEN, 5)
	local accepted, refused = 0, 0
	for i = 1, 1500 do
		local offset = random(4) == 0 and random(4096) or offsets[random(#offsets) + 1]
		local ok
		local kind = random(10)
		if kind < 7 then
			ok = bad:mmio_write(offset, sizes[random(4) + 1], value())
		elseif kind < 8 then
			ok = bad:device_write(dsa, 0, random(0x900), sizes[random(4) + 1], value())
		elseif kind < 9 then
			ok = bad:device_write(engine, 0, random(0x48), sizes[random(4) + 1], value())
		else
			ok = bad:config_write(random(2) == 0 and dsa or engine, random(0x200), sizes[random(3) + 1], value() & 0xffffffff)
		end
		accepted = accepted + (ok and 1 or 0)
		refused = refused + (ok and 0 or 1)
		if i % 20 == 0 then
			m:run(200)
		end
		if i % 250 == 0 then
			good_is_well("after " .. i .. " writes")
		end
	end
	m:run(10000)
	expect(accepted > 0 and refused > 0, "some were accepted, some refused")
	bad:kill()
	expect(good_is_well("after the death"), "the good guest is well")
	expect_eq(m:stats().bound_now, 1, "bindings: the good guest's")
	expect_eq(m:stats().pasids_now, 1, "PASIDs: the good guest's")
end

-- A guest that scribbles over its own tables and queues: root and context entries, PASID entries, page
-- tables, the invalidation queue, with cycles and addresses outside of its memory; and random
-- descriptors in the accelerator's portals. The other guest stays correct.

local PAGE = 4096
local LEN = 4 * PAGE
local MEMORY = 4 << 20
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

-- entries that look like tables: present, writable, leading anywhere in or beyond memory
local function entry()
	local kind = random(6)
	if kind == 0 then return 0 end
	if kind == 1 then return random() * 2 + random(2) end
	local address = random(kind == 2 and (1 << 40) or MEMORY) & ~0xfff
	return address | random(0x200) | 1
end

local function scribble(guest, words)
	for _ = 1, words do
		guest:write(random(MEMORY // 8) * 8, string.pack("<i8", entry()))
	end
end

-- the guest's driver lays its tables out from the begin of memory on
local function scribble_tables(guest, words)
	for _ = 1, words do
		guest:write(random(0x60000 // 8) * 8, string.pack("<i8", entry()))
	end
end

local function flush(guest)
	local invalidations = {
		string.pack("<i8i8i8i8", 1 | 1 << 4, 0, 0, 0),                      -- context cache, global
		string.pack("<i8i8i8i8", 7 | 3 << 4, 0, 0, 0),                      -- PASID cache, global
		string.pack("<i8i8i8i8", 7 | 1 << 4 | random(64) << 32, 0, 0, 0),   -- PASID cache, one PASID
		string.pack("<i8i8i8i8", 2 | 1 << 4, 0, 0, 0),                      -- IOTLB, global
		string.pack("<i8i8i8i8", 6 | 2 << 4 | random(64) << 32, 0, 0, 0),   -- PASID IOTLB
		string.pack("<i8i8i8i8", random() * 2, random(), random(), random()),
	}
	local base = guest:mmio_read(0x90, 8) or 0
	local tail = guest:mmio_read(0x88, 8) or 0
	for _ = 1, random(1, 6) do
		local at = (base & ~0xfff) + (tail & 0x1fff)
		if at >= 0 and at + 32 <= MEMORY then
			guest:write(at, invalidations[random(#invalidations) + 1])
		end
		tail = (tail + 32) & 0x1fff
		guest:mmio_write(0x88, 8, tail)
	end
end

local function descriptor()
	local opcodes = {0, 1, 2, 3, 4, 5, 6, 9, 0x10, 0x11, 0x20, random(256)}
	local function address()
		return random(2) == 0 and random(1 << 48) or 0x7f0000000000 + random(1 << 24)
	end
	return string.pack("<I4I4i8i8i8I4I2I2i8i8i8", random(1 << 32), opcodes[random(#opcodes) + 1] << 24 | random(1 << 12),
		address() & ~31, address(), address(), random(1 << random(1, 22)), random(16), random(8) == 0 and 1 or 0,
		address(), random(3), random(3))
end

for round = 1, 3 do
	section("Round " .. round)
	local bad = m:guest{name = "bad" .. round, memory = MEMORY}
	bad:add(dsa)
	bad:add(engine)
	local b = bad:process("victim")
	b:bind(dsa)
	b:bind(engine)
	b:fill(b:alloc(LEN), LEN, 5)
	for i = 1, 150 do
		if round == 1 then
			scribble(bad, 40)
		elseif round == 2 then
			scribble_tables(bad, 20)
		end
		flush(bad)
		for _ = 1, 4 do
			bad:movdir64b(dsa, 0x1000, descriptor())
			bad:enqcmd(dsa, 0x5000, 0x80000001, descriptor())
		end
		bad:device_write(engine, 0, 0x08, 8, random(1 << 40))
		bad:device_write(engine, 0, 0x10, 8, random(1 << 40))
		bad:device_write(engine, 0, 0x18, 8, random(1 << 20) | (random(4) << 32) | (random(2) << 63))
		bad:device_write(engine, 0, 0x20, 4, random(1, 5) | random(4) << 8)
		m:run(300)
		if i % 30 == 0 then
			good_is_well("after " .. i)
		end
	end
	m:run(10000)
	bad:kill()
	expect(good_is_well("after the death"), "the good guest is well")
	expect_eq(m:stats().bound_now, 1, "bindings: the good guest's")
	expect_eq(m:stats().pasids_now, 1, "PASIDs: the good guest's")
end

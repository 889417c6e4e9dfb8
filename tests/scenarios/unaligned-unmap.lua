-- Unaligned flush ranges, in a guest: runs of pages are unmapped that are no naturally aligned ranges.
-- All of a run must go from every cache, and nothing beside it is lost.

local PAGE = 4096
local PAGES = 16
local m = machine()
local engine = m:test_engine()
local guest = m:guest{name = "alice"}
guest:add(engine)
local p = guest:process("app")
p:bind(engine)

local function reads(address)
	return p:engine(engine, {op = "read", src = address, len = 64, ats = true}).ok
end

for _, run in ipairs{{3, 1}, {5, 2}, {7, 4}, {1, 14}, {6, 3}} do
	local first, count = run[1], run[2]
	section(count .. " pages from page " .. first .. " on")
	local area = p:alloc(PAGES * PAGE)
	p:fill(area, PAGES * PAGE, first)
	for i = 0, PAGES - 1 do
		expect(reads(area + i * PAGE), "page " .. i .. " is there")
	end
	p:munmap(area + first * PAGE, count * PAGE)
	for i = 0, PAGES - 1 do
		expect_eq(reads(area + i * PAGE), i < first or i >= first + count, "page " .. i)
	end
end

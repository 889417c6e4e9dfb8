-- A machine in trouble, standing still: two guests, bound PASIDs, a fault that nobody takes, a page request that nobody answers,
-- and page tables that were changed without an invalidation.
local PAGE = 4096
local RTADDR, FECTL = 0x20, 0x38
local ADDRESS = ~0xfff & ((1 << 52) - 1)

local m = machine()
hold() -- for those who want to see it from the beginning
local acc, other = m:dsa{name = "acc", rid = 0x6a00}, m:dsa{name = "other", rid = 0x6b00}
local engine = m:test_engine{name = "engine", rid = 0x6c00}
local alpha = m:guest{name = "alpha", memory = 16 << 20, vcmd = true}
local beta = m:guest{name = "<b>beta</b>&\"'", memory = 8 << 20, silent_handler = true}
alpha:add(acc)
alpha:add(engine)
beta:add(other)

-- alpha: two processes copy
local one, two = alpha:process("one"), alpha:process("two")
one:bind(acc)
two:bind(acc)
two:bind(engine)
local src, dst = one:alloc(8 * PAGE), one:alloc(8 * PAGE)
one:fill(src, 8 * PAGE, 1)
for _ = 1, 10 do
	one:copy(acc, {src = src, dst = dst, len = 8 * PAGE})
end
local from, to = two:alloc(2 * PAGE), two:alloc(2 * PAGE)
two:fill(from, 2 * PAGE, 2)
two:copy(acc, {src = from, dst = to, len = 2 * PAGE})

-- beta: asks for a page, and its handler never answers
local slow = beta:process("slow")
slow:bind(other)
local here, there = slow:alloc(PAGE), slow:alloc(PAGE)
slow:fill(here, PAGE, 3)
slow:submit(other, {op = "copy", src = here, dst = there, len = PAGE})
m:run(200)

-- a fault that alpha does not hear of: its fault event is masked
alpha:mmio_write(FECTL, 4, 1 << 31)
alpha:engine(engine, {pasid = two:pasid(), op = "read", src = 0xdead000, len = 64})

-- alpha makes a page absent and does not say so
local function word(address)
	return (string.unpack("<I8", alpha:read(address, 8)))
end

local function page_entry(pasid, address)
	local bus, devfn = 0, 3 << 3
	local root = alpha:mmio_read(RTADDR, 8) & ADDRESS
	local context = word(root + bus * 16) & ADDRESS
	local directory = word(context + devfn * 32) & ADDRESS
	local entry = (word(directory + (pasid >> 6) * 8) & ADDRESS) + (pasid & 63) * 64
	local at = word(entry + 16) & ADDRESS
	for shift = 39, 21, -9 do
		at = word(at + (address >> shift & 511) * 8) & ADDRESS
	end
	return at + (address >> 12 & 511) * 8
end

local at = page_entry(one:pasid(), src)
expect(word(at) & 1 == 1, "the page is there")
alpha:write(at, string.pack("<I8", 0))

print(string.format("stale 0x%x", src))
hold()
beta:kill()

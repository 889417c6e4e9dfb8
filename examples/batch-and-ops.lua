-- Every operation of the accelerator, alone and in batches.

local PAGE = 4096
local LEN = 3 * PAGE + 17
local m = machine()
local dsa = m:dsa()
local guest = m:guest{name = "alice"}
guest:add(dsa)
local p = guest:process("app")
p:bind(dsa)
local a, b, c = p:alloc(LEN), p:alloc(LEN), p:alloc(LEN)
p:fill(a, LEN, 1)

section "Alone"
expect(p:noop(dsa).ok, "noop")
expect(p:copy(dsa, {src = a, dst = b, len = LEN}).ok, "copy")
local compare = p:compare(dsa, {src = a, src2 = b, len = LEN})
expect(compare.ok and compare.result == 0, "compare: equal")
p:write(b + LEN - 1, "?")
compare = p:compare(dsa, {src = a, src2 = b, len = LEN})
expect(compare.result == 1, "compare: different")
expect_eq(compare.bytes, LEN - 1, "where")
expect(p:fill_dsa(dsa, {dst = c, len = LEN, pattern = 0x6867666564636261}).ok, "fill")
expect_eq(p:read(c + 8, 8), "abcdefgh", "pattern")
compare = p:compare_pattern(dsa, {src = c, len = LEN, pattern = 0x6867666564636261})
expect(compare.ok and compare.result == 0, "compare with a pattern")
expect(p:flush(dsa, {dst = c, len = LEN}).ok, "cache flush")
expect(p:drain(dsa).ok, "drain")

section "CRC"
p:write(c, "123456789")
local crc = p:crc(dsa, {src = c, len = 9})
expect(crc.ok, "CRC")
expect_eq(crc.crc & 0xffffffff, 0xe3069283, "CRC-32C of 123456789")
local both = p:copy_crc(dsa, {src = c, dst = b, len = 9})
expect_eq(both.crc & 0xffffffff, 0xe3069283, "copy with CRC")
expect_eq(p:read(b, 9), "123456789", "and the copy")

section "Dual cast"
local d = p:alloc(4 * PAGE)
local e = p:alloc(4 * PAGE)
expect(p:dualcast(dsa, {src = a, dst = d, dst2 = e, len = 2 * PAGE}).ok, "dual cast")
expect(p:check(d, 2 * PAGE, 1) and p:check(e, 2 * PAGE, 1), "both destinations")

section "A batch, destinations untouched"
local x = p:alloc(8 * PAGE)
local batch = p:batch(dsa, {
	{op = "copy", src = a, dst = x, len = PAGE},
	{op = "copy", src = x, dst = x + PAGE, len = PAGE, fence = true},
	{op = "fill", dst = x + 2 * PAGE, len = 64, pattern = 0},
	{op = "compare", src = a, src2 = x + PAGE, len = PAGE, fence = true},
})
expect_eq(batch.name, "success", "status")
expect_eq(batch.bytes, 4, "descriptors completed")
expect_eq(batch.items[4].result, 0, "the comparison in it")
expect(p:check(x + PAGE, PAGE, 1), "data")

section "A batch with a failure in it"
batch = p:batch(dsa, {
	{op = "copy", src = a, dst = x, len = 64},
	{op = "copy", src = a, dst = 0x5000, len = 64},
	{op = "noop"},
})
expect_eq(batch.name, "batch failed", "status")
expect_eq(batch.items[1].name, "success", "the first")
expect_eq(batch.items[2].name, "page request refused", "the second")
expect_eq(batch.items[2].fault_address, 0x5000, "its fault address")

section "Mistakes"
expect_eq(p:copy(dsa, {src = a, dst = b, len = 0}).name, "bad size", "no bytes")
expect_eq(p:copy(dsa, {src = a, dst = b, len = 4 << 20}).name, "bad size", "more than the queue allows")
expect_eq(p:dualcast(dsa, {src = a, dst = d, dst2 = e + 1, len = 64}).name, "dualcast alignment", "dual cast, not aligned alike")
expect_eq(p:copy(dsa, {src = a, dst = b, len = 8, flags = 1 << 19}).name, "bad flags", "unknown flag")

section "Many at once"
local jobs = {}
for i = 1, 30 do
	jobs[i] = p:submit(dsa, {op = "copy", src = a, dst = x, len = PAGE})
end
local good = 0
for _, job in ipairs(jobs) do
	good = good + (job:wait().ok and 1 or 0)
end
expect_eq(good, 30, "jobs in flight")

-- Copies until somebody says go-on; each round also unmaps, so that the counters of the queue go on too.
local LEN = 16 * 4096
local m = machine{threads = true}
local dsa = m:dsa{name = "acc", rid = 0x6a00}
local g = m:guest{name = "alpha", memory = 16 << 20}
g:add(dsa)
local p = g:process("copier")
p:bind(dsa)
local src, dst = p:alloc(LEN), p:alloc(LEN)
p:fill(src, LEN, 1)
local rounds = 0
repeat
	local scratch = p:alloc(4096)
	p:copy(dsa, {src = src, dst = dst, len = LEN})
	p:copy(dsa, {src = src, dst = scratch, len = 4096})
	p:munmap(scratch, 4096)
	rounds = rounds + 1
until told()
expect(rounds > 1, "copies went on")

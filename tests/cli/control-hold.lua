-- Something of everything that can be shown, standing still.
local PAGE = 4096
local m = machine()
local dsa = m:dsa{name = "acc", rid = 0x6a00}
local g = m:guest{name = "alpha", memory = 8 << 20, vcmd = true}
m:guest{name = "beta", memory = 8 << 20}
g:add(dsa)
local p, q = g:process("one"), g:process("two")
p:bind(dsa)
q:bind(dsa)
local src, dst = p:alloc(4 * PAGE), p:alloc(4 * PAGE)
p:fill(src, 4 * PAGE, 1)
p:copy(dsa, {src = src, dst = dst, len = 4 * PAGE})
print(string.format("copied from 0x%x", src))
hold()

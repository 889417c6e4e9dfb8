-- The smallest whole thing: a process gives its address space to the accelerator and hands it two of
-- its own pointers. Copy this file to begin a scenario of your own.

local m = machine()                     -- cache policy and seed come from the command line
local dsa = m:dsa()                     -- a DSA-compatible accelerator
local guest = m:guest{name = "alice"}   -- boots the built-in guest
guest:add(dsa)                          -- assigns the accelerator; the guest's driver enables it

local p = guest:process("app")
p:bind(dsa)                             -- PASID-table entry, invalidation, bind on the host

local LEN = 100000
local src = p:alloc(LEN)
local dst = p:alloc(LEN)
p:fill(src, LEN, 1)                     -- a pattern, number 1
p:fill(dst, LEN, 2)

section "Copy"
local copy = p:copy(dsa, {src = src, dst = dst, len = LEN})
expect_eq(copy.name, "success", "status")
expect(p:check(dst, LEN, 1), "the destination holds the pattern")
expect(p:check(src, LEN, 1), "the source still does")

section "A string, at addresses that are not aligned"
p:write(src + 13, "a guest's own pointer")
copy = p:copy(dsa, {src = src + 13, dst = dst + 77, len = 21})
expect(copy.ok, "copied")
expect_eq(p:read(dst + 77, 21), "a guest's own pointer", "the text")

section "Guest and host have different numbers for the process"
expect_eq(p:pasid(), 1, "guest PASID")
expect(guest:host_pasid(1) ~= 1, "host PASID")
p:unbind(dsa)
expect_eq(guest:host_pasid(1), nil, "after unbind the host has none")

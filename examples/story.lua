-- The story: a guest's own pointers reach a device, and everything is taken back safely.
-- `vsva run` without an argument runs this, and tells every hop of the four journeys:
-- bind, DMA, page request, death.

local PAGE = 4096
local LEN = 3 * PAGE + 100

section "A machine: one remapping unit, one accelerator, one guest"
local m = machine()
local dsa = m:dsa()
local alice = m:guest{name = "alice", first_pasid = 5}
alice:add(dsa)

section "The first journey, bind: two processes give their address spaces to the accelerator"
local ann = alice:process("ann")
local bob = alice:process("bob")
ann:bind(dsa)
bob:bind(dsa)
expect(ann:pasid() ~= bob:pasid(), "each process has a PASID of its own")
expect(alice:host_pasid(ann:pasid()) ~= ann:pasid(), "the host's number is another one than the guest's")

section "The second journey, DMA: ann's pointers, her pages are there"
local source = ann:alloc(LEN)
local target = ann:alloc(LEN)
ann:fill(source, LEN, 1)
ann:fill(target, LEN, 2)
local copy = ann:copy(dsa, {src = source, dst = target, len = LEN})
expect_eq(copy.name, "success", "the copy")
expect(ann:check(target, LEN, 1), "ann reads what the accelerator wrote")

section "The third journey, page requests: bob's destination was never touched"
local from = bob:alloc(LEN)
local to = bob:alloc(LEN)
bob:fill(from, LEN, 3)
local before = alice:stats().page_requests
copy = bob:copy(dsa, {src = from, dst = to, len = LEN})
expect_eq(copy.name, "success", "the copy")
expect_eq(alice:stats().page_requests - before, 4, "page requests, one for each page of the destination")
expect(bob:check(to, LEN, 3), "bob reads what the accelerator wrote")

section "ann unmaps her target: the next access faults as it should"
ann:munmap(target, LEN)
copy = ann:copy(dsa, {src = source, dst = target, len = LEN})
expect_eq(copy.name, "page request refused", "with block on fault the guest says no")
expect(copy.write, "it was the write")
expect_eq(copy.fault_address, target, "and the address")
copy = ann:copy(dsa, {src = source, dst = target, len = LEN, block_on_fault = false})
expect_eq(copy.name, "page fault", "without, the accelerator stops")
expect_eq(copy.fault_address, target, "at the same address")

section "The fourth journey, death: ann dies with work in flight, bob goes on"
local late = ann:alloc(64 * PAGE)
ann:submit(dsa, {op = "copy", src = source, dst = late, len = LEN})
ann:exit()
expect(not ann:is_alive(), "ann is dead")
copy = bob:copy(dsa, {src = to, dst = from, len = LEN})
expect_eq(copy.name, "success", "bob's copy")
expect(bob:check(from, LEN, 3), "bob's data")
expect_eq(m:stats().bound_now, 1, "one process is bound")

section "The guest itself dies"
alice:kill()
expect_eq(m:stats().bound_now, 0, "nothing is bound")
expect_eq(m:stats().pasids_now, 0, "every host PASID has been returned")

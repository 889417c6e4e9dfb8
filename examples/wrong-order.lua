-- Guests that let go in the wrong order, or not at all. Whatever they do is their own loss: the host takes everything
-- down, and the number is not used again before nobody has it any more.

local PAGE = 4096
local LEN = 16 * PAGE
local m = machine()
local dsa = m:dsa()

local function bound_process(guest)
	local p = guest:process("app")
	p:bind(dsa)
	return p, guest:host_pasid(p:pasid())
end

local function copies(p, text)
	local src, dst = p:alloc(LEN), p:alloc(LEN)
	p:fill(src, LEN, 5)
	expect(p:copy(dsa, {src = src, dst = dst, len = LEN, shared = true}).ok, text)
	expect(p:check(dst, LEN, 5), "data")
end

section "Free before unbind: the host reclaims"
local guest = m:guest{name = "early", vcmd = true, memory = 8 << 20}
guest:add(dsa)
local p, host = bound_process(guest)
copies(p, "copy")
p:free_pasid()
local state, references = m:pasid_state(host)
expect_eq(state, "free-pending", "at once")
print(("references: %d: its allocation's, the binding's, KVM's"):format(references))
expect_eq(p:raw(dsa, ("\0"):rep(64), true), false, "a CPU finds no translation any more")
m:run()
expect_eq(m:pasid_state(host), "free", "after its work queue has run")
expect_eq(m:stats().bound_now, 0, "bindings")
p:unbind(dsa)
expect_eq(m:stats().bound_now, 0, "the guest's own unbind comes late, and harms nothing")
guest:kill()

section "Free before unbind: the host unbinds first"
guest = m:guest{name = "strict", vcmd = true, memory = 8 << 20, free_policy = "unbinds-first"}
guest:add(dsa)
p, host = bound_process(guest)
copies(p, "copy")
p:free_pasid()
expect_eq(m:stats().bound_now, 0, "bindings when the call returns")
p:exit()
guest:kill()

section "Free while a page request is on its way"
guest = m:guest{name = "hasty", vcmd = true, memory = 8 << 20, silent_handler = true}
guest:add(dsa)
p, host = bound_process(guest)
p:submit(dsa, {op = "fill", dst = p:alloc(PAGE), len = PAGE, pattern = 1, shared = true})
expect(m:run_until("page-request-guest"), "the guest is asked")
p:free_pasid()
m:run()
expect_eq(m:stats().groups_open, 0, "groups without an answer: it was given for the guest")
expect_eq(m:pasid_state(host), "free", "its PASID")
p:exit()
guest:kill()

section "A guest that sits in its queue while its own page requests are pending"
guest = m:guest{name = "busy", memory = 8 << 20}
guest:add(dsa)
p, host = bound_process(guest)
local job = p:submit(dsa, {op = "fill", dst = p:alloc(PAGE), len = PAGE, pattern = 1, shared = true})
expect(m:run_until("page-request-guest"), "the guest is asked")
p:spin(dsa, 20)
expect(job:wait().ok, "afterwards it answers, and the work goes on")

section "Another kernel takes over without a word"
p:submit(dsa, {op = "copy", src = p:alloc(LEN), dst = p:alloc(LEN), len = LEN, shared = true})
for _ = 1, random(0, 20) do
	m:step()
end
guest:reinit()
expect_eq(m:stats().bound_now, 0, "what the old one had bound")
p = bound_process(guest)
copies(p, "the new one's process")

section "The VMM is killed"
p:submit(dsa, {op = "copy", src = p:alloc(LEN), dst = p:alloc(LEN), len = LEN, shared = true})
expect(m:run_until("page-request-queued"), "a page request is in the host's queue")
expect_eq(guest:vanish(), 0, "what its VM has kept")
expect_eq(m:stats().groups_open, 0, "groups without an answer")

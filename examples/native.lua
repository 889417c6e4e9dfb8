-- Processes of the host itself: each gives its address space to an accelerator, under one PASID on all devices.
-- Nobody is asked when a page is missing: the host faults it in.

local PAGE = 4096
local LEN = 16 * PAGE
local m = machine()
local a, b = m:dsa{name = "a"}, m:dsa{name = "b"}
local db, web = m:native("db"), m:native("web")

local function copies(p, device, text)
	local src, dst = p:alloc(LEN), p:alloc(LEN)
	p:fill(src, LEN, 5)
	for _, shared in ipairs{false, true} do
		expect(p:copy(device, {src = src, dst = dst, len = LEN, shared = shared}).ok, text)
		expect(p:check(dst, LEN, 5), "data")
	end
	return dst
end

section "One PASID for each address space, on every device"
db:bind(a)
local pasid = db:pasid()
db:bind(b)
web:bind(a)
expect_eq(db:pasid(), pasid, "db's PASID on the second device")
expect(web:pasid() ~= pasid, "web has another")
copies(db, a, "db on a")
copies(db, b, "db on b")
copies(web, a, "web on a")

section "What was missing was faulted in"
local asked = m:stats().groups_asked
local dst = copies(db, a, "into memory that nobody has touched")
expect(m:stats().groups_asked > asked, "the device has asked")
expect_eq(m:stats().groups_open, 0, "groups without an answer")

section "What is taken away is out of reach"
local from = db:alloc(LEN)
db:munmap(dst, LEN)
local again = db:copy(a, {src = from, dst = dst, len = LEN})
expect(not again.ok, "a copy into memory that was unmapped: " .. again.name)

section "A process exits while the device works for it"
local src = web:alloc(LEN)
for _ = 1, 4 do
	web:submit(a, {op = "copy", src = src, dst = web:alloc(LEN), len = LEN, shared = true})
end
for _ = 1, random(0, 30) do
	m:step()
end
local number = web:pasid()
web:exit()
m:run()
expect_eq(m:pasid_state(number), "free", "its PASID")
copies(db, a, "the other one does not notice")

section "A device is pulled out under a process"
db:submit(b, {op = "copy", src = db:alloc(LEN), dst = db:alloc(LEN), len = LEN})
m:run_until("page-request-queued")
b:remove()
expect_eq(m:pasid_state(pasid), "active", "its PASID, on the device that is left")
copies(db, a, "which still works")
db:exit()
m:run()
expect_eq(m:pasid_state(pasid), "free", "and then it goes")

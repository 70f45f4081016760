-- Finds marks of ids in both generations.
--
-- KEYS: newer, older (hashes: id -> note)
-- ARGV: ids of 16 bytes, one after the other
-- Returns {place in the list, note, ...} of those that are marked; places count from 0.
local PAGE = 1000
local ids = ARGV[1]
local count = #ids / 16
local found = {}

local function look(key, wanted, from)
    local notes = redis.call('HMGET', key, unpack(wanted))
    for index = 1, #wanted do
        if notes[index] then
            found[#found + 1] = from + index - 1
            found[#found + 1] = notes[index]
        end
    end
end

local older = redis.call('EXISTS', KEYS[2]) == 1
for from = 0, count - 1, PAGE do
    local wanted = {}
    for place = from, math.min(from + PAGE, count) - 1 do
        wanted[#wanted + 1] = string.sub(ids, place * 16 + 1, place * 16 + 16)
    end
    if older then look(KEYS[2], wanted, from) end
    look(KEYS[1], wanted, from) -- later in the list, so the newer note counts
end
return found

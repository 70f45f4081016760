-- Marks ids, and forgets the oldest marks: what is too many, and what is too old.
--
-- KEYS: marks (hash: id -> note; '#' = ids in the order), order (list of what was marked together, the oldest first:
--       when, as 13 digits of ms, and the ids)
-- ARGV: most ids, ms after which a mark is forgotten, ids of 16 bytes one after the other, their notes
local PAGE = 1000
local FORGOTTEN_FOR_EACH_PAGE = 2 -- so what is too much becomes less, and no call takes long
local marks, order = unpack(KEYS)
local most, keep_ms, ids, notes = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local count = #ids / 16
local note_bytes = #notes / count
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local function forget_first()
    local first = redis.call('LPOP', order)
    local size = (#first - 13) / 16
    -- unpack's last word is where the next id would begin: no id, so nothing is deleted for it.
    redis.call('HDEL', marks, struct.unpack(string.rep('c16', size), first, 14))
    redis.call('HINCRBY', marks, '#', -size)
end

local function is_first_due(added)
    local first = redis.call('LINDEX', order, 0)
    if not first then return false end
    return redis.call('HGET', marks, '#') + added > most or string.sub(first, 1, 13) + keep_ms < now_ms
end

-- One without the other, as an eviction leaves them, would never be forgotten.
if redis.call('EXISTS', marks, order) == 1 then redis.call('UNLINK', marks, order) end
for from = 0, count - 1, PAGE do
    local size = math.min(PAGE, count - from)
    for _ = 1, FORGOTTEN_FOR_EACH_PAGE do
        if is_first_due(size) then forget_first() end
    end
    local words = {}
    for place = from, from + size - 1 do
        words[#words + 1] = string.sub(ids, place * 16 + 1, place * 16 + 16)
        words[#words + 1] = string.sub(notes, place * note_bytes + 1, (place + 1) * note_bytes)
    end
    redis.call('HSET', marks, unpack(words))
    redis.call('HINCRBY', marks, '#', size)
    redis.call('RPUSH', order, string.format('%013.0f', now_ms) .. string.sub(ids, from * 16 + 1, (from + size) * 16))
end
redis.call('PEXPIRE', marks, keep_ms)
redis.call('PEXPIRE', order, keep_ms)
return 1

-- Finds marks of ids.
--
-- KEYS: marks (hash: id -> note)
-- ARGV: ids of 16 bytes, one after the other
-- Returns {place in the list (from 0) and length of each note that there is, 4 bytes each, the notes}: two strings, for
-- a client takes long to read an answer of many parts.
local PAGE = 1000
local ids = ARGV[1]
local count = #ids / 16
local heads, found = {}, {}
for from = 0, count - 1, PAGE do
    local size = math.min(PAGE, count - from)
    -- unpack's last word is where the next id would begin: no id, so nothing is found for it.
    local wanted = string.rep('c16', size)
    local notes = redis.call('HMGET', KEYS[1], struct.unpack(wanted, ids, from * 16 + 1))
    for index = 1, size do
        local note = notes[index]
        if note then
            heads[#heads + 1] = struct.pack('<I4I4', from + index - 1, #note)
            found[#found + 1] = note
        end
    end
end
return {table.concat(heads), table.concat(found)}

-- Goes before scripts that do harm when they run late: a first attempt that arrives after its repetition does nothing.
-- Only a repetition leaves a mark, so a request that is answered at once costs a look and no memory.
--
-- KEYS: .., the mark of this request
-- ARGV: .., ms for which the first attempt may still be on its way ('' = this is the first attempt)
do
    local mark, repeats_ms = table.remove(KEYS), table.remove(ARGV)
    if repeats_ms ~= '' then
        redis.call('SET', mark, '', 'PX', repeats_ms)
    elseif redis.call('EXISTS', mark) == 1 then
        return false
    end
end


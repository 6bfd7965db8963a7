#!lua
-- Take units from token buckets, one after the other. A bucket is the time at which it will be full again.
-- KEYS[i] the bucket, a string: that time in microseconds; absent while the bucket is full
-- ARGV[5i-4..5i] for each: units to take; microseconds in which one unit is refilled; microseconds in which the empty
--   bucket is; units to prefetch: the caller would take them in advance; prefetched units that it returns
-- The answer has the time now, then for each bucket four items: the prefetched units, or -1 when nothing could be
--   taken; the units left; the microseconds until the bucket is full, and until this take is possible (0 when it was).
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = { string.format('%.0f', now) }
for i, key in ipairs(KEYS) do
  local at = 5 * (i - 1)
  local cost, unit, full = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local prefetch, returned = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local debt = tonumber(redis.call('GET', key) or now) - now
  debt = math.max(0, math.min(debt, full) - returned * unit) -- not above full, in case the server's clock was set back
  local left = math.floor((full - debt) / unit)
  local prefetched, wait = -1, 0
  if cost <= left then
    prefetched = math.min(prefetch, math.floor((left - cost) / 4))
    debt = debt + (cost + prefetched) * unit
    left = left - cost - prefetched
  else
    wait = debt + cost * unit - full
  end
  if debt > 0 then
    redis.call('SET', key, string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000) + 1) -- a millisecond has begun
  else
    redis.call('DEL', key)
  end
  answer[#answer + 1] = prefetched
  answer[#answer + 1] = left
  answer[#answer + 1] = debt
  answer[#answer + 1] = wait
end
return answer

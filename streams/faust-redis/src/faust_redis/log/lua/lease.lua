#!lua flags=allow-oom
-- Take or renew the lease of a process of which one may work at a time, or end it.
-- KEYS[1] the key of the lease
-- ARGV: holder, lease_ms (0: the holder ends)
-- Returns the present holder; '' for none.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return ''
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]

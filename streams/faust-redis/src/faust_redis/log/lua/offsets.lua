#!lua flags=allow-oom
-- Reset or forget the committed offsets of a group that has no live member. KEYS[1] the group's hash
-- ARGV[1] key prefix, ARGV[2] group, ARGV[3] 'reset' or 'forget', then for reset: topic, partition, offset in turn
-- Returns the live members; when there are any, the script changes nothing.
local prefix, name, op = ARGV[1], ARGV[2], ARGV[3]
local t = redis.call('TIME')
local alive = redis.call('ZRANGEBYSCORE', KEYS[1] .. ':leases', t[1] * 1000 + math.floor(t[2] / 1000), '+inf')
if #alive > 0 then return alive end
local offsets = KEYS[1] .. ':offsets'
if op == 'forget' then
  for _, part in ipairs({'', ':members', ':joined', ':leases', ':assignments', ':status', ':offsets'}) do
    redis.call('DEL', KEYS[1] .. part)
  end
  redis.call('SREM', prefix .. 'groups', name)
  return {}
end
for i = 4, #ARGV, 3 do redis.call('HSET', offsets, ARGV[i] .. ':' .. ARGV[i + 1], ARGV[i + 2]) end
redis.call('SADD', prefix .. 'groups', name)
return {}

#!lua flags=allow-oom
-- Publish the status of a member whose group is on Kafka, for clients that look up the group in this log.
-- KEYS[1] the group's hash; the keys `:leases` and `:status` extend its name
-- ARGV[1] member, ARGV[2] lease_ms (0: the member leaves), then generation, state, status (JSON)
local group, member = KEYS[1], ARGV[1]
local leases, status = group .. ':leases', group .. ':status'
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. now)) do
  redis.call('ZREM', leases, dead)
  redis.call('HDEL', status, dead)
end
if ARGV[2] == '0' then
  redis.call('ZREM', leases, member)
  redis.call('HDEL', status, member)
  if redis.call('ZCARD', leases) == 0 then redis.call('HSET', group, 'state', 'empty') end
  return
end
-- A member that does not know the new generation yet must not set the group back to the old one.
local generation = tonumber(ARGV[3])
if redis.call('ZCARD', leases) == 0 or generation >= tonumber(redis.call('HGET', group, 'generation') or '0') then
  redis.call('HSET', group, 'generation', ARGV[3], 'state', ARGV[4])
end
redis.call('ZADD', leases, now + ARGV[2], member)
local prefix, name = string.match(group, '^({.-}:)group:(.*)$')
redis.call('SADD', prefix .. 'groups', name)
redis.call('HSET', status, member, ARGV[5])

#!lua flags=allow-oom
-- Renew the lease of a live service, or end it. Leases of the same hash that are over are removed with their services.
-- KEYS[1] the hash of services; the key `:leases` extends its name
-- ARGV[1] name, ARGV[2] lease_ms (0: the service ends), ARGV[3] description (JSON)
local services, leases = KEYS[1], KEYS[1] .. ':leases'
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. now)) do
  redis.call('ZREM', leases, dead)
  redis.call('HDEL', services, dead)
end
if ARGV[2] == '0' then
  redis.call('ZREM', leases, ARGV[1])
  redis.call('HDEL', services, ARGV[1])
else
  redis.call('ZADD', leases, now + ARGV[2], ARGV[1])
  redis.call('HSET', services, ARGV[1], ARGV[3])
end

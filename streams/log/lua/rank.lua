-- Where a member of a ranking stands, with its neighbours and the position this is true for, all of one moment.
-- KEYS[1] topic hash, KEYS[2] its highwaters, KEYS[3] snapshot of the member's partition, KEYS[4] the ranking
-- ARGV[1] record key (group|member), ARGV[2] member, ARGV[3] neighbours wanted on each side
-- Returns incarnation, highwaters, members ranked, and where the member is ranked: rank from 0, rank of the first
-- neighbour, neighbours.
local reply = {redis.call('HGET', KEYS[1], 'incarnation'), redis.call('HGETALL', KEYS[2]), redis.call('ZCARD', KEYS[4])}
local sort_key = redis.call('HGET', KEYS[3], ARGV[1])
local rank = sort_key and redis.call('ZRANK', KEYS[4], sort_key .. '|' .. ARGV[2])
if rank then
  local first = math.max(0, rank - tonumber(ARGV[3]))
  reply[4] = rank
  reply[5] = first
  reply[6] = redis.call('ZRANGE', KEYS[4], first, rank + tonumber(ARGV[3]))
end
return reply

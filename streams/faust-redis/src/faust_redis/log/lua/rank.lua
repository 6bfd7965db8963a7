-- Return the rank of a ranking's member with its neighbours, and the position of the topic at the same moment.
-- KEYS[1] topic hash, KEYS[2] its highwaters, KEYS[3] snapshot of the member's partition, KEYS[4] the ranking
-- ARGV[1] group, ARGV[2] member, ARGV[3] neighbours wanted on each side, ARGV[4...] keys of the rows that may hold it
-- Returns incarnation, high watermarks, and the number of ranked members. For a ranked member, it also returns the rank
-- from 0, the rank of the first neighbour, and the neighbours.
local reply = {redis.call('HGET', KEYS[1], 'incarnation'), redis.call('HGETALL', KEYS[2]), redis.call('ZCARD', KEYS[4])}
local rank
for _, row in ipairs(redis.call('HMGET', KEYS[3], unpack(ARGV, 4))) do
  local ok, standings = pcall(cjson.decode, row or '{}')
  local sort_key = ok and type(standings) == 'table' and standings[ARGV[1]]
  if type(sort_key) == 'string' then rank = redis.call('ZRANK', KEYS[4], sort_key .. '|' .. ARGV[2]) end
  if rank then break end
end
if rank then
  local first = math.max(0, rank - tonumber(ARGV[3]))
  reply[4] = rank
  reply[5] = first
  reply[6] = redis.call('ZRANGE', KEYS[4], first, rank + tonumber(ARGV[3]))
end
return reply

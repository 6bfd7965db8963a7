#!lua flags=allow-oom
-- Delete a topic with its records, snapshots, rankings and committed offsets, unless a group has a live member.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix, ARGV[2] topic
-- Returns the live members; when there are any, the script changes nothing.
local prefix, topic = ARGV[1], ARGV[2]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local groups = redis.call('SMEMBERS', prefix .. 'groups')

local alive = {}
for _, group in ipairs(groups) do
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'group:' .. group .. ':leases', now, '+inf')) do
    alive[#alive + 1] = member
  end
end
if #alive > 0 then return alive end

local key = prefix .. 'topic:' .. topic
local meta = redis.call('HMGET', key, 'partitions', 'view')
for p = 0, tonumber(meta[1] or '0') - 1 do
  local place = topic .. ':' .. p
  local snapshot = prefix .. 'snap:' .. place
  if meta[2] == 'rank' then
    local rows = redis.call('HGETALL', snapshot)
    for i = 1, #rows, 2 do
      local name = string.match(rows[i], '^(.*)|[^|]*$')
      local ok, standings = pcall(cmsgpack.unpack, rows[i + 1])
      for suffix in pairs(name and ok and type(standings) == 'table' and standings or {}) do
        if type(suffix) == 'string' then
          redis.call('UNLINK', prefix .. 'rank:' .. topic .. ':' .. name .. '/' .. suffix)
        end
      end
    end
  end
  redis.call('UNLINK', prefix .. 'log:' .. place, snapshot, prefix .. 'marks:' .. place)
  for _, group in ipairs(groups) do redis.call('HDEL', prefix .. 'group:' .. group .. ':offsets', place) end
end
redis.call('UNLINK', key, prefix .. 'ends:' .. topic, prefix .. 'readers:' .. topic, prefix .. 'archived:' .. topic)
redis.call('SREM', prefix .. 'topics', topic)
return {}

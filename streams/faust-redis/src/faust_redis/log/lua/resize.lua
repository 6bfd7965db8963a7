#!lua flags=allow-oom
-- Change the number of partitions of topics, in steps that may be repeated. `faust_redis.resizing` calls them in order.
-- KEYS[1] the hash of the resize
-- ARGV[1] key prefix, ARGV[2] step, ARGV[3] id of the resize, then the step's own arguments
-- Returns 'OK', or 'REFUSED' and why; then nothing was changed.
--
-- begin: JSON {from, to, topics}. Note the resize, and close its topics to all but members and forwarders.
-- seal:  JSON {topic: {partition: end}}, plan. Check that nothing was appended since these ends, and that groups have
--        processed everything. Close the topics to all but the process that moves rows, and keep its plan.
-- finish: producer, number. Check that the last write of the process that moves rows is there. Give the topics their new partitions, make members join again, and open the topics.
-- cancel: Open the topics. Only before `seal`.
local state, prefix, step, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local call = redis.call
local function topic_key(topic) return prefix .. 'topic:' .. topic end
local known = call('HMGET', state, 'id', 'phase', 'topics', 'from', 'to')
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function refused(why) return {'REFUSED', why} end

if step == 'begin' then
  if known[1] == id then return {'OK'} end
  if known[1] then return refused('another resize has begun') end
  local wanted = cjson.decode(ARGV[4])
  local from = string.format('%d', wanted.from)
  for _, topic in ipairs(wanted.topics) do
    local count = call('HGET', topic_key(topic), 'partitions')
    if count ~= from then return refused(topic .. ' has ' .. (count or 'no') .. ' partitions, not ' .. from) end
  end
  for _, topic in ipairs(wanted.topics) do call('HSET', topic_key(topic), 'closed', 'entry') end
  call('HSET', state, 'id', id, 'phase', 'draining', 'from', wanted.from, 'to', wanted.to, 'topics',
    cjson.encode(wanted.topics), 'began_ms', now)
  return {'OK'}
end

if known[1] ~= id then return refused('it is not the resize that has begun') end
local topics, from, to = cjson.decode(known[3]), tonumber(known[4]), tonumber(known[5])

if step == 'cancel' then
  if known[2] ~= 'draining' then return refused('rows have been moved; only finish it') end
  for _, topic in ipairs(topics) do call('HDEL', topic_key(topic), 'closed') end
  call('DEL', state)
  return {'OK'}
end

if step == 'seal' then
  if known[2] ~= 'draining' then return {'OK'} end
  for topic, ends in pairs(cjson.decode(ARGV[4])) do
    for partition, expected in pairs(ends) do
      local found = call('HGET', prefix .. 'ends:' .. topic, partition) or '0'
      if found ~= string.format('%d', expected) then return refused(topic .. ':' .. partition .. ' has grown') end
    end
  end
  for _, topic in ipairs(topics) do call('HSET', topic_key(topic), 'closed', id) end
  call('HSET', state, 'phase', 'moving', 'plan', ARGV[5])
  return {'OK'}
end

-- finish
if known[2] ~= 'moving' then return refused('its rows have not been moved') end
if call('HGET', prefix .. 'producer:' .. ARGV[4], 'number') ~= ARGV[5] then
  return refused('the broker was restored to an earlier state while rows were moved; run the same resize again')
end
local resized = {}
for _, topic in ipairs(topics) do resized[topic] = true end

-- A group begins at the first record of a new partition, and holds back its trimming until then.
for _, group in ipairs(call('SMEMBERS', prefix .. 'groups')) do
  local key = prefix .. 'group:' .. group
  local fields = call('HKEYS', key .. ':offsets')
  for _, field in ipairs(fields) do
    local topic, partition = string.match(field, '^(.*):(%d+)$')
    if resized[topic] and tonumber(partition) < from then
      for child = tonumber(partition) + from, to - 1, from do
        call('HSETNX', key .. ':offsets', string.format('%s:%d', topic, child), '0')
      end
    end
  end
  if call('EXISTS', key) == 1 then
    call('HINCRBY', key, 'generation', 1)
    call('HSET', key, 'state', 'empty')
    call('DEL', key .. ':members', key .. ':joined', key .. ':leases', key .. ':assignments', key .. ':status')
    call('PUBLISH', key, call('HGET', key, 'generation') .. ' empty')
  end
end
-- Append numbers of a key ascend, in its new partition, too.
for parent = 0, from - 1 do
  local last = call('HGET', prefix .. 'order', tostring(parent))
  for child = last and parent + from or to, to - 1, from do call('HSET', prefix .. 'order', tostring(child), last) end
end
local ends = {}
for _, topic in ipairs(topics) do
  local flat = call('HGETALL', prefix .. 'ends:' .. topic)
  local by_partition = {}
  for i = 1, #flat, 2 do by_partition[flat[i]] = tonumber(flat[i + 1]) end
  ends[topic] = next(by_partition) and by_partition or nil
  call('HSET', topic_key(topic), 'partitions', to)
  call('HDEL', topic_key(topic), 'closed')
end
call('RPUSH', prefix .. 'resizes', cjson.encode({from = from, to = to, at_ms = now, ends = ends}))
call('DEL', state)
return {'OK'}

#!lua flags=allow-oom
-- Coordinate a consumer group. One script holds all rules of a group and reads the server's clock.
-- KEYS[1] the group's hash and pub/sub channel; the keys `:members`, `:joined`, `:leases`, `:assignments` extend its name
-- ARGV[1] operation, ARGV[2] member, then the operation's own arguments
--
-- States: empty -> preparing (members join) -> syncing (the leader assigns) -> stable. When a member rejoins, leaves or
-- loses its lease, the group returns to preparing. The generation rises when preparing ends; until then the old
-- generation may commit.
-- A new member does not stop the group. It waits in `:joined` until `settle` while the members continue; then the
-- group prepares.
local group, op, member = KEYS[1], ARGV[1], ARGV[2]
local members, joined, leases, assignments = group .. ':members', group .. ':joined', group .. ':leases', group .. ':assignments'
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function get(field) return redis.call('HGET', group, field) end
local function number(field) return tonumber(get(field) or '0') end
local function announce() redis.call('PUBLISH', group, get('generation') .. ' ' .. get('state')) end

-- Add the group to the set of groups that have a member or a committed offset.
local function list()
  local prefix, name = string.match(group, '^({.-}:)group:(.*)$')
  redis.call('SADD', prefix .. 'groups', name)
end

local function prepare(settle_ms)
  if get('state') == 'preparing' then return end
  redis.call('HSET', group, 'state', 'preparing', 'settle', now + settle_ms, 'deadline', now + number('rebalance_ms'))
  announce()
end

local function remove(name)
  redis.call('HDEL', members, name)
  redis.call('SREM', joined, name)
  redis.call('ZREM', leases, name)
  redis.call('HDEL', assignments, name)
  redis.call('HDEL', group .. ':status', name)
end

local function complete()
  if get('state') ~= 'preparing' then return end
  local all = redis.call('HLEN', members)
  local late = now >= number('deadline')
  if all == 0 then
    redis.call('HSET', group, 'state', 'empty')
    return
  end
  if not late and (redis.call('SCARD', joined) < all or now < number('settle')) then return end
  for _, name in ipairs(redis.call('HKEYS', members)) do
    if redis.call('SISMEMBER', joined, name) == 0 then remove(name) end
  end
  local names = redis.call('HKEYS', members)
  if #names == 0 then
    redis.call('HSET', group, 'state', 'empty')
    return
  end
  table.sort(names)
  local leader = get('leader')
  if not leader or redis.call('HEXISTS', members, leader) == 0 then leader = names[1] end
  redis.call('DEL', assignments, joined)
  redis.call('HINCRBY', group, 'generation', 1)
  redis.call('HSET', group, 'state', 'syncing', 'leader', leader, 'deadline', now + number('rebalance_ms'))
  announce()
end

local function evict()
  local dead = redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. now)
  for _, name in ipairs(dead) do remove(name) end
  if #dead > 0 then
    if redis.call('HLEN', members) == 0 then
      redis.call('HSET', group, 'state', 'empty')
    else
      prepare(0)
    end
  end
  -- Remove a leader that does not assign in time, so that the group does not wait for it without end.
  if get('state') == 'syncing' and now >= number('deadline') then
    remove(get('leader'))
    prepare(0)
  end
end

local function admit()
  if get('state') == 'stable' and redis.call('SCARD', joined) > 0 and now >= number('settle') then prepare(0) end
end

if redis.call('HSETNX', group, 'generation', 0) == 1 then redis.call('HSET', group, 'state', 'empty') end
evict()
admit()

if op == 'join' then
  -- ARGV: metadata, lease_ms, rebalance_ms, settle_ms
  list()
  redis.call('HSET', group, 'lease_ms', ARGV[4], 'rebalance_ms', ARGV[5])
  if redis.call('HLEN', members) == 0 then redis.call('HSET', group, 'state', 'empty') end
  local newcomer = redis.call('HEXISTS', members, member) == 0 or redis.call('SISMEMBER', joined, member) == 1
  redis.call('HSET', members, member, ARGV[3])
  redis.call('ZADD', leases, now + ARGV[4], member)
  if get('state') == 'empty' then
    prepare(tonumber(ARGV[6]))
  elseif not newcomer then
    prepare(0) -- the member has already handed over its partitions
  elseif get('state') ~= 'preparing' and redis.call('SCARD', joined) == 0 then
    redis.call('HSET', group, 'settle', now + ARGV[6])
  end
  redis.call('SADD', joined, member)
  admit()
  complete()
elseif op == 'leave' then
  if redis.call('HEXISTS', members, member) == 1 then
    remove(member)
    if redis.call('HLEN', members) == 0 then
      redis.call('HSET', group, 'state', 'empty')
      announce()
    else
      prepare(0)
      complete()
    end
  end
elseif op == 'heartbeat' then
  if redis.call('HEXISTS', members, member) == 1 then redis.call('ZADD', leases, now + number('lease_ms'), member) end
  complete()
elseif op == 'members' then
  -- Return the members of the generation that is being assigned. Members that joined later wait for the next one.
  local reply = {}
  for _, name in ipairs(redis.call('HKEYS', members)) do
    if redis.call('SISMEMBER', joined, name) == 0 then
      reply[#reply + 1] = name
      reply[#reply + 1] = redis.call('HGET', members, name)
    end
  end
  return reply
elseif op == 'sync' then
  -- ARGV: generation, then member and assignment in turn
  if get('generation') == ARGV[3] and get('state') == 'syncing' and get('leader') == member then
    for i = 4, #ARGV, 2 do redis.call('HSET', assignments, ARGV[i], ARGV[i + 1]) end
    redis.call('HSET', group, 'state', 'stable')
    announce()
  end
end

local known = redis.call('HEXISTS', members, member)
local has_joined = redis.call('SISMEMBER', joined, member)
return {known, has_joined, get('state'), number('generation'), get('leader') or '', redis.call('HGET', assignments, member) or ''}

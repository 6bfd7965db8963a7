-- A ranking as a sorted list of packed elements in short segments: what a sorted set of a million members could become.
-- An element is an ordered score (8 bytes) and the number of a player (4 bytes). A segment is a sorted set of at most MAX
-- elements of equal score, so that the server keeps it as one packed list. The directory holds each segment's lower bound.
-- KEYS[1] directory, KEYS[2] hash of the segments' sizes, KEYS[3] prefix of the segments
-- ARGV[1] 'move' (then pairs: the old element or nothing, and the new one), 'rank' (an element), 'top' (how many) or
-- 'around' (an element, how many on each side)
local MAX, call, directory, sizes, prefix = 512, redis.call, KEYS[1], KEYS[2], KEYS[3]
local LOWEST = string.rep('\0', 12)

local function bound_of(element)
  return call('ZRANGE', directory, '[' .. element, '-', 'BYLEX', 'REV', 'LIMIT', 0, 1)[1] or LOWEST
end

local function add(element)
  local bound = bound_of(element)
  local segment = prefix .. bound
  if call('ZADD', segment, 0, element) == 0 then return end
  call('ZADD', directory, 'NX', 0, bound)
  local size = call('HINCRBY', sizes, bound, 1)
  if size <= MAX then return end
  local upper = call('ZRANGE', segment, MAX / 2, -1)
  local scored = {}
  for _, one in ipairs(upper) do scored[#scored + 1] = 0; scored[#scored + 1] = one end
  call('ZREM', segment, unpack(upper))
  call('ZADD', prefix .. upper[1], unpack(scored))
  call('ZADD', directory, 0, upper[1])
  call('HSET', sizes, bound, size - #upper, upper[1], #upper)
end

local function remove(element)
  local bound = bound_of(element)
  if call('ZREM', prefix .. bound, element) == 1 then call('HINCRBY', sizes, bound, -1) end
end

local function rank(element)
  local bound, below = bound_of(element), 0
  local lower = call('ZRANGE', directory, '-', '(' .. bound, 'BYLEX')
  for first = 1, #lower, 1000 do
    for _, size in ipairs(call('HMGET', sizes, unpack(lower, first, math.min(first + 999, #lower)))) do
      below = below + tonumber(size)
    end
  end
  return below + call('ZRANK', prefix .. bound, element)
end

-- Return `count` elements from a place in the segment with this bound on; a negative place begins in the segment before.
local function from(bound, place, count)
  while place < 0 do
    local before = call('ZRANGE', directory, '(' .. bound, '-', 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
    if not before then count, place = count + place, 0 break end
    bound, place = before, place + tonumber(call('HGET', sizes, before))
  end
  local found = call('ZRANGE', prefix .. bound, place, place + count - 1)
  while #found < count do
    bound = call('ZRANGE', directory, '(' .. bound, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
    if not bound then break end
    for _, one in ipairs(call('ZRANGE', prefix .. bound, 0, count - #found - 1)) do found[#found + 1] = one end
  end
  return found
end

if ARGV[1] == 'move' then
  for i = 2, #ARGV, 2 do
    if ARGV[i] ~= '' then remove(ARGV[i]) end
    add(ARGV[i + 1])
  end
elseif ARGV[1] == 'rank' then
  return rank(ARGV[2])
elseif ARGV[1] == 'top' then
  return from(LOWEST, 0, tonumber(ARGV[2]))
elseif ARGV[1] == 'around' then
  local bound, sides = bound_of(ARGV[2]), tonumber(ARGV[3])
  return {rank(ARGV[2]), from(bound, call('ZRANK', prefix .. bound, ARGV[2]) - sides, 2 * sides + 1)}
end

#!lua
-- Create a topic once, atomically. KEYS[1] topic hash, KEYS[2] set of topics
-- ARGV: name, partitions, cleanup, view, retention_ms, incarnation, archived. Returns the new or the existing topic.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'partitions', ARGV[2], 'cleanup', ARGV[3], 'view', ARGV[4], 'retention_ms', ARGV[5],
    'incarnation', ARGV[6], 'archived', ARGV[7])
  redis.call('SADD', KEYS[2], ARGV[1])
else
  -- Retention and archive are not part of a topic's identity, so the last declaration applies.
  redis.call('HSET', KEYS[1], 'retention_ms', ARGV[5], 'archived', ARGV[7])
end
return redis.call('HMGET', KEYS[1], 'partitions', 'cleanup', 'view', 'retention_ms', 'incarnation', 'archived')

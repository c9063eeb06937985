-- The moments of what was let through, the newest first; by Redis's clock, the only one that all instances share.
local key, quota, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A clock that was set back makes moments of the future: they would count for as long as it was set back.
local newest = tonumber(redis.call('LINDEX', key, 0))
if newest and newest > now then redis.call('DEL', key) end
local oldest = tonumber(redis.call('LINDEX', key, -1))
while oldest and oldest + window <= now do
  redis.call('RPOP', key)
  oldest = tonumber(redis.call('LINDEX', key, -1))
end
local used, allowed = redis.call('LLEN', key), 0
if used < quota then
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('PEXPIRE', key, window)
  used, allowed, oldest = used + 1, 1, oldest or now
end
return { allowed, used, oldest + window - now }

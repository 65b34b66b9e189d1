-- A page, asked in turn by every session of a file, one a line: "path session". What is refused is counted, not an error.
local ready, turn = {}, 0
local threads = {}

-- Global, since done() reads them out of each thread.
good, refused, wrong = 0, 0, 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(args[1]) do
    local path, session = line:match("(%S+) (%S+)")
    table.insert(ready, wrk.format("GET", path, {["Cookie"] = "sessionid=" .. session}))
  end
end

function request()
  turn = turn % #ready + 1
  return ready[turn]
end

function response(status)
  if status == 200 then
    good = good + 1
  elseif status == 503 then
    refused = refused + 1
  else
    wrong = wrong + 1
  end
end

function done(summary, latency)
  local sums = {good = 0, refused = 0, wrong = 0}
  for _, thread in ipairs(threads) do
    for name in pairs(sums) do
      sums[name] = sums[name] + thread:get(name)
    end
  end
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  print("PAGES " .. string.format("%d %d %d %d %d", sums.good, sums.refused, sums.wrong, broken, summary.duration))
end

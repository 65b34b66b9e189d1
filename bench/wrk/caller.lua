-- What every load has in common: requests made ready before the clock starts, every answer looked at, one line of figures.
-- A load gives its requests and the start of a right answer to use(), from init().

local ready, turn, expected = {}, 0, ""
local threads = {}

-- Global, since done() reads them out of each thread.
wrong, example = 0, ""

function setup(thread)
  table.insert(threads, thread)
end

-- Returns the callers in a file of lines "key order order ...": {key = ..., orders = {...}} each.
function callers(path)
  local found = {}
  for line in io.lines(path) do
    local words = {}
    for word in line:gmatch("%S+") do
      table.insert(words, word)
    end
    table.insert(found, {key = table.remove(words, 1), orders = words})
  end
  return found
end

-- Returns the bytes of a POST of this form.
function post(form)
  return wrk.format("POST", "/api/v2", {["Content-Type"] = "application/x-www-form-urlencoded"}, form)
end

function use(requests, start_of_answer)
  ready, expected = requests, start_of_answer
  turn = math.random(#ready)
end

function request()
  turn = turn % #ready + 1
  return ready[turn]
end

function response(status, headers, body)
  if status ~= 200 or body:sub(1, #expected) ~= expected or body:find('"error"', 1, true) then
    wrong = wrong + 1
    if example == "" then
      example = status .. " " .. body:sub(1, 200)
    end
  end
end

function done(summary, latency)
  local all_wrong, any_example = 0, ""
  for _, thread in ipairs(threads) do
    all_wrong = all_wrong + thread:get("wrong")
    any_example = any_example .. thread:get("example")
  end
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local p99 = latency:percentile(99)
  local figures = {summary.requests, summary.duration, summary.bytes, broken, all_wrong, p99}
  print("FIGURES " .. string.format("%d %d %d %d %d %d", unpack(figures)))
  print("EXAMPLE " .. any_example)
end

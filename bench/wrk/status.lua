-- One order's status: every customer, ten of their orders each.
dofile("caller.lua")

function init(args)
  local requests = {}
  for turn = 1, 10 do
    for _, caller in ipairs(callers(args[1])) do
      local order = caller.orders[turn * 7 % #caller.orders + 1]
      table.insert(requests, post("key=" .. caller.key .. "&action=status&order=" .. order))
    end
  end
  use(requests, '{"charge":')
end

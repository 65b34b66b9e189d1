-- Orders of customers who pause between them: what is measured is how long each waits for its answer.
dofile("add.lua")

function delay()
  return 30
end

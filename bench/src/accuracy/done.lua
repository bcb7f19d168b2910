-- wrk's own text has no P(95) and no P(99.9), and two decimals; these are whole microseconds.
done = function(summary, latency, requests)
  for _, p in ipairs({ 50, 75, 90, 95, 99, 99.9 }) do
    io.write(string.format("P%g %d\n", p, latency:percentile(p)))
  end
  io.write(string.format("Pmax %d\n", latency.max))
end

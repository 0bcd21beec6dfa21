-- wrk: each request takes a random path of the file named by the environment variable PATHS.
local paths = {}
for line in io.lines(os.getenv("PATHS")) do
    if line ~= "" then paths[#paths + 1] = line end
end
math.randomseed(7)
local headers = {
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ["Accept"] = "image/avif,image/webp,*/*",
}
request = function()
    return wrk.format("GET", paths[math.random(#paths)], headers)
end
done = function(summary, latency)
    io.write(string.format("RESULT %.0f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        summary.errors.status + summary.errors.read + summary.errors.timeout + summary.errors.connect))
end

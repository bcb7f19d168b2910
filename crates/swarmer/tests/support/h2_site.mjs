// A site in HTTP/2 without TLS, by Node (nghttp2). Its paths say what it does; arguments are its settings, as JSON. Prints
// its port. Ends with its standard input.
import http2 from "node:http2";

const settings = JSON.parse(process.argv[2] ?? "{}");
const server = http2.createServer({ settings });

const whole = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
};

const answers = {
  "/echo": async (stream, headers) => {
    const own = Object.entries(headers).filter(([name]) => name.startsWith("x-"));
    const body = await whole(stream);
    stream.respond({ ":status": 200, ...Object.fromEntries(own), "x-length": String(body.length) });
    stream.end(body);
  },
  "/big": (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("b".repeat(5_000_000));
  },
  "/early": (stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</style.css>; rel=preload" });
    stream.respond({ ":status": 200 });
    stream.end("after an early hint");
  },
  "/trailers": (stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1" }));
    stream.end("with trailers");
  },
  "/many": (stream) => {
    const fields = Array.from({ length: 100 }, (_, n) => [`x-field-${n}`, `${"v".repeat(n)}.`]);
    stream.respond({ ":status": 200, ...Object.fromEntries(fields) });
    stream.end();
  },
  "/push": (stream) => {
    stream.respond({ ":status": 200 });
    stream.end(String(stream.pushAllowed));
  },
  // Frames of extensions, which are to be passed over.
  "/extensions": (stream) => {
    stream.session.altsvc('h2=":8000"', stream.id);
    stream.session.origin("https://example.com");
    stream.respond({ ":status": 200 });
    stream.end("passed over");
  },
  // Answers once it was answered itself.
  "/ping": (stream) => {
    stream.session.ping((error) => {
      stream.respond({ ":status": error ? 500 : 200 });
      stream.end();
    });
  },
  // The same with other settings, which hold from then on.
  "/settings": (stream, headers) => {
    stream.session.settings(JSON.parse(headers["x-settings"]), (error) => {
      stream.respond({ ":status": error ? 500 : 200 });
      stream.end();
    });
  },
  "/reset": (stream) => stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM),
  "/half": (stream) => {
    stream.respond({ ":status": 200, "content-length": 100 });
    stream.write("half", () => stream.destroy(new Error("on purpose")));
  },
  "/last": (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("the last one");
    stream.session.close();
  },
  "/not-modified": (stream) => {
    stream.respond({ ":status": 304, etag: '"7"', "content-length": 7 }, { endStream: true });
  },
};

server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  const answer = answers[headers[":path"]] ?? ((stream) => stream.respond({ ":status": 404 }, { endStream: true }));
  answer(stream, headers);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();

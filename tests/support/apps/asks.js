// Asks as a Node program does, one after the other on kept connections: node asks.js agent|fetch PORT HOST < PLAN
// PLAN and the answer are JSON: [{method, path, size, chunked}] and [{status, size, digest}].
'use strict';
const crypto = require('crypto');
const dns = require('dns');
const fs = require('fs');
const http = require('http');

const [, , how, port, host] = process.argv;
dns.lookup = (name, options, done) => {
  const then = typeof options === 'function' ? options : done;
  return options.all ? then(null, [{ address: '127.0.0.1', family: 4 }]) : then(null, '127.0.0.1', 4);
};

const content = (size) => Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function* pieces(size) {
  const all = content(size);
  for (let at = 0; at < size; at += 10000) yield all.subarray(at, at + 10000);
}

function told(status, body) {
  return { status, size: body.length, digest: crypto.createHash('sha256').update(body).digest('hex') };
}

function byAgent({ method, path, size, chunked }) {
  return new Promise((resolve, reject) => {
    const headers = size === null || chunked ? {} : { 'Content-Length': size };
    const request = http.request({ agent, port, host, method, path, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve(told(response.statusCode, Buffer.concat(parts))));
      response.on('error', reject);
    });
    request.on('error', reject);
    if (size !== null) for (const piece of pieces(size)) request.write(piece);
    request.end();
  });
}

async function byFetch({ method, path, size, chunked }) {
  const options = { method };
  if (size !== null) options.body = chunked ? ReadableStream.from?.(pieces(size)) ?? streamed(size) : content(size);
  if (chunked) options.duplex = 'half';
  const response = await fetch(`http://${host}:${port}${path}`, options);
  return told(response.status, Buffer.from(await response.arrayBuffer()));
}

function streamed(size) {
  const left = pieces(size);
  return new ReadableStream({
    pull(controller) {
      const { value, done } = left.next();
      if (done) controller.close(); else controller.enqueue(value);
    },
  });
}

(async () => {
  const answers = [];
  for (const ask of JSON.parse(fs.readFileSync(0))) {
    answers.push(await (how === 'fetch' ? byFetch : byAgent)(ask));
  }
  process.stdout.write(JSON.stringify(answers));
  agent.destroy();
})();

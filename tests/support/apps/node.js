// The contract on Node's http server: node node.js PORT
'use strict';
const fs = require('fs');
const http = require('http');

const PIECE = 16384;
const content = (size) => Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
const opened = (name, number) => fs.existsSync(`${process.env.GATES}/${name}.${number}`);

const COOKIES = [0, 1, 2, 3].flatMap((n) => ['Set-Cookie', `c${n}=${n}; Path=/`]).concat(
  ['X-Many', 'one', 'Link', '</a>; rel=preload', 'X-Many', 'two', 'Link', '</b>; rel=preload']);

function fields(request) {
  const found = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    found.push([request.rawHeaders[i].toLowerCase(), request.rawHeaders[i + 1]]);
  }
  return found;
}

function whole(response, body, status = 200, extra = []) {
  response.writeHead(status, [...extra, 'Content-Length', String(body.length)]);
  response.end(body);
}

function stream(response, size) {
  const all = content(size);
  response.writeHead(200);
  for (let at = 0; at < size; at += PIECE) response.write(all.subarray(at, at + PIECE));
  response.end();
}

function events(response, name) {
  response.writeHead(200, ['Content-Type', 'text/event-stream']);
  let number = -1;
  const look = setInterval(() => {
    if (number >= 0 && !opened(name, number)) return;
    number += 1;
    if (number < 3) return response.write(`id: ${number}\ndata: event ${number}\n\n`);
    clearInterval(look);
    response.end();
  }, 5);
  response.on('close', () => clearInterval(look));
}

function echo(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const framing = request.headers['transfer-encoding'] ? 'chunked' : 'length';
    whole(response, Buffer.concat(parts), 200, ['X-Framing', framing, 'X-Method', request.method]);
  });
}

function hints(response) {
  response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
  whole(response, Buffer.from('hinted'));
}

http.createServer({ keepAliveTimeout: 60000 }, (request, response) => {
  const path = request.url.split('?')[0];
  const [, what, rest] = path.split('/');
  if (what === 'bytes') return whole(response, content(Number(rest)));
  if (what === 'stream') return stream(response, Number(rest));
  if (what === 'echo') return echo(request, response);
  if (what === 'fields') return whole(response, Buffer.from(JSON.stringify(fields(request))));
  if (what === 'target') return whole(response, Buffer.from(request.url));
  if (what === 'cookies') return whole(response, Buffer.from('cookies'), 200, COOKIES);
  if (what === 'status') { response.writeHead(Number(rest), ['ETag', '"one"']); return response.end(); }
  if (what === 'events') return events(response, rest);
  if (what === 'hints') return hints(response);
  if (what === 'refuse') return whole(response, Buffer.from('refused'), 413);
  if (what === 'last') return whole(response, Buffer.from('last'), 200, ['Connection', 'close']);
  return whole(response, Buffer.from('nothing here'), 404);
}).listen(Number(process.argv[2]), '127.0.0.1');
